//! What providers list.

use super::{Capabilities, ModelKind};

/// A model as a provider lists it; what the provider does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListedModel {
    /// The provider's id, in its own spelling (Gemini's `models/` prefix removed).
    pub id: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Chat or embedding, where the list says so.
    pub kind: Option<ModelKind>,
    /// Prompt window in tokens.
    pub context_length: Option<u64>,
    /// Longest answer in tokens.
    pub max_output: Option<u64>,
    /// Unix seconds.
    pub created: Option<i64>,
    /// Prices the list states, as decimal USD per single token: (input, output, cache read, cache write, request).
    pub price: Option<ListedPrice>,
    /// Ollama's own entry (size, digest, details, `modified_at`), shown to Ollama clients as it is.
    pub ollama: Option<serde_json::Value>,
}

/// Decimal texts in USD per single token or request (OpenRouter's list).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedPrice {
    /// Per prompt token.
    pub input: String,
    /// Per generated token.
    pub output: String,
    /// Per cached prompt token.
    pub cache_read: Option<String>,
    /// Per prompt token written to the cache.
    pub cache_write: Option<String>,
    /// Per request.
    pub request: Option<String>,
}
