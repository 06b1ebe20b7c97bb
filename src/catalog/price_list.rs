//! A public list of prices and limits: LiteLLM's `model_prices_and_context_window.json`.
//!
//! A map of names to facts, USD per token in floating-point digits. Somebody has transcribed it from vendors' pages, so it
//! is read leniently, entry by entry: what cannot be made sense of is left out, and never becomes a price.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::config::{OffPeakEntry, PriceEntry, TierEntry, TokenPrices};
use crate::money::PicoUsd;

/// Prices above this are no prices: USD per token was mistaken for something else.
const HIGHEST: PicoUsd = PicoUsd(1_000_000_000);

/// The list, read.
#[derive(Debug)]
pub struct PriceList {
    rows: HashMap<String, HashMap<String, Box<RawValue>>>,
}

/// What the list says of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListRow {
    /// What it costs; `None`: the list does not say, or not in tokens.
    pub price: Option<PriceEntry>,
    /// Prompt window in tokens.
    pub context_length: Option<u64>,
    /// Longest answer in tokens.
    pub max_output: Option<u64>,
    /// Figures that are no prices, as the list has them: negative ones, or out of all proportion.
    pub absurd: Vec<String>,
}

impl PriceList {
    /// Reads the text of the list.
    ///
    /// # Errors
    /// A sentence, when it is not such a list.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let all: HashMap<String, Box<RawValue>> = serde_json::from_slice(text)
            .map_err(|error| format!("is no price list: expected an object of models ({error})"))?;
        let read = |(name, row): (String, Box<RawValue>)| {
            let row: HashMap<String, Box<RawValue>> = serde_json::from_str(row.get()).ok()?;
            row.contains_key("litellm_provider").then(|| (name.to_ascii_lowercase(), row))
        };
        let rows: HashMap<_, _> = all.into_iter().filter_map(read).collect();
        if rows.is_empty() {
            return Err("is no price list: no entry of it has a `litellm_provider`".to_owned());
        }
        Ok(Self { rows })
    }

    /// How many models it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never: a list without models is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What it says of a model, by the provider's own name or as one of several of that provider.
    pub fn row(&self, provider: &str, id: &str) -> Option<ListRow> {
        let provider = provider.to_ascii_lowercase();
        let id = id.to_ascii_lowercase();
        let spellings = [provider.clone(), format!("{provider}_ai"), format!("{provider}_chat")];
        let by_prefix = spellings.iter().find_map(|provider| self.rows.get(&format!("{provider}/{id}")));
        let bare = || {
            let row = self.rows.get(&id)?;
            let of: String = field(row, "litellm_provider")?;
            spellings.contains(&of).then_some(row)
        };
        by_prefix.or_else(bare).map(|row| read(&provider, row))
    }
}

/// The list's name of each kind of token, and ours.
type Set = fn(&mut TokenPrices, PicoUsd);
const KINDS: [(&str, Set); 10] = [
    ("input_cost_per_token", |to, price| to.input = Some(price)),
    ("output_cost_per_token", |to, price| to.output = Some(price)),
    ("cache_read_input_token_cost", |to, price| to.cache_read = Some(price)),
    ("cache_creation_input_token_cost", |to, price| to.cache_write = Some(price)),
    ("cache_creation_input_token_cost_above_1hr", |to, price| to.cache_write_1h = Some(price)),
    ("output_cost_per_reasoning_token", |to, price| to.reasoning = Some(price)),
    ("input_cost_per_audio_token", |to, price| to.audio_input = Some(price)),
    ("output_cost_per_audio_token", |to, price| to.audio_output = Some(price)),
    ("input_cost_per_image_token", |to, price| to.image_input = Some(price)),
    ("citation_cost_per_token", |to, price| to.citation = Some(price)),
];

