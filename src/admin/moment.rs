//! A moment for people: in a few words how far from now it is, and exactly.

use std::time::Duration;

use super::words;
use crate::clock::UnixMillis;

/// A moment in words; empty where there is none.
#[derive(Debug, Default)]
pub(super) struct Moment {
    pub(super) words: String,
    pub(super) exact: String,
}

impl Moment {
    /// One that has passed. `to_the_hour`: no more is known of it than its hour.
    pub(super) fn since(at: UnixMillis, now: UnixMillis, to_the_hour: bool) -> Self {
        let past = Duration::from_millis(u64::try_from(now.0.saturating_sub(at.0)).unwrap_or_default());
        let is_this_hour = to_the_hour && past < Duration::from_secs(3600);
        let words = match past.as_secs() {
            _ if is_this_hour => "this hour".to_owned(),
            0..60 => "just now".to_owned(),
            _ => format!("{} ago", words::duration(past)),
        };
        Self { words, exact: words::moment(at, "%Y-%m-%d %H:%M UTC") }
    }

    /// One that is to come, or has passed since.
    pub(super) fn until(at: UnixMillis, now: UnixMillis) -> Self {
        let Ok(left @ 1..) = u64::try_from(at.0.saturating_sub(now.0)) else { return Self::since(at, now, false) };
        let words = format!("in {}", words::duration(Duration::from_millis(left)));
        Self { words, exact: words::moment(at, "%Y-%m-%d %H:%M UTC") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_from_now() {
        let now = UnixMillis(100 * 86_400_000);
        let at = |days: i64| UnixMillis(now.0 + days * 86_400_000);
        assert_eq!(Moment::until(at(3), now).words, "in 3 d 0 h");
        assert_eq!(Moment::until(at(-3), now).words, "3 d 0 h ago");
        assert_eq!(Moment::since(at(1), now, false).words, "just now");
        assert_eq!(Moment::since(UnixMillis(now.0 - 1), now, true).words, "this hour");
        assert_eq!(Moment::until(at(3), now).exact, "1970-04-14 00:00 UTC");
    }
}
