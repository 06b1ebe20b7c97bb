//! Which price each kind of token has in one request: tier, time of day, and what stands in for a missing price.

use crate::catalog::{Price, TokenPrices};
use crate::chat::Usage;
use crate::clock::UnixMillis;
use crate::money::PicoUsd;

/// The price of a kind of token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Per token, never negative.
    pub(super) price: PicoUsd,
    /// The kind whose price it is, when the row states none for this one.
    pub(super) instead_of: Option<&'static str>,
}

/// Prices of one request; `None` is "not known".
#[derive(Debug)]
pub(super) struct Rates {
    pub(super) input: Option<Rate>,
    pub(super) output: Option<Rate>,
    pub(super) cache_read: Option<Rate>,
    pub(super) cache_write: Option<Rate>,
    pub(super) cache_write_1h: Option<Rate>,
    /// `None`: reasoning is output like any other.
    pub(super) reasoning: Option<Rate>,
    pub(super) audio_input: Option<Rate>,
    pub(super) audio_output: Option<Rate>,
    pub(super) image_input: Option<Rate>,
    pub(super) citation: Option<Rate>,
    /// For the formula: which of the row's values were taken.
    pub(super) notes: Vec<String>,
}

/// The prices of this request.
pub(super) fn rates(usage: &Usage, price: &Price, at: UnixMillis) -> Rates {
    let mut values = price.base.clone();
    let mut notes = Vec::new();
    if let Some(off_peak) = price.off_peak.as_ref().filter(|_| !is_busy_hour(at)) {
        values = over(off_peak, &values);
        notes.push("off-peak".to_owned());
    }
    if let Some(tier) = &price.tier {
        let prompt = usage.prompt_total().unwrap_or(0);
        if prompt > tier.above || tier.inclusive && prompt == tier.above {
            values = over(&tier.values, &values);
            let sign = if tier.inclusive { "≥" } else { ">" };
            notes.push(format!("prompt of {prompt} {sign} {}", tier.above));
        }
    }
    let own = |value: Option<PicoUsd>| value.map(|value| Rate { price: PicoUsd(value.0.max(0)), instead_of: None });
    let or = |value: Option<PicoUsd>, other: Option<Rate>, kind: &'static str| {
        own(value).or(other.map(|rate| Rate { instead_of: rate.instead_of.or(Some(kind)), ..rate }))
    };
    let (input, output) = (own(values.input), own(values.output));
    let cache_write = or(values.cache_write, input, "input");
    Rates {
        input,
        output,
        cache_read: or(values.cache_read, input, "input"),
        cache_write,
        cache_write_1h: or(values.cache_write_1h, cache_write, "cache write"),
        reasoning: own(values.reasoning),
        audio_input: or(values.audio_input, input, "input"),
        audio_output: or(values.audio_output, output, "output"),
        image_input: or(values.image_input, input, "input"),
        // Cited pages cost only where the row says so.
        citation: own(Some(values.citation.unwrap_or_default())),
        notes,
    }
}

/// `first`, with what it leaves out taken from `second`.
fn over(first: &TokenPrices, second: &TokenPrices) -> TokenPrices {
    TokenPrices {
        input: first.input.or(second.input),
        output: first.output.or(second.output),
        cache_read: first.cache_read.or(second.cache_read),
        cache_write: first.cache_write.or(second.cache_write),
        cache_write_1h: first.cache_write_1h.or(second.cache_write_1h),
        reasoning: first.reasoning.or(second.reasoning),
        audio_input: first.audio_input.or(second.audio_input),
        audio_output: first.audio_output.or(second.audio_output),
        image_input: first.image_input.or(second.image_input),
        citation: first.citation.or(second.citation),
    }
}

/// DeepSeek's busy hours, the only ones there are: 01:00 to 04:00 and 06:00 to 10:00 UTC on weekdays, by the time
/// the request is made. The end of a window is outside it.
pub(super) fn is_busy_hour(at: UnixMillis) -> bool {
    let hours = at.0.div_euclid(3_600_000);
    let hour = hours.rem_euclid(24);
    // 1970-01-01 was a Thursday; Monday is 0.
    let weekday = (hours.div_euclid(24) + 3).rem_euclid(7);
    weekday < 5 && ((1..4).contains(&hour) || (6..10).contains(&hour))
}