fn read(provider: &str, row: &HashMap<String, Box<RawValue>>) -> ListRow {
    let mut absurd = Vec::new();
    let base = values(row, "", &mut absurd);
    let is_priced = base.input.is_some() || base.output.is_some();
    let tier = smallest_tier(row).map(|thousands| TierEntry {
        above: thousands * 1000,
        // There the threshold itself is in the tier already.
        inclusive: provider == "xai",
        values: values(row, &format!("_above_{thousands}k_tokens"), &mut absurd),
    });
    let off_peak: Option<HashMap<String, Box<RawValue>>> = field(row, "off_peak_pricing");
    let off_peak = off_peak.map(|row| OffPeakEntry { values: values(&row, "", &mut absurd) });
    let search: Option<SearchFees> = field(row, "search_context_cost_per_query");
    let search_per_query = search.and_then(|fees| {
        let fee = |fee: &Option<Box<RawValue>>| fee.as_ref().and_then(|fee| PicoUsd::from_usd_rounded(fee.get()).ok());
        let [low, medium, high] = [&fees.low, &fees.medium, &fees.high].map(fee);
        Some([low?, medium?, high?]).filter(|fees| fees.iter().all(|fee| *fee >= PicoUsd(0)))
    });
    let price = PriceEntry { base, tier, off_peak, per_request: None, search_per_query };
    let mode: Option<String> = field(row, "mode");
    let is_embedding = mode.as_deref() == Some("embedding");
    let tokens = |key: &str| field::<u64>(row, key).filter(|&tokens| tokens > 0);
    ListRow {
        price: is_priced.then(|| tidied(price, is_embedding)),
        context_length: tokens("max_input_tokens"),
        max_output: if is_embedding { None } else { tokens("max_output_tokens") },
        absurd,
    }
}

#[derive(Deserialize)]
struct SearchFees {
    #[serde(rename = "search_context_size_low")]
    low: Option<Box<RawValue>>,
    #[serde(rename = "search_context_size_medium")]
    medium: Option<Box<RawValue>>,
    #[serde(rename = "search_context_size_high")]
    high: Option<Box<RawValue>>,
}

fn values(row: &HashMap<String, Box<RawValue>>, suffix: &str, absurd: &mut Vec<String>) -> TokenPrices {
    let mut prices = TokenPrices::default();
    for (key, set) in KINDS {
        let key = format!("{key}{suffix}");
        // Some lists write numbers as texts.
        let Some(text) = row.get(&key).map(|value| value.get().trim_matches('"')).filter(|text| *text != "null") else {
            continue;
        };
        match PicoUsd::from_usd_rounded(text) {
            Ok(price) if (PicoUsd(0)..=HIGHEST).contains(&price) => set(&mut prices, price),
            Ok(_) | Err(_) => absurd.push(format!("{key}: {}", text.chars().take(40).collect::<String>())),
        }
    }
    prices
}

/// The first threshold, in thousands of tokens: we know one tier.
fn smallest_tier(row: &HashMap<String, Box<RawValue>>) -> Option<u64> {
    let thousands = |key: &String| {
        let rest = key.strip_prefix("input_cost_per_token_above_")?;
        rest.strip_suffix("k_tokens")?.parse().ok()
    };
    row.keys().filter_map(thousands).min()
}

fn field<T: for<'a> Deserialize<'a>>(row: &HashMap<String, Box<RawValue>>, key: &str) -> Option<T> {
    serde_json::from_str(row.get(key)?.get()).ok()
}

