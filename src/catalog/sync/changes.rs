//! Two prices against each other, key by key.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;
use serde_with_macros::skip_serializing_none;

use super::ABSURD_FACTOR;
use crate::config::PriceEntry;
use crate::money::PicoUsd;

/// One price of several, in USD per million tokens, or per request or search.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceChange {
    /// `input`, `tier.output`, ….
    pub key: String,
    /// In force.
    pub old: Option<String>,
    /// Listed.
    pub new: Option<String>,
    /// By how much it changes: `+12.5`.
    pub percent: Option<String>,
}

/// Every price that differs, in the order of the file's keys.
pub(super) fn changes(old: Option<&PriceEntry>, new: Option<&PriceEntry>) -> Vec<PriceChange> {
    let (old, new) = (flat(old), flat(new));
    let keys = new.iter().chain(&old).map(|(key, _)| key);
    let mut seen = HashSet::new();
    let keys: Vec<_> = keys.filter(|key| seen.insert(key.as_str())).collect();
    let value =
        |of: &[(String, String)], key: &str| of.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
    let change = |key: &String| {
        let (old, new) = (value(&old, key), value(&new, key));
        let percent = match (&old, &new) {
            (Some(old), Some(new)) => percent(old, new),
            _ => None,
        };
        (old != new).then(|| PriceChange { key: key.clone(), old, new, percent })
    };
    keys.into_iter().filter_map(change).collect()
}

fn flat(price: Option<&PriceEntry>) -> Vec<(String, String)> {
    let Some(Ok(Value::Object(price))) = price.map(serde_json::to_value) else { return Vec::new() };
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Array(fees) => fees.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" / "),
        other => other.to_string(),
    };
    let one = |(key, value): (String, Value)| match value {
        Value::Object(inner) => {
            inner.into_iter().map(|(inner, value)| (format!("{key}.{inner}"), text(value))).collect::<Vec<_>>()
        }
        value => vec![(key, text(value))],
    };
    price.into_iter().flat_map(one).collect()
}

/// Tenths of a per cent, exactly rounded: `+33.3`, `-50`.
fn percent(old: &str, new: &str) -> Option<String> {
    let [old, new] = [old, new].map(|text| PicoUsd::from_usd(text).ok().map(|price| i128::from(price.0)));
    let (old, new) = (old?, new?);
    if old <= 0 {
        return None;
    }
    let twice = (new - old) * 2000;
    let tenths = (twice + if twice < 0 { -old } else { old }) / (2 * old);
    let sign = if tenths < 0 { "-" } else { "+" };
    let (whole, tenth) = (tenths.abs() / 10, tenths.abs() % 10);
    Some(if tenth == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{tenth}") })
}

/// A price that is so far from the one in force that it is taken for a mistake.
pub(super) fn is_absurd(change: &PriceChange) -> bool {
    let price = |text: &Option<String>| text.as_deref().and_then(|text| PicoUsd::from_usd(text).ok());
    let (Some(old), Some(new)) = (price(&change.old), price(&change.new)) else { return false };
    old.0 > 0 && new.0 > 0 && (new.0 / ABSURD_FACTOR >= old.0 || old.0 / ABSURD_FACTOR >= new.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_rounded_exactly() {
        for (old, new, expected) in [
            ("3", "4", "+33.3"),
            ("3", "2", "-33.3"),
            ("0.15", "0.3", "+100"),
            ("2", "1.999", "-0.1"),
            ("8", "8.004", "+0.1"),
            ("1", "1.0001", "+0"),
        ] {
            assert_eq!(percent(old, new).as_deref(), Some(expected), "{old} {new}");
        }
        assert_eq!(percent("0", "1"), None);
    }
}
