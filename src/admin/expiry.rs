//! When keys and tokens end: what may be said of it, and how near it is.

use crate::clock::UnixMillis;

/// The last millisecond of the year 9999: a later one is a slip, and no clock shows it.
const LAST_MS: i64 = 253_402_300_799_999;
/// What ends within this time is shown to do so.
const SOON_MS: i64 = 7 * 86_400_000;

/// How near an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It is far away, or there is none.
    Long,
    /// A week at most.
    Little,
    /// It is over.
    Nothing,
}

impl Left {
    pub(super) fn until(expires: Option<UnixMillis>, now: UnixMillis) -> Self {
        match expires {
            Some(expires) if expires <= now => Self::Nothing,
            Some(expires) if expires.0 - now.0 <= SOON_MS => Self::Little,
            Some(_) | None => Self::Long,
        }
    }
}

/// What is wrong with the end of something that is to be of use after `earliest`.
pub(super) fn problem(expires: Option<UnixMillis>, earliest: UnixMillis) -> Option<&'static str> {
    let expires = expires?;
    if expires <= earliest {
        return Some("this moment has passed; name a later one");
    }
    let is_a_slip = expires.0 > LAST_MS;
    is_a_slip.then_some("this is after the year 9999: `expires_ms` counts milliseconds since 1970")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_lies_ahead_and_within_what_clocks_show() {
        let wrong = |at: i64| problem(Some(UnixMillis(at)), UnixMillis(1_000)).is_some();
        assert_eq!([i64::MIN, 0, 1_000, LAST_MS + 1, i64::MAX].map(wrong), [true; 5]);
        assert_eq!([1_001, LAST_MS].map(wrong), [false; 2]);
        assert_eq!(problem(None, UnixMillis(1_000)), None);
    }

    #[test]
    fn the_last_week_is_told_apart() {
        let now = UnixMillis(1_000 * 86_400_000);
        let left = |millis: i64| Left::until(Some(UnixMillis(now.0 + millis)), now);
        assert_eq!([-1, 0, 1, SOON_MS, SOON_MS + 1].map(left), {
            [Left::Nothing, Left::Nothing, Left::Little, Left::Little, Left::Long]
        });
        assert_eq!(Left::until(None, now), Left::Long);
    }
}
