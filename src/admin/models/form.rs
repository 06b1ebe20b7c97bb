//! The form of what is said of a model, filled in with what is in force.

use serde_json::{Map, Value};

use super::super::words;
use super::about::About;
use super::one::{source, value};
use super::price_words::kinds;
use crate::catalog::{Fact, Said, Source};
use crate::config::{PriceEntry, TokenPrices};
use crate::money::PicoUsd;

/// The form, filled in with what is in force.
pub(super) struct Fields {
    pub(super) context_length: Field,
    pub(super) max_output: Field,
    pub(super) prices: Vec<Field>,
    pub(super) tier: Vec<Field>,
    pub(super) is_inclusive: bool,
    pub(super) off_peak: Vec<Field>,
    pub(super) fees: Vec<Field>,
    pub(super) abilities: Vec<Ability>,
    pub(super) description: String,
}

pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) hint: String,
}

pub(super) struct Ability {
    pub(super) name: String,
    pub(super) label: &'static str,
    /// What is said here: `true`, `false` or nothing.
    pub(super) said: String,
    /// What holds without that.
    pub(super) otherwise: String,
}

/// Key and words of each ability.
pub(super) const ABILITIES: [(&str, &str); 11] = [
    ("vision", "Sees images"),
    ("tools", "Calls tools"),
    ("reasoning", "Thinks"),
    ("json_schema", "Follows a JSON schema"),
    ("audio", "Hears"),
    ("insert", "Fills in the middle"),
    ("sampling", "Takes temperature, top_p, top_k"),
    ("forced_tool", "Can be forced to call a tool"),
    ("adaptive_thinking", "Adaptive thinking"),
    ("thinking_off", "Thinking can be switched off"),
    ("prefill", "Continues a trailing answer"),
];

/// Abilities that are offered in the form; the others are quirks of one vendor, and stay with the file.
const OFFERED: usize = 7;

pub(super) fn fields(about: &About, entry: &Value) -> Fields {
    let row = &about.row;
    let number = |name: &str, label, in_force: Option<u64>| Field {
        name: name.to_owned(),
        label,
        value: in_force.map_or_else(String::new, |count| count.to_string()),
        hint: otherwise(&about.facts, name)
            .map_or_else(|| "tokens; not known otherwise".to_owned(), |said| format!("tokens; otherwise {said}")),
    };
    let nothing = PriceEntry::default();
    let price = row.price.as_ref().unwrap_or(&nothing);
    let of_kinds = |prefix: &str, prices: &TokenPrices| -> Vec<Field> {
        let field = |(key, label, price): (&str, &'static str, Option<PicoUsd>)| Field {
            name: format!("{prefix}{key}"),
            label,
            value: price.map_or_else(String::new, PicoUsd::to_usd_per_million),
            hint: String::new(),
        };
        kinds(prices).into_iter().map(field).collect()
    };
    let none = TokenPrices::default();
    let above = Field {
        name: "price.tier.above".to_owned(),
        label: "prompt longer than",
        value: price.tier.as_ref().map_or_else(String::new, |tier| tier.above.to_string()),
        hint: "tokens".to_owned(),
    };
    let tier_values = price.tier.as_ref().map_or(&none, |tier| &tier.values);
    let off_peak = price.off_peak.as_ref().map_or(&none, |off_peak| &off_peak.values);
    let fee = |name: String, label, fee: Option<PicoUsd>| Field {
        name,
        label,
        value: fee.map_or_else(String::new, PicoUsd::to_usd),
        hint: String::new(),
    };
    let search = ["per search, low", "per search, medium", "per search, high"];
    let searches = search.into_iter().enumerate().map(|(at, label)| {
        fee(format!("price.search_per_query.{at}"), label, price.search_per_query.map(|fees| fees[at]))
    });
    let empty = Map::new();
    let said = entry["capabilities"].as_object().unwrap_or(&empty);
    Fields {
        context_length: number("context_length", "Context", row.context_length),
        max_output: number("max_output", "Longest answer", row.max_output),
        prices: of_kinds("price.", &price.base),
        is_inclusive: price.tier.as_ref().is_some_and(|tier| tier.inclusive),
        tier: std::iter::once(above).chain(of_kinds("price.tier.", tier_values)).collect(),
        off_peak: of_kinds("price.off_peak.", off_peak),
        fees: std::iter::once(fee("price.per_request".to_owned(), "per request", price.per_request))
            .chain(searches)
            .collect(),
        abilities: ABILITIES
            .iter()
            .take(OFFERED)
            .map(|(key, label)| Ability {
                name: format!("capabilities.{key}"),
                label,
                said: said.get(*key).map_or_else(String::new, Value::to_string),
                otherwise: unsaid(&about.facts, &format!("capabilities.{key}"))
                    .map_or_else(|| "not known".to_owned(), |said| value(key, &said.value)),
            })
            .collect(),
        description: entry["description"].as_str().unwrap_or_default().to_owned(),
    }
}

/// What holds for a key where this page says nothing.
fn unsaid<'a>(facts: &'a [Fact], key: &str) -> Option<&'a Said> {
    let fact = facts.iter().find(|fact| fact.key == key)?;
    fact.said.iter().rev().find(|said| said.by != Source::Page)
}

/// The same in words, with who says it.
fn otherwise(facts: &[Fact], key: &str) -> Option<String> {
    let said = unsaid(facts, key)?;
    let count = said.value.as_u64().map_or_else(|| said.value.to_string(), words::count);
    Some(format!("{count} ({})", source(said)))
}