/// The same price without what says nothing: kinds of tokens that cost what they would cost anyhow, and caches and pages
/// for nothing, which the list writes where there are none.
pub(super) fn tidied(mut price: PriceEntry, is_embedding: bool) -> PriceEntry {
    if is_embedding {
        price.base.output = None;
    }
    let tier = price.tier.as_mut().map(|tier| &mut tier.values);
    let off_peak = price.off_peak.as_mut().map(|off_peak| &mut off_peak.values);
    for prices in [Some(&mut price.base), tier, off_peak].into_iter().flatten() {
        let (input, output) = (prices.input, prices.output);
        for free in [&mut prices.cache_read, &mut prices.cache_write, &mut prices.cache_write_1h, &mut prices.citation]
        {
            *free = free.filter(|&price| price > PicoUsd(0));
        }
        for (special, usual) in [
            (&mut prices.reasoning, output),
            (&mut prices.audio_input, input),
            (&mut prices.audio_output, output),
            (&mut prices.image_input, input),
        ] {
            *special = special.filter(|_| *special != usual);
        }
    }
    price.tier = price.tier.filter(|tier| tier.values != TokenPrices::default());
    price.off_peak = price.off_peak.filter(|off_peak| off_peak.values != TokenPrices::default());
    price
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &str) -> PriceList {
        PriceList::parse(format!("{{\"sample_spec\": {{\"mode\": \"x\"}}, {rows}}}").as_bytes()).unwrap()
    }

    fn written(price: Option<PriceEntry>) -> String {
        serde_json::to_string(&price).unwrap()
    }

    #[test]
    fn prices_are_per_million_and_keep_their_digits() {
        let list = list(
            r#""gpt-x": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 128000, "max_output_tokens": 16384,
                "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6.000000000000001e-07,
                "cache_read_input_token_cost": 7.5e-08, "cache_creation_input_token_cost": 0.0,
                "input_cost_per_audio_token": 1.5e-07, "output_cost_per_reasoning_token": 9e-7,
                "input_cost_per_token_above_272k_tokens": 3e-07, "input_cost_per_token_above_500k_tokens": 4e-07,
                "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_medium": 0.02,
                "search_context_size_high": 0.025}}"#,
        );
        let row = list.row("OpenAI", "GPT-x").unwrap();
        assert_eq!(
            written(row.price),
            r#"{"input":"0.15","output":"0.6","cache_read":"0.075","reasoning":"0.9","tier":{"above":272000,"input":"0.3"},"search_per_query":["0.01","0.02","0.025"]}"#
        );
        assert_eq!((row.context_length, row.max_output, row.absurd.len()), (Some(128_000), Some(16_384), 0));
    }

    #[test]
    fn a_model_is_found_by_its_provider_and_never_by_another_ones() {
        let row = |provider: &str| format!(r#"{{"litellm_provider": "{provider}", "input_cost_per_token": 1e-6}}"#);
        let list = list(&format!(
            r#""m": {}, "together_ai/a/b": {}, "groq/x": {}, "command": {}"#,
            row("openai"),
            row("together_ai"),
            row("groq"),
            row("cohere_chat")
        ));
        for (provider, id, expected) in [
            ("openai", "m", true),
            ("groq", "m", false),
            ("together", "A/b", true),
            ("groq", "x", true),
            ("openai", "groq/x", false),
            ("cohere", "command", true),
            ("lab", "m", false),
        ] {
            assert_eq!(list.row(provider, id).is_some(), expected, "{provider} {id}");
        }
        assert_eq!(list.len(), 4);
    }

    #[test]
    fn what_is_no_price_is_told_of_and_never_used() {
        let list = list(
            r#""a": {"litellm_provider": "x", "input_cost_per_token": -1, "output_cost_per_token": "2e-6"},
               "b": {"litellm_provider": "x", "input_cost_per_token": 3, "output_cost_per_token": "free"},
               "c": {"litellm_provider": "x", "max_tokens": 5, "max_input_tokens": "8k"},
               "d": 7"#,
        );
        let row = list.row("x", "a").unwrap();
        assert_eq!(
            (written(row.price), row.absurd),
            (r#"{"output":"2"}"#.to_owned(), vec!["input_cost_per_token: -1".to_owned()])
        );
        let row = list.row("x", "b").unwrap();
        assert_eq!((row.price, row.absurd.len()), (None, 2));
        assert_eq!(list.row("x", "c"), Some(ListRow::default()));
        assert!(list.row("x", "d").is_none());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", "[]", "{}", "<html>", r#"{"a": {"price": 1}}"#] {
            assert!(PriceList::parse(text.as_bytes()).unwrap_err().starts_with("is no price list"), "{text}");
        }
    }
}
