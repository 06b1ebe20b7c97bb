//! `keep_alive`: a number of seconds, or a duration as Go writes it (`5m`, `1h30m`, `300ms`). Negative means forever.

use crate::chat::KeepAlive;
use crate::protocol::DecodeError;

/// Units of Go's durations, in seconds. Longer names come first: `ms` must not be read as `m`.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("\u{b5}s", 1e-6),
    ("\u{3bc}s", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

/// Reads the raw JSON of a `keep_alive` that is not `null`.
///
/// # Errors
/// A 400 for a text that is no duration (`"10"` has no unit, `"1d"` an unknown one) and for any other type.
pub(super) fn parse(raw: &str) -> Result<KeepAlive, DecodeError> {
    let refuse = |message: String| DecodeError::field("keep_alive", message);
    let seconds = match serde_json::from_str(raw) {
        Ok(serde_json::Value::Number(number)) => number.as_f64().unwrap_or(f64::MAX),
        Ok(serde_json::Value::String(text)) => duration(&text).map_err(refuse)?,
        Ok(serde_json::Value::Bool(_)) => return Err(refuse("Unsupported type: 'bool'".to_owned())),
        _ => return Err(refuse("keep_alive must be a number of seconds or a duration such as \"5m\"".to_owned())),
    };
    Ok(if seconds < 0.0 { KeepAlive::Forever } else { KeepAlive::Seconds(seconds) })
}

/// Seconds of a Go duration; the error is Go's text.
fn duration(text: &str) -> Result<f64, String> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0.0);
    }
    let invalid = || format!("time: invalid duration {text:?}");
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        // Rust reads `.5` and `5.` as Go does; a lone point is no number in either.
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {text:?}"));
        }
        let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("time: unknown unit {unit:?} in duration {text:?}"));
        };
        seconds += number * scale;
        rest = next;
    }
    Ok(if negative { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_go_durations_are_seconds() {
        for (raw, seconds) in [
            ("0", 0.0),
            ("1.5", 1.5),
            ("\"0\"", 0.0),
            ("\"0s\"", 0.0),
            ("\"5m\"", 300.0),
            ("\"1h30m\"", 5400.0),
            ("\"300ms\"", 0.3),
            ("\"1.5h\"", 5400.0),
            ("\"+.5s\"", 0.5),
        ] {
            assert_eq!(parse(raw), Ok(KeepAlive::Seconds(seconds)), "{raw}");
        }
    }

    #[test]
    fn negative_means_forever() {
        for raw in ["-1", "\"-1m\"", "-0.5"] {
            assert_eq!(parse(raw), Ok(KeepAlive::Forever), "{raw}");
        }
    }

    #[test]
    fn what_is_no_duration_is_a_400() {
        for raw in ["\"10\"", "\"1d\"", "\"\"", "\"-\"", "\".s\"", "\"1.2.3s\"", "\"five\"", "true", "[]", "{}"] {
            assert_eq!(parse(raw).unwrap_err().status, 400, "{raw}");
        }
        assert_eq!(parse("\"10\"").unwrap_err().message, "time: missing unit in duration \"10\"");
    }
}
