//! The `usage` object, both ways: providers count overlapping totals, [`Usage`] holds disjoint counters.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::wire::text_or_json;
use crate::chat::{SearchContext, Usage};
use crate::money::NanoUsd;
use crate::protocol::lenient::Scalar;

/// Every spelling of the counters that providers of this format use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage<'a> {
    #[serde(borrow)]
    prompt_tokens: Scalar<'a>,
    #[serde(borrow)]
    completion_tokens: Scalar<'a>,
    #[serde(borrow)]
    total_tokens: Scalar<'a>,
    #[serde(borrow)]
    prompt_tokens_details: Option<PromptDetails<'a>>,
    #[serde(borrow)]
    completion_tokens_details: Option<CompletionDetails<'a>>,
    /// DeepSeek.
    #[serde(borrow)]
    prompt_cache_hit_tokens: Scalar<'a>,
    /// Mistral.
    #[serde(borrow)]
    num_cached_tokens: Scalar<'a>,
    /// Moonshot, Together.
    #[serde(borrow)]
    cached_tokens: Scalar<'a>,
    /// Perplexity.
    #[serde(borrow)]
    reasoning_tokens: Scalar<'a>,
    /// Perplexity.
    #[serde(borrow)]
    citation_tokens: Scalar<'a>,
    /// Perplexity.
    #[serde(borrow)]
    num_search_queries: Scalar<'a>,
    /// Perplexity.
    #[serde(borrow)]
    search_context_size: Scalar<'a>,
    /// A number (OpenRouter) or an object (Perplexity).
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
    /// OpenRouter.
    #[serde(borrow)]
    cost_details: Option<CostDetails<'a>>,
    /// OpenRouter: the account brought its own key, so `cost` is only the fee.
    #[serde(borrow)]
    is_byok: Scalar<'a>,
    /// xAI: USD × 10¹⁰.
    #[serde(borrow)]
    cost_in_usd_ticks: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails<'a> {
    #[serde(borrow)]
    cached_tokens: Scalar<'a>,
    #[serde(borrow)]
    cache_write_tokens: Scalar<'a>,
    #[serde(borrow)]
    audio_tokens: Scalar<'a>,
    #[serde(borrow)]
    image_tokens: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails<'a> {
    #[serde(borrow)]
    reasoning_tokens: Scalar<'a>,
    #[serde(borrow)]
    audio_tokens: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CostDetails<'a> {
    #[serde(borrow)]
    upstream_inference_cost: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PerplexityCost<'a> {
    #[serde(borrow)]
    total_cost: Option<&'a RawValue>,
}

/// Reads a usage object. `None` when it says nothing: providers send empty ones on the way.
pub(super) fn decode(raw: &RawValue, service_tier: Option<&str>) -> Option<Usage> {
    let wire: WireUsage<'_> = serde_json::from_str(raw.get()).ok()?;
    let mut usage = Usage {
        citation_tokens: wire.citation_tokens.count(),
        searches: wire.num_search_queries.count(),
        search_context: wire.search_context_size.text().and_then(search_context),
        reported_cost: reported_cost(&wire),
        service_tier: service_tier.map(str::to_owned),
        raw: Some(raw.get().to_owned()),
        ..Usage::default()
    };
    fill_prompt(&wire, &mut usage);
    fill_completion(&wire, &mut usage);
    (!usage.is_unknown() || usage.reported_cost.is_some()).then_some(usage)
}

/// `prompt_tokens` includes every other prompt counter. Cached and audio tokens may overlap,
/// so each takes at most what the ones before it left.
fn fill_prompt(wire: &WireUsage<'_>, usage: &mut Usage) {
    let Some(total) = wire.prompt_tokens.count() else { return };
    let details = wire.prompt_tokens_details.as_ref();
    let mut rest = total;
    let mut take = |count: Option<u64>| {
        count.map(|count| {
            let taken = count.min(rest);
            rest -= taken;
            taken
        })
    };
    let cached = details
        .and_then(|details| details.cached_tokens.count())
        .or_else(|| wire.prompt_cache_hit_tokens.count())
        .or_else(|| wire.num_cached_tokens.count())
        .or_else(|| wire.cached_tokens.count());
    usage.cache_read = take(cached);
    usage.cache_write = take(details.and_then(|details| details.cache_write_tokens.count()));
    usage.audio_input = take(details.and_then(|details| details.audio_tokens.count()));
    usage.image_input = take(details.and_then(|details| details.image_tokens.count()));
    usage.input = Some(rest);
}

