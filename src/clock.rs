//! Wall-clock time as integers. The pure modules take it as an argument; only the edges call [`UnixNanos::now`].

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC: what records and the database hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

/// Nanoseconds since 1970-01-01 UTC: what Ollama's timestamps and durations need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// The present.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    /// The same moment in milliseconds.
    pub fn millis(self) -> UnixMillis {
        UnixMillis(self.0.div_euclid(1_000_000))
    }

    /// The same moment in whole seconds.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// RFC 3339 in UTC with up to nine fractional digits, trailing zeros trimmed, ending in `Z`:
    /// the form of Ollama's `created_at`.
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or_default().to_string()
    }
}

impl UnixMillis {
    /// The present.
    pub fn now() -> Self {
        UnixNanos::now().millis()
    }
}

/// When the steps of one answer happened, for the durations Ollama clients show as tokens per second.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timing {
    /// The request arrived.
    pub started: UnixNanos,
    /// The first token came from the upstream.
    pub first_token: Option<UnixNanos>,
    /// The last token came from the upstream.
    pub ended: UnixNanos,
}
