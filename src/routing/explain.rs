//! A resolution in words: what `llm-relay resolve NAME` prints.

use super::{Resolution, RouteError};
use crate::catalog::{Model, ModelSource, Price, TokenPrices};
use crate::money::PicoUsd;

/// The steps a name went through, numbered, and what is at the end of them; or why there is nothing.
pub fn explain(result: &Result<Resolution, RouteError>) -> String {
    match result {
        Ok(resolution) => explain_resolution(resolution),
        Err(error) => format!("{error}\n"),
    }
}

fn explain_resolution(resolution: &Resolution) -> String {
    let mut lines = Vec::new();
    for (index, step) in resolution.steps.iter().enumerate() {
        lines.push(format!("{}. {:8}  {} -> {}", index + 1, step.stage, step.from, step.to));
    }
    let model = &resolution.route.first;
    lines.push(format!("model        {}", model.name()));
    lines.push(format!("resolved by  {}", resolution.resolved_by));
    lines.push(format!(
        "provider     {} ({}), {}",
        model.provider.id,
        model.provider.protocol.as_str(),
        model.provider.base_url
    ));
    lines.push(format!("known from   {}", source(model)));
    lines.push(format!("context      {}", context(model)));
    lines.push(format!("price        {}", model.price.as_deref().map_or_else(|| "unknown".to_owned(), price_in_words)));
    if !resolution.tags.is_empty() {
        lines.push(format!("tags         {}", resolution.tags.join(", ")));
    }
    for fallback in &resolution.route.rest {
        lines.push(format!("then         {}", fallback.name()));
    }
    lines.join("\n") + "\n"
}

fn source(model: &Model) -> &'static str {
    match model.source {
        ModelSource::Seed => "the built-in table",
        ModelSource::File => "the configuration",
        ModelSource::Discovered => "the provider's list",
        ModelSource::Stored => "the admin page",
        ModelSource::PassedThrough => "its name alone: nobody listed it",
    }
}

fn context(model: &Model) -> String {
    let tokens = |tokens: Option<u64>| tokens.map_or_else(|| "unknown".to_owned(), |tokens| format!("{tokens} tokens"));
    format!("{}, longest answer {}", tokens(model.profile.context_length), tokens(model.profile.max_output))
}

/// A price in words: `in 0.15, out 0.6 USD per million tokens (…)`.
pub fn price_in_words(price: &Price) -> String {
    let mut text = format!("{} USD per million tokens", values(&price.base));
    if let Some(tier) = &price.tier {
        let edge = if tier.inclusive { "from" } else { "above" };
        text.push_str(&format!("; {edge} {} prompt tokens {}", tier.above, values(&tier.values)));
    }
    if let Some(off_peak) = &price.off_peak {
        text.push_str(&format!("; off-peak {}", values(off_peak)));
    }
    if let Some(fee) = price.per_request {
        text.push_str(&format!("; {} USD per request", per_unit(fee)));
    }
    if let Some(fees) = price.per_search {
        text.push_str(&format!("; {} USD per search", fees.map(per_unit).join("/")));
    }
    format!("{text} ({}, row {})", price.source, price.id)
}

fn values(values: &TokenPrices) -> String {
    let stated = [
        ("in", values.input),
        ("out", values.output),
        ("cache read", values.cache_read),
        ("cache write", values.cache_write),
        ("cache write 1h", values.cache_write_1h),
        ("reasoning", values.reasoning),
        ("audio in", values.audio_input),
        ("audio out", values.audio_output),
        ("image in", values.image_input),
        ("citation", values.citation),
    ];
    let parts: Vec<_> =
        stated.iter().filter_map(|(name, price)| Some(format!("{name} {}", (*price)?.to_usd_per_million()))).collect();
    parts.join(", ")
}

/// A fee in USD: a million units' worth, a million times smaller.
fn per_unit(fee: PicoUsd) -> String {
    let text = format!("{}.{:012}", fee.0 / 1_000_000_000_000, fee.0 % 1_000_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
