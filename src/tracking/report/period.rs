//! The time a report is about, as people write it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Serialize, Serializer};

use crate::clock::UnixMillis;
use crate::store::usage::hour_of;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const DEFAULT_DAYS: i64 = 30;

/// A stretch of whole hours, `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    /// Start of the first hour.
    #[serde(serialize_with = "rfc3339")]
    pub from: UnixMillis,
    /// End of the last hour.
    #[serde(serialize_with = "rfc3339")]
    pub to: UnixMillis,
}

/// The text names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Not a form we read.
    #[error("`{0}` is not a time: write 2026-11-21, 2026-11-21T08:00:00Z, 7d or 24h")]
    Unreadable(String),
    /// Nothing lies between the two.
    #[error("the period ends before it begins")]
    Backwards,
}

impl Period {
    /// Reads the two ends: `YYYY-MM-DD`, RFC 3339, or `7d` / `24h` before `now`. All in UTC.
    ///
    /// Hours are the grain: the start is moved back and the end forward to a full hour, and a bare date as the end
    /// means the end of that day. Without a start, thirty days before the end; without an end, now.
    ///
    /// # Errors
    /// [`PeriodError`] for other texts, and for an end before the start.
    pub fn parse(from: Option<&str>, to: Option<&str>, now: UnixMillis) -> Result<Self, PeriodError> {
        let to = to.map_or(Ok(now), |text| moment(text, now, true))?;
        let to = hour_of(UnixMillis(to.0.saturating_add(HOUR_MS - 1)));
        let from = match from {
            Some(text) => moment(text, now, false)?,
            None => UnixMillis(to.0.saturating_sub(DEFAULT_DAYS * DAY_MS)),
        };
        let from = hour_of(from);
        if from >= to { Err(PeriodError::Backwards) } else { Ok(Self { from, to }) }
    }
}

/// A moment, in the forms that [`Period::parse`] reads; a bare date is its first moment, or, as an end, the first of the
/// next day.
///
/// # Errors
/// [`PeriodError::Unreadable`] for other texts.
pub fn moment(text: &str, now: UnixMillis, is_end: bool) -> Result<UnixMillis, PeriodError> {
    let text = text.trim();
    let unreadable = || PeriodError::Unreadable(text.to_owned());
    if let Ok(date) = text.parse::<Date>().and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC))
        && text.len() == "2026-11-21".len()
    {
        return Ok(UnixMillis(date.timestamp().as_millisecond() + if is_end { DAY_MS } else { 0 }));
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(UnixMillis(timestamp.as_millisecond()));
    }
    let (number, unit_ms) = match text.strip_suffix('d') {
        Some(days) => (days, DAY_MS),
        None => (text.strip_suffix('h').ok_or_else(unreadable)?, HOUR_MS),
    };
    let number: u32 = number.parse().map_err(|_| unreadable())?;
    let ago = i64::from(number).checked_mul(unit_ms).and_then(|ago| now.0.checked_sub(ago));
    ago.map(UnixMillis).ok_or_else(unreadable)
}

fn rfc3339<S: Serializer>(at: &UnixMillis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Timestamp::from_millisecond(at.0).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMillis {
        UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn period(from: Option<&str>, to: Option<&str>) -> Result<(UnixMillis, UnixMillis), PeriodError> {
        Period::parse(from, to, at("2026-11-21T08:30:00Z")).map(|period| (period.from, period.to))
    }

    #[test]
    fn the_default_is_thirty_days_up_to_the_end_of_this_hour() {
        assert_eq!(period(None, None), Ok((at("2026-10-22T09:00:00Z"), at("2026-11-21T09:00:00Z"))));
    }

    #[test]
    fn a_day_given_as_both_ends_is_that_day() {
        let day = Some("2026-11-20");
        assert_eq!(period(day, day), Ok((at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z"))));
    }

    #[test]
    fn moments_are_moved_outwards_to_full_hours() {
        assert_eq!(
            period(Some("2026-11-20T10:59:59+01:00"), Some("2026-11-20T10:00:00.001Z")),
            Ok((at("2026-11-20T09:00:00Z"), at("2026-11-20T11:00:00Z")))
        );
        assert_eq!(
            period(Some("2026-11-20T09:00:00Z"), Some("2026-11-20T10:00:00Z")),
            Ok((at("2026-11-20T09:00:00Z"), at("2026-11-20T10:00:00Z")))
        );
    }

    #[test]
    fn days_and_hours_count_back_from_now() {
        assert_eq!(period(Some("7d"), None), Ok((at("2026-11-14T08:00:00Z"), at("2026-11-21T09:00:00Z"))));
        assert_eq!(period(Some("48h"), Some("24h")), Ok((at("2026-11-19T08:00:00Z"), at("2026-11-20T09:00:00Z"))));
    }

    #[test]
    fn nonsense_and_backward_periods_are_refused() {
        for text in ["", "yesterday", "2026-13-01", "d", "-1d", "7w", "4294967296d", "1.5h"] {
            assert_eq!(period(Some(text), None), Err(PeriodError::Unreadable(text.into())), "{text}");
        }
        assert_eq!(period(Some("1h"), Some("48h")), Err(PeriodError::Backwards));
    }
}
