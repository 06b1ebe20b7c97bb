//! What a model costs.

use serde::{Deserialize, Serialize};

use super::pricing;
use crate::config::PriceEntry;
use crate::money::PicoUsd;

/// A price row. Its id is made from its content, so the same price always has the same id and a changed price a new one;
/// records keep the id of the row they used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// First 16 hex digits of the SHA-256 of provider, model and values.
    pub id: String,
    /// Where the row comes from: `seed litellm 2026-10-21`, `overrides.yaml`, `openrouter list`, `local`.
    pub source: String,
    /// The prices of an ordinary request.
    pub base: PriceValues,
    /// Prices of the whole request once its prompt is long.
    pub tier: Option<PriceTier>,
    /// Cheaper prices outside a provider's busy hours (DeepSeek), see `tracking::cost`.
    pub off_peak: Option<PriceValues>,
    /// Fee per request.
    pub per_request: Option<PicoUsd>,
    /// Fee per web search or grounded request, by search context size: low, medium, high.
    pub per_search: Option<[PicoUsd; 3]>,
}

/// Prices per token. An absent key falls back as `tracking::cost` documents; it is never zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PriceValues {
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

/// Prices of the whole request once the prompt passes a size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceTier {
    /// Prompt tokens, cached ones included.
    pub above: u64,
    /// `true`: exactly `above` tokens are in the tier already (xAI); `false`: strictly more.
    pub inclusive: bool,
    /// Values the tier states; what it leaves out stays at the base price.
    pub values: PriceValues,
}

impl Price {
    /// The same price in the keys of `overrides.yaml`.
    pub fn to_entry(&self) -> PriceEntry {
        pricing::to_entry(self)
    }
}
