//! What a model costs.

use serde::{Deserialize, Serialize};

use super::pricing;
use crate::config::PriceEntry;
use crate::money::PicoUsd;

pub use crate::config::TokenPrices;

/// A price row. Its id is made from its content, so the same price always has the same id and a changed price a new one;
/// records keep the id of the row they used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// First 16 hex digits of the SHA-256 of provider, model and values.
    pub id: String,
    /// Where the row comes from: `seed litellm 2026-10-21`, `overrides.yaml`, `openrouter list`, `local`.
    pub source: String,
    /// The prices of an ordinary request.
    pub base: TokenPrices,
    /// Prices of the whole request once its prompt is long.
    pub tier: Option<PriceTier>,
    /// Cheaper prices outside a provider's busy hours (DeepSeek), see `tracking::cost`.
    pub off_peak: Option<TokenPrices>,
    /// Fee per request.
    pub per_request: Option<PicoUsd>,
    /// Fee per web search or grounded request, by search context size: low, medium, high.
    pub per_search: Option<[PicoUsd; 3]>,
}

/// Prices of the whole request once the prompt passes a size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceTier {
    /// Prompt tokens, cached ones included.
    pub above: u64,
    /// `true`: exactly `above` tokens are in the tier already (xAI); `false`: strictly more.
    pub inclusive: bool,
    /// Values the tier states; what it leaves out stays at the base price.
    pub values: TokenPrices,
}

impl Price {
    /// The same price in the keys of `overrides.yaml`.
    pub fn to_entry(&self) -> PriceEntry {
        pricing::to_entry(self)
    }
}
