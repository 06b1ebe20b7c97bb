//! How long a browser stays logged in.

use std::time::Duration;

use crate::clock::UnixMillis;
use crate::store::admin::StoredSession;

/// A login that is not used for so long has ended.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// A login ends after so long, however much it is used.
pub(super) const ABSOLUTE: Duration = Duration::from_secs(14 * 86_400);
/// How far the database may lag behind what is known of a last use.
const LAG: Duration = Duration::from_secs(60);

/// A login, and what the database knows of its last use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    created: UnixMillis,
    pub(super) seen: UnixMillis,
    written: UnixMillis,
}

impl Session {
    pub(super) fn new(stored: &StoredSession) -> Self {
        Self { created: stored.created, seen: stored.seen, written: stored.seen }
    }

    pub(super) fn is_live(&self, now: UnixMillis) -> bool {
        is_within(self.seen, now, IDLE) && is_within(self.created, now, ABSOLUTE)
    }

    /// It is worth a write.
    pub(super) fn is_unwritten(&self) -> bool {
        !is_within(self.written, self.seen, LAG)
    }
}

/// Whether a use at `now` is worth a write where `written` is known.
pub(super) fn is_worth_writing(written: Option<UnixMillis>, now: UnixMillis) -> bool {
    written.is_none_or(|written| !is_within(written, now, LAG))
}

fn is_within(since: UnixMillis, now: UnixMillis, span: Duration) -> bool {
    i128::from(now.0) - i128::from(since.0) < i128::try_from(span.as_millis()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_login_ends_when_it_is_idle_and_when_it_is_old() {
        let stored = StoredSession { hash: String::new(), created: UnixMillis(0), seen: UnixMillis(0) };
        let mut session = Session::new(&stored);
        assert!(session.is_live(UnixMillis(12 * HOUR - 1)));
        assert!(!session.is_live(UnixMillis(12 * HOUR)));
        for hour in (0..14 * 24).step_by(11) {
            assert!(session.is_live(UnixMillis(hour * HOUR)), "{hour}");
            session.seen = UnixMillis(hour * HOUR);
        }
        session.seen = UnixMillis(14 * 24 * HOUR - 1);
        assert!(session.is_live(session.seen));
        assert!(!session.is_live(UnixMillis(14 * 24 * HOUR)));
        assert!(session.is_live(UnixMillis(-HOUR)), "a clock that was put back ends nothing");
    }

    #[test]
    fn a_use_is_written_once_a_minute() {
        let stored = StoredSession { hash: String::new(), created: UnixMillis(0), seen: UnixMillis(0) };
        let mut session = Session::new(&stored);
        session.seen = UnixMillis(59_999);
        assert!(!session.is_unwritten());
        session.seen = UnixMillis(60_000);
        assert!(session.is_unwritten());
        assert!(is_worth_writing(None, UnixMillis(0)) && !is_worth_writing(Some(UnixMillis(0)), UnixMillis(59_999)));
    }
}
