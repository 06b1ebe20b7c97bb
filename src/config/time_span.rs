//! Spans of time as people write them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number with its unit: `800ms`, `90s`, `30m`, `1h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan(Duration);

/// Longest first, so that a span is written in the largest unit that fits.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl TimeSpan {
    /// The span.
    pub fn get(self) -> Duration {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
        let ms = number.parse::<u64>().ok()?.checked_mul(*unit_ms)?;
        Some(Self(Duration::from_millis(ms)))
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if ms == 0 {
            return f.write_str("0s");
        }
        let (unit, unit_ms) = UNITS.iter().find(|(_, unit_ms)| ms % unit_ms == 0).unwrap_or(&("ms", 1));
        write!(f, "{}{unit}", ms / unit_ms)
    }
}

impl Serialize for TimeSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is not a time span like 800ms, 90s, 30m, 1h or 7d"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_they_are_read() {
        for (text, ms, written) in [
            ("800ms", 800, "800ms"),
            (" 90 s", 90_000, "90s"),
            ("120s", 120_000, "2m"),
            ("1h", 3_600_000, "1h"),
            ("7d", 604_800_000, "7d"),
            ("0s", 0, "0s"),
            ("1500ms", 1500, "1500ms"),
        ] {
            let span = TimeSpan::parse(text).unwrap();
            assert_eq!((span.get(), span.to_string().as_str()), (Duration::from_millis(ms), written));
        }
        for text in ["", "s", "1", "1w", "-1s", "1.5s", "99999999999999999999s", "18446744073709551615d", "1é"] {
            assert_eq!(TimeSpan::parse(text), None, "{text}");
        }
    }
}