/// `completion_tokens` includes reasoning, except where the numbers themselves say that it does not:
/// xAI's total is prompt + completion + reasoning, and a part is never larger than its whole.
fn fill_completion(wire: &WireUsage<'_>, usage: &mut Usage) {
    let details = wire.completion_tokens_details.as_ref();
    let reasoning =
        details.and_then(|details| details.reasoning_tokens.count()).or_else(|| wire.reasoning_tokens.count());
    usage.reasoning = reasoning;
    let Some(completion) = wire.completion_tokens.count() else { return };
    let thought = reasoning.unwrap_or(0);
    let with_reasoning = completion.saturating_add(thought);
    let total_counts_it_apart = wire.total_tokens.count().is_some_and(|total| {
        wire.prompt_tokens.count().is_some_and(|prompt| total == prompt.saturating_add(with_reasoning))
    });
    let completion = if total_counts_it_apart || thought > completion { with_reasoning } else { completion };
    let audio = details.and_then(|details| details.audio_tokens.count()).map(|audio| audio.min(completion));
    usage.audio_output = audio;
    usage.output = Some(completion - audio.unwrap_or(0));
}

fn search_context(word: &str) -> Option<SearchContext> {
    match word {
        "low" => Some(SearchContext::Low),
        "medium" => Some(SearchContext::Medium),
        "high" => Some(SearchContext::High),
        _ => None,
    }
}

/// The provider's own figure for the whole charge, read from the decimal text: no floating point comes near money.
fn reported_cost(wire: &WireUsage<'_>) -> Option<NanoUsd> {
    if let Some(ticks) = wire.cost_in_usd_ticks {
        return NanoUsd::from_usd_rounded(&format!("{}e-10", text_or_json(ticks))).ok();
    }
    let cost = wire.cost?;
    if cost.get().starts_with('{') {
        let cost: PerplexityCost<'_> = serde_json::from_str(cost.get()).ok()?;
        return amount(cost.total_cost?);
    }
    let fee = amount(cost)?;
    let upstream = wire.cost_details.as_ref().and_then(|details| details.upstream_inference_cost).and_then(amount);
    match upstream {
        Some(upstream) if wire.is_byok.is_true() => Some(NanoUsd(fee.0.saturating_add(upstream.0))),
        Some(_) | None => Some(fee),
    }
}

fn amount(raw: &RawValue) -> Option<NanoUsd> {
    NanoUsd::from_usd_rounded(&text_or_json(raw)).ok()
}

/// `usage` as OpenAI writes it, with both objects of details complete: typed clients insist on them.
#[derive(Debug, Serialize)]
pub(super) struct UsageOut {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetailsOut,
    completion_tokens_details: CompletionDetailsOut,
}

#[derive(Debug, Serialize)]
struct PromptDetailsOut {
    cached_tokens: u64,
    audio_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Debug, Serialize)]
struct CompletionDetailsOut {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
}

impl UsageOut {
    /// `None` when nothing is known: a missing object is honest, a zero is not.
    pub(super) fn new(usage: &Usage) -> Option<Self> {
        if usage.is_unknown() {
            return None;
        }
        let prompt_tokens = usage.prompt_total().unwrap_or(0);
        let completion_tokens = usage.completion_total().unwrap_or(0);
        let written = usage.cache_write.unwrap_or(0).saturating_add(usage.cache_write_1h.unwrap_or(0));
        Some(Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
            prompt_tokens_details: PromptDetailsOut {
                cached_tokens: usage.cache_read.unwrap_or(0),
                audio_tokens: usage.audio_input.unwrap_or(0),
                cache_write_tokens: written,
            },
            completion_tokens_details: CompletionDetailsOut {
                reasoning_tokens: usage.reasoning.unwrap_or(0),
                audio_tokens: usage.audio_output.unwrap_or(0),
                accepted_prediction_tokens: 0,
                rejected_prediction_tokens: 0,
            },
        })
    }
}

#[cfg(test)]
mod tests;
