//! What an answer took.

use serde::{Deserialize, Serialize};
use serde_with_macros::skip_serializing_none;

use crate::money::NanoUsd;

/// Token counters and fees as the provider reported them, made disjoint:
/// every token stands in exactly one counter, except `reasoning`, which lies inside `output`.
///
/// `None` means the provider did not say; `Some(0)` means it said zero.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Prompt tokens at the plain price: without cached, cache-written, audio and image tokens.
    pub input: Option<u64>,
    /// Generated tokens, reasoning included, audio and image output excluded.
    pub output: Option<u64>,
    /// Thinking tokens, a part of `output`.
    pub reasoning: Option<u64>,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: Option<u64>,
    /// Prompt tokens written to the provider's cache (Anthropic: for five minutes).
    pub cache_write: Option<u64>,
    /// Prompt tokens written to the provider's cache for one hour.
    pub cache_write_1h: Option<u64>,
    /// Sound in the prompt.
    pub audio_input: Option<u64>,
    /// Sound in the answer.
    pub audio_output: Option<u64>,
    /// Pictures in the prompt, where the provider counts them apart.
    pub image_input: Option<u64>,
    /// Web searches or grounded queries the provider ran.
    pub searches: Option<u64>,
    /// Perplexity's depth of search, which sets the fee per request.
    pub search_context: Option<SearchContext>,
    /// Perplexity deep research: tokens of cited pages.
    pub citation_tokens: Option<u64>,
    /// The provider's own figure for the whole charge.
    pub reported_cost: Option<NanoUsd>,
    /// The provider's word for a dearer or cheaper lane: `flex`, `priority`, `batch`, `fast`, ….
    pub service_tier: Option<String>,
    /// The usage object as the provider sent it.
    pub raw: Option<String>,
}

/// Depth of a web search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchContext {
    /// Cheapest.
    Low,
    /// Usual.
    Medium,
    /// Most pages read.
    High,
}

impl SearchContext {
    /// The word used on the wire and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl Usage {
    /// All prompt tokens, cached ones included: OpenAI's `prompt_tokens`, Ollama's `prompt_eval_count`.
    /// `None` when the provider said nothing about the prompt.
    pub fn prompt_total(&self) -> Option<u64> {
        sum(&[self.input, self.cache_read, self.cache_write, self.cache_write_1h, self.audio_input, self.image_input])
    }

    /// All generated tokens: OpenAI's `completion_tokens`, Ollama's `eval_count`.
    pub fn completion_total(&self) -> Option<u64> {
        sum(&[self.output, self.audio_output])
    }

    /// Nothing at all was reported.
    pub fn is_unknown(&self) -> bool {
        self.prompt_total().is_none() && self.completion_total().is_none()
    }
}

fn sum(parts: &[Option<u64>]) -> Option<u64> {
    parts.iter().flatten().copied().reduce(u64::saturating_add)
}
