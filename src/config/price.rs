//! What models cost: prices per token, and a price as files write it.

use serde::{Deserialize, Serialize};
use serde_with_macros::skip_serializing_none;

use super::values;
use crate::money::PicoUsd;

/// A price as files write it: USD per million tokens. An absent key is "not stated", never zero.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PriceEntry {
    /// The prices of an ordinary request.
    #[serde(flatten, with = "PerMillion")]
    pub base: TokenPrices,
    /// Prices of the whole request once its prompt is long.
    pub tier: Option<TierEntry>,
    /// Prices outside the provider's busy hours.
    pub off_peak: Option<OffPeakEntry>,
    /// USD per request.
    #[serde(with = "values::usd")]
    pub per_request: Option<PicoUsd>,
    /// USD per search or grounded request: low, medium, high context.
    #[serde(with = "values::usd_by_size")]
    pub search_per_query: Option<[PicoUsd; 3]>,
}

/// Prices of the whole request once its prompt is long.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierEntry {
    /// Prompt tokens, cached ones included.
    pub above: u64,
    /// `true`: exactly `above` tokens are in the tier already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inclusive: bool,
    /// What the tier changes.
    #[serde(flatten, with = "PerMillion")]
    pub values: TokenPrices,
}

/// Prices outside the provider's busy hours.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffPeakEntry {
    /// What is cheaper.
    #[serde(flatten, with = "PerMillion")]
    pub values: TokenPrices,
}

/// Prices per token. An absent one falls back as `tracking::cost` documents; it is never zero.
///
/// By itself it is integers of pico-dollars as JSON: so it lies in the database, and the ids of price rows are made from
/// that. Files write it as `PerMillion`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenPrices {
    /// Plain prompt token.
    pub input: Option<PicoUsd>,
    /// Generated token.
    pub output: Option<PicoUsd>,
    /// Prompt token read from the cache.
    pub cache_read: Option<PicoUsd>,
    /// Prompt token written to the cache (five minutes at Anthropic).
    pub cache_write: Option<PicoUsd>,
    /// Prompt token written to the cache for an hour.
    pub cache_write_1h: Option<PicoUsd>,
    /// Thinking token, where it has a price of its own.
    pub reasoning: Option<PicoUsd>,
    /// Token of sound in the prompt.
    pub audio_input: Option<PicoUsd>,
    /// Token of sound in the answer.
    pub audio_output: Option<PicoUsd>,
    /// Token of a picture in the prompt.
    pub image_input: Option<PicoUsd>,
    /// Token of a cited page (Perplexity deep research).
    pub citation: Option<PicoUsd>,
}

/// [`TokenPrices`] in USD per million tokens. A kind that is forgotten here does not compile.
#[skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(remote = "TokenPrices")]
struct PerMillion {
    #[serde(default, with = "values::usd_per_million")]
    input: Option<PicoUsd>,
    #[serde(default, with = "values::usd_per_million")]
    output: Option<PicoUsd>,
    #[serde(default, with = "values::usd_per_million")]
    cache_read: Option<PicoUsd>,
    #[serde(default, with = "values::usd_per_million")]
    cache_write: Option<PicoUsd>,
    #[serde(default, with = "values::usd_per_million")]
    cache_write_1h: Option<PicoUsd>,
    #[serde(default, with = "values::usd_per_million")]
    reasoning: Option<PicoUsd>,
    #[serde(default, with = "values::usd_per_million")]
    audio_input: Option<PicoUsd>,
    #[serde(default, with = "values::usd_per_million")]
    audio_output: Option<PicoUsd>,
    #[serde(default, with = "values::usd_per_million")]
    image_input: Option<PicoUsd>,
    #[serde(default, with = "values::usd_per_million")]
    citation: Option<PicoUsd>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_hold_pico_dollars_and_files_dollars_per_million() {
        let base = TokenPrices { input: Some(PicoUsd(75_000)), citation: Some(PicoUsd(2)), ..TokenPrices::default() };
        let row = serde_json::to_string(&base).unwrap();
        // The ids of rows that are kept for good are made from these very bytes.
        let between = "\"output\":null,\"cache_read\":null,\"cache_write\":null,\"cache_write_1h\":null,\"reasoning\":null,\
                       \"audio_input\":null,\"audio_output\":null,\"image_input\":null";
        assert_eq!(row, format!("{{\"input\":75000,{between},\"citation\":2}}"));
        assert_eq!(serde_json::from_str::<TokenPrices>(&row).unwrap(), base);

        let entry = PriceEntry { base, ..PriceEntry::default() };
        let written = serde_json::to_string(&entry).unwrap();
        assert_eq!(written, r#"{"input":"0.075","citation":"0.000002"}"#);
        assert_eq!(serde_json::from_str::<PriceEntry>(&written).unwrap(), entry);
    }
}
