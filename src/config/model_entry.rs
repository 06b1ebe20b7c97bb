//! What an operator says of one model on the admin listener, beside what files and lists say.

use serde::{Deserialize, Serialize};
use serde_with_macros::skip_serializing_none;

use super::{CapabilityRules, PriceEntry, TokenPrices};

/// More tokens than any window has; above it somebody has slipped.
const MOST_TOKENS: u64 = 1_000_000_000;
/// Characters of a text at most.
const MAX_TEXT: usize = 500;

/// What is said of one model. An absent key leaves things as they are; the keys are those of `overrides.yaml`.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelEntry {
    /// Not shown in lists of models; it can be called all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// Switches the model off, or on again where the file switches it off.
    pub disabled: Option<bool>,
    /// What it can do.
    #[serde(skip_serializing_if = "is_silent")]
    pub capabilities: CapabilityRules,
    /// Prompt window in tokens.
    pub context_length: Option<u64>,
    /// Longest answer in tokens.
    pub max_output: Option<u64>,
    /// Replaces the whole price.
    pub price: Option<PriceEntry>,
    /// The list the price was taken from; absent: it was written by hand.
    pub price_source: Option<String>,
    /// The list the limits were taken from; absent: they were written by hand.
    pub limits_source: Option<String>,
    /// Why, for people.
    pub description: Option<String>,
}

fn is_silent(capabilities: &CapabilityRules) -> bool {
    *capabilities == CapabilityRules::default()
}

impl ModelEntry {
    /// What is wrong with it, whatever model it is of: the key and a sentence.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for (key, tokens) in [("context_length", self.context_length), ("max_output", self.max_output)] {
            if tokens.is_some_and(|tokens| tokens == 0 || tokens > MOST_TOKENS) {
                problems.push((key, "is a number of tokens above zero, at most a billion".to_owned()));
            }
        }
        for (key, text) in [
            ("price_source", &self.price_source),
            ("limits_source", &self.limits_source),
            ("description", &self.description),
        ] {
            if text.as_ref().is_some_and(|text| text.chars().count() > MAX_TEXT) {
                problems.push((key, format!("has {MAX_TEXT} characters at most")));
            }
        }
        let Some(price) = &self.price else { return problems };
        let nothing = TokenPrices::default();
        if price.base == nothing && price.per_request.is_none() && price.search_per_query.is_none() {
            problems.push(("price", "says nothing: give `input` and `output`, or leave it out".to_owned()));
        }
        if price.tier.as_ref().is_some_and(|tier| tier.above == 0 || tier.values == nothing) {
            problems.push(("price.tier", "needs `above`, a number of tokens, and a price that changes".to_owned()));
        }
        problems
    }

    /// It leaves everything as it is.
    pub fn says_nothing(&self) -> bool {
        let others = Self { description: None, price_source: None, limits_source: None, ..self.clone() };
        others == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ModelEntry, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn prices_keep_their_digits_and_are_written_as_texts() {
        let entry = read(
            r#"{"price": {"input": 0.075, "output": "0.3", "per_request": 0.005, "search_per_query": [0.005, 0.01, 1e-3],
               "tier": {"above": 128000, "input": 0.15}}}"#,
        )
        .unwrap();
        let written = serde_json::to_string(&entry).unwrap();
        let expected = r#"{"price":{"input":"0.075","output":"0.3","tier":{"above":128000,"input":"0.15"},"#;
        assert!(written.starts_with(expected), "{written}");
        assert!(
            written.ends_with(r#""per_request":"0.005","search_per_query":["0.005","0.01","0.001"]}}"#),
            "{written}"
        );
        assert_eq!(read(&written).unwrap(), entry);
        assert_eq!(serde_json::to_string(&ModelEntry::default()).unwrap(), "{}");
    }

    #[test]
    fn what_is_no_price_or_no_key_is_refused_by_name() {
        for (text, part) in [
            (r#"{"price": {"input": -1}}"#, "never negative"),
            (r#"{"price": {"input": 0.1234567}}"#, "exactly"),
            (r#"{"price": {"input": 1001}}"#, "per million"),
            (r#"{"price": {"inputs": 1}}"#, "inputs"),
            (r#"{"price": {"input": "free"}}"#, "free"),
            (r#"{"capabilities": {"sight": true}}"#, "sight"),
            (r#"{"context_length": "8k"}"#, "8k"),
            (r#"{"hide": true}"#, "hide"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named_by_its_key() {
        for (text, key) in [
            (r#"{"context_length": 0}"#, "context_length"),
            (r#"{"max_output": 2000000000}"#, "max_output"),
            (r#"{"price": {}}"#, "price"),
            (r#"{"price": {"input": 1, "tier": {"above": 0, "input": 2}}}"#, "price.tier"),
            (r#"{"price": {"input": 1, "tier": {"above": 5}}}"#, "price.tier"),
        ] {
            let problems = read(text).unwrap().problems();
            assert_eq!(problems.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [key], "{text}");
        }
        assert!(read(r#"{"description": "why"}"#).unwrap().says_nothing());
        assert!(!read(r#"{"disabled": false}"#).unwrap().says_nothing());
    }
}
