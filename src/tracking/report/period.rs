//! The time a report is about, as people write it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
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
    /// Not the name of a period.
    #[error("`{0}` is not a period: write 24h, 7d, today, yesterday, this-month, last-month, 2026-11 or 2026-11-21")]
    Unknown(String),
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

    /// Reads one word: `24h` or `7d` up to now, `today`, `yesterday`, `this-month`, `last-month`, a month (`2026-11`) or a
    /// day (`2026-11-21`). All in UTC; what has not ended yet ends with this hour.
    ///
    /// # Errors
    /// [`PeriodError::Unknown`] for other words, [`PeriodError::Backwards`] for what has not begun.
    pub fn named(word: &str, now: UnixMillis) -> Result<Self, PeriodError> {
        let word = word.trim();
        let unknown = || PeriodError::Unknown(word.to_owned());
        let today = day_of(now);
        let day = |date: Date| Ok((date, date.tomorrow().map_err(|_| unknown())?));
        let month = |first: Date| Ok((first, next_month(first).ok_or_else(unknown)?));
        let (first, end) = match word {
            "today" => day(today)?,
            "yesterday" => day(today.yesterday().map_err(|_| unknown())?)?,
            "this-month" => month(today.first_of_month())?,
            "last-month" => month(today.first_of_month().yesterday().map_err(|_| unknown())?.first_of_month())?,
            _ if word.len() == "2026-11".len() && word.contains('-') => {
                month(format!("{word}-01").parse().map_err(|_| unknown())?)?
            }
            _ if word.len() == "2026-11-21".len() => day(word.parse().map_err(|_| unknown())?)?,
            _ => return Self::parse(Some(word), None, now).map_err(|_| unknown()),
        };
        let this_hour = hour_of(UnixMillis(now.0.saturating_add(HOUR_MS - 1)));
        let (from, to) = (midnight(first), midnight(end).min(this_hour));
        if from >= to { Err(PeriodError::Backwards) } else { Ok(Self { from, to }) }
    }

    /// What to compare with: the stretch of the same length just before. A month, or its beginning, is compared with the
    /// month before, and a day with the day before, each as far as it has come.
    pub fn before(self) -> Self {
        let length = self.to.0 - self.from.0;
        let first = day_of(self.from);
        let at_midnight = midnight(first) == self.from;
        if at_midnight && length <= DAY_MS {
            return Self { from: UnixMillis(self.from.0 - DAY_MS), to: UnixMillis(self.to.0 - DAY_MS) };
        }
        let month =
            next_month(first).map(midnight).zip(first.yesterday().ok().map(|day| midnight(day.first_of_month())));
        if let Some((end, from)) = month
            && at_midnight
            && first.day() == 1
            && self.to <= end
        {
            // Fewer days than this month has so far: all of them. More: as many, unless this month is over.
            let to = if self.to == end { self.from } else { UnixMillis(from.0 + length).min(self.from) };
            return Self { from, to };
        }
        Self { from: UnixMillis(self.from.0 - length), to: self.from }
    }

    /// Its length in milliseconds.
    pub fn length_ms(self) -> i64 {
        self.to.0.saturating_sub(self.from.0)
    }
}

/// The day, in UTC, in which a moment lies.
pub(in crate::tracking) fn day_of(at: UnixMillis) -> Date {
    Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(TimeZone::UTC).date()
}

/// The first moment of a day.
pub(in crate::tracking) fn midnight(date: Date) -> UnixMillis {
    let start = date.to_zoned(TimeZone::UTC);
    // Every date there is has a first moment in UTC.
    UnixMillis(start.map_or(i64::MAX, |start| start.timestamp().as_millisecond()))
}

/// The first day of the month after; `None` at the end of the calendar.
pub(in crate::tracking) fn next_month(date: Date) -> Option<Date> {
    date.last_of_month().tomorrow().ok()
}

/// A moment, in the forms that [`Period::parse`] reads; a bare date is its first moment, or, as an end, the first of the
/// next day.
///
/// # Errors
/// [`PeriodError::Unreadable`] for other texts.
pub fn moment(text: &str, now: UnixMillis, is_end: bool) -> Result<UnixMillis, PeriodError> {
    let text = text.trim();
    let unreadable = || PeriodError::Unreadable(text.to_owned());
    if let Ok(date) = text.parse::<Date>().and_then(|date| date.to_zoned(TimeZone::UTC))
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

pub(super) fn rfc3339<S: Serializer>(at: &UnixMillis, serializer: S) -> Result<S::Ok, S::Error> {
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
    fn words_name_periods_and_what_lies_before_them() {
        let now = at("2026-03-15T08:30:00Z");
        for (word, from, to, before_from, before_to) in [
            ("24h", "2026-03-14T08", "2026-03-15T09", "2026-03-13T07", "2026-03-14T08"),
            ("today", "2026-03-15T00", "2026-03-15T09", "2026-03-14T00", "2026-03-14T09"),
            ("yesterday", "2026-03-14T00", "2026-03-15T00", "2026-03-13T00", "2026-03-14T00"),
            ("2026-03-14", "2026-03-14T00", "2026-03-15T00", "2026-03-13T00", "2026-03-14T00"),
            ("this-month", "2026-03-01T00", "2026-03-15T09", "2026-02-01T00", "2026-02-15T09"),
            ("last-month", "2026-02-01T00", "2026-03-01T00", "2026-01-01T00", "2026-02-01T00"),
            ("2025-12", "2025-12-01T00", "2026-01-01T00", "2025-11-01T00", "2025-12-01T00"),
        ] {
            let hour = |text: &str| at(&format!("{text}:00:00Z"));
            let period = Period::named(word, now).unwrap();
            assert_eq!((period.from, period.to), (hour(from), hour(to)), "{word}");
            let before = period.before();
            assert_eq!((before.from, before.to), (hour(before_from), hour(before_to)), "before {word}");
        }
        // The thirtieth of March has nothing to be compared with in February but the whole of it.
        let late = Period::named("this-month", at("2026-03-30T12:00:00Z")).unwrap().before();
        assert_eq!((late.from, late.to), (at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z")));
        for word in ["", "2026-13", "2026-1", "9999-12", "month", "7w", "2026-11-31", "-999-01"] {
            assert_eq!(Period::named(word, now), Err(PeriodError::Unknown(word.into())), "{word}");
        }
        assert_eq!(Period::named("2026-04", now), Err(PeriodError::Backwards));
    }

    #[test]
    fn nonsense_and_backward_periods_are_refused() {
        for text in ["", "yesterday", "2026-13-01", "d", "-1d", "7w", "4294967296d", "1.5h"] {
            assert_eq!(period(Some(text), None), Err(PeriodError::Unreadable(text.into())), "{text}");
        }
        assert_eq!(period(Some("1h"), Some("48h")), Err(PeriodError::Backwards));
    }
}
