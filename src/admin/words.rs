//! Numbers and times, written for people.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::clock::UnixMillis;
use crate::money::NanoUsd;
use crate::tracking::{Counters, ErrorClass};

const NANO_PER_USD: u64 = 1_000_000_000;

/// A count with its thousands apart: `12,345`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A sum of counters; they are never negative.
pub(super) fn sum(number: i64) -> String {
    count(u64::try_from(number).unwrap_or(0))
}

/// A count with its noun: `1 request`, `2 requests`.
pub(super) fn counted(number: i64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", sum(number))
}

/// An amount in dollars with this many decimal places (nine at most), rounded half up. What would be rounded to nothing
/// is shown as less than the smallest amount, because zero means free.
pub(super) fn usd(amount: NanoUsd, places: u32) -> String {
    let unit = 10_u64.pow(9_u32.saturating_sub(places));
    let nano = amount.0.unsigned_abs();
    let rounded = nano.saturating_add(unit / 2) / unit;
    let (less, rounded) = if nano > 0 && rounded == 0 { ("< ", 1) } else { ("", rounded) };
    let sign = if amount.0 < 0 { "-" } else { "" };
    let per_usd = NANO_PER_USD / unit;
    let width = places as usize;
    format!("{less}{sign}${}.{:0width$}", count(rounded / per_usd), rounded % per_usd)
}

/// What requests cost together: a lower bound where a part of it is not known.
pub(super) fn cost_of(sums: &Counters, places: u32) -> String {
    if sums.unpriced_requests > 0 && sums.cost_nano_usd == 0 {
        return "unknown".to_owned();
    }
    let amount = usd(NanoUsd(sums.cost_nano_usd), places);
    if sums.unpriced_requests > 0 { format!("≥ {amount}") } else { amount }
}

/// A stretch of time by its two largest units: `3 d 4 h`.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// A time measured in microseconds: `0.08 ms`, `870 ms`, `12.3 s`.
pub(super) fn microseconds(micros: u64) -> String {
    if micros < 10_000 {
        format!("{}.{:02} ms", micros / 1000, micros % 1000 / 10)
    } else {
        milliseconds(micros / 1000)
    }
}

/// A time measured in milliseconds, which were cut off: `< 1 ms`, `870 ms`, `12.3 s`.
pub(super) fn milliseconds(millis: u64) -> String {
    match millis {
        0 => "< 1 ms".to_owned(),
        1..10_000 => format!("{} ms", count(millis)),
        _ => format!("{}.{} s", count(millis / 1000), millis % 1000 / 100),
    }
}

/// A size: `870 B`, `12.3 kB`, `4.0 GB`.
pub(super) fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if size < 1000 {
        return format!("{size} B");
    }
    // Tenths of the unit, cut off.
    let (mut tenths, mut unit) = (size / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A moment in UTC by jiff's pattern (that of `strftime`).
pub(super) fn moment(at: UnixMillis, pattern: &str) -> String {
    let timestamp = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    timestamp.to_zoned(TimeZone::UTC).strftime(pattern).to_string()
}

/// What went wrong, in a word or two.
pub(super) fn failure(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::ClientClosed => "client left",
        ErrorClass::BadRequest => "refused",
        ErrorClass::Connect => "not reached",
        ErrorClass::Timeout => "timed out",
        ErrorClass::RateLimit => "rate limit",
        ErrorClass::Overloaded => "overloaded",
        ErrorClass::ProviderAuth => "key refused",
        ErrorClass::Provider => "provider failed",
        ErrorClass::Malformed => "malformed",
        ErrorClass::Truncated => "cut off",
        ErrorClass::Shutdown => "relay stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1, 2].map(|number| counted(number, "error")), ["0 errors", "1 error", "2 errors"]);
    }

    #[test]
    fn amounts_are_rounded_but_never_to_nothing() {
        let shown = |nano, places| usd(NanoUsd(nano), places);
        assert_eq!(shown(0, 4), "$0.0000");
        assert_eq!(shown(1, 4), "< $0.0001");
        assert_eq!(shown(50_000, 4), "$0.0001");
        assert_eq!(shown(1_234_567_890_123, 2), "$1,234.57");
        assert_eq!(shown(999_999_999, 2), "$1.00");
        assert_eq!(shown(123, 9), "$0.000000123");
        assert_eq!(shown(i64::MAX, 4), "$9,223,372,036.8548");
    }

    #[test]
    fn a_sum_with_unknown_parts_is_a_lower_bound() {
        let known = Counters { requests: 2, cost_nano_usd: 1_500_000_000, ..Counters::default() };
        assert_eq!(cost_of(&known, 2), "$1.50");
        assert_eq!(cost_of(&Counters { unpriced_requests: 1, ..known }, 2), "≥ $1.50");
        assert_eq!(cost_of(&Counters { unpriced_requests: 2, cost_nano_usd: 0, ..known }, 2), "unknown");
    }

    #[test]
    fn times_are_short() {
        let shown = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!([59, 60, 3_660, 90_000].map(shown), ["59 s", "1 min", "1 h 1 min", "1 d 1 h"]);
        assert_eq!([0, 89, 9_999, 870_400].map(microseconds), ["0.00 ms", "0.08 ms", "9.99 ms", "870 ms"]);
        assert_eq!([0, 1, 9_999, 12_340].map(milliseconds), ["< 1 ms", "1 ms", "9,999 ms", "12.3 s"]);
        assert_eq!(moment(UnixMillis(1_795_165_323_000), "%H:%M:%S"), "09:02:03");
    }
}
