//! What the month will have cost at its end.
//!
//! As much as so far, and for each day that remains what a day has cost lately: the mean of the last seven full days, or of
//! as many as there are. Simple enough to be said in a sentence, and weekends are in it.

use serde::Serialize;

use super::period::{day_of, midnight, next_month};
use super::{Period, usage};
use crate::clock::UnixMillis;
use crate::money::NanoUsd;
use crate::store::usage::Counters;
use crate::store::{Conn, StoreError};

const DAY_MS: i64 = 86_400_000;
/// Full days that are looked back upon, at most.
const DAYS: i64 = 7;

/// What is known in the middle of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthSoFar {
    /// The month's sums.
    pub sums: Counters,
    /// The sums of the last full days before today.
    pub lately: Counters,
    /// How many days those are: none on the first day, seven from the eighth on.
    pub days: i64,
}

/// Where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// The whole month's cost.
    #[serde(rename = "cost_nano_usd")]
    pub cost: NanoUsd,
    /// What a day has cost lately.
    #[serde(rename = "daily_mean_nano_usd")]
    pub daily_mean: NanoUsd,
    /// Days that mean is of.
    pub days: i64,
    /// Until the month ends, milliseconds.
    pub remaining_ms: i64,
    /// Something in it is not priced: it will be more.
    pub is_lower_bound: bool,
}

/// Reads what a forecast needs.
///
/// # Errors
/// When the database cannot be read.
pub fn month_so_far(conn: &mut Conn<'_>, now: UnixMillis) -> Result<MonthSoFar, StoreError> {
    let today = day_of(now);
    let (month, today) = (midnight(today.first_of_month()), midnight(today));
    let end = UnixMillis(now.0.saturating_add(1));
    // A day in which the first request came at noon is not a full one.
    let days = usage::first_hour(conn)?.map_or(0, |first| (today.0 - first.0).div_euclid(DAY_MS).clamp(0, DAYS));
    let lately = UnixMillis(today.0 - days * DAY_MS);
    Ok(MonthSoFar { sums: usage::total(conn, month, end)?, lately: usage::total(conn, lately, today)?, days })
}

/// `None` where there is no full day to go by.
pub fn forecast(so_far: &MonthSoFar, now: UnixMillis) -> Option<Forecast> {
    if so_far.days < 1 {
        return None;
    }
    let today = day_of(now);
    let remaining_ms = midnight(next_month(today)?).0.saturating_sub(now.0);
    let daily_mean = so_far.lately.cost_nano_usd / so_far.days;
    let rest = i128::from(so_far.lately.cost_nano_usd) * i128::from(remaining_ms) / i128::from(so_far.days * DAY_MS);
    let cost = so_far.sums.cost_nano_usd.saturating_add(i64::try_from(rest).unwrap_or(i64::MAX));
    let is_lower_bound = so_far.sums.unpriced_requests > 0 || so_far.lately.unpriced_requests > 0;
    let daily_mean = NanoUsd(daily_mean);
    Some(Forecast { cost: NanoUsd(cost), daily_mean, days: so_far.days, remaining_ms, is_lower_bound })
}

impl Period {
    /// The last whole days before a moment, and its own day as far as it has come.
    pub fn last_days(days: i64, now: UnixMillis) -> Self {
        let today = midnight(day_of(now));
        let to = UnixMillis(usage::hour_of(now).0.saturating_add(3_600_000));
        Self { from: UnixMillis(today.0.saturating_sub((days - 1).saturating_mul(DAY_MS))), to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMillis {
        UnixMillis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn spent(cost_nano_usd: i64) -> Counters {
        Counters { requests: 1, cost_nano_usd, ..Counters::default() }
    }

    #[test]
    fn the_rest_of_the_month_costs_as_much_a_day_as_the_last_full_days_did() {
        let now = at("2026-11-21T12:00:00Z");
        let so_far = MonthSoFar { sums: spent(10_000), lately: spent(7_000), days: 7 };
        let found = forecast(&so_far, now).unwrap();
        // Nine and a half days are left, at 1,000 a day.
        assert_eq!((found.cost, found.daily_mean, found.days), (NanoUsd(19_500), NanoUsd(1_000), 7));
        assert_eq!((found.remaining_ms, found.is_lower_bound), (820_800_000, false));
        let unpriced = Counters { unpriced_requests: 1, ..spent(0) };
        assert!(forecast(&MonthSoFar { lately: unpriced, ..so_far }, now).unwrap().is_lower_bound);
        assert_eq!(forecast(&MonthSoFar { days: 0, ..so_far }, now), None);
        let huge = MonthSoFar { lately: spent(i64::MAX), ..so_far };
        assert_eq!(forecast(&huge, now).unwrap().cost, NanoUsd(i64::MAX));
    }

    #[test]
    fn only_full_days_are_looked_back_upon() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(&folder.path().join("relay.db")).unwrap();
        let read = |now: &str| store.blocking(|conn| month_so_far(conn, at(now))).unwrap();
        assert_eq!(read("2026-11-21T12:00:00Z").days, 0);
        let add = |hour: &str, cost| {
            let of = usage::Dimensions { hour: at(hour), provider: "p", model: "m", ..usage::Dimensions::default() };
            let sums = [(of, spent(cost))].into();
            store.blocking(|conn| conn.transaction(|tx| usage::add_all(tx, &sums))).unwrap();
        };
        // Half a day in October, two full days, and today.
        add("2026-10-30T12:00:00Z", 1_000);
        add("2026-10-31T00:00:00Z", 200);
        add("2026-11-01T23:00:00Z", 30);
        add("2026-11-02T08:00:00Z", 4);
        let found = read("2026-11-02T08:30:00Z");
        assert_eq!((found.sums.cost_nano_usd, found.lately.cost_nano_usd, found.days), (34, 230, 2));
        let later = read("2026-11-09T00:00:00Z");
        assert_eq!((later.sums.cost_nano_usd, later.lately.cost_nano_usd, later.days), (34, 4, 7));
    }

    #[test]
    fn thirty_days_are_twenty_nine_and_today() {
        let period = Period::last_days(30, at("2026-11-21T12:34:56Z"));
        assert_eq!((period.from, period.to), (at("2026-10-23T00:00:00Z"), at("2026-11-21T13:00:00Z")));
    }
}
