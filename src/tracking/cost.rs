//! What an answer cost: disjoint counters times the price row, summed exactly and rounded once.
//!
//! The rules, in the order in which they apply:
//! - A cost the provider reported is the cost; our own computation is kept beside it.
//! - Hardware of our own costs zero, which is not the same as "not known".
//! - Without a price row, or with a counter or a price missing that the sum needs, the cost is `None`, never zero.
//! - A tier moves the whole request, output and cached tokens too; what the tier leaves out stays at the base price.
//!   Off-peak values likewise.
//! - A kind of token without a price of its own takes the price of what it is a kind of, and the formula says so:
//!   one-hour cache writes that of cache writes; cached, audio and image input that of input; audio output and
//!   reasoning that of output.
//! - `flex` and `batch` halve the price of tokens, `priority` doubles it; fees stay as they are.

mod rates;

use std::fmt::Write;

use smol_str::SmolStr;

use crate::catalog::Price;
use crate::chat::{SearchContext, Usage};
use crate::clock::UnixMillis;
use crate::money::{NanoUsd, PicoUsd};

use super::CostSource;
use rates::{Rate, Rates, rates};

/// What an answer cost and how we know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cost {
    /// What counts; `None` is "not known". Never negative.
    pub amount: Option<NanoUsd>,
    /// Where it comes from.
    pub source: CostSource,
    /// Our own computation, also beside a reported amount.
    pub computed: Option<NanoUsd>,
    /// Id of the price row, when one was used.
    pub price: Option<SmolStr>,
    /// The computation, to be read and checked.
    pub formula: Option<String>,
}

/// Service tiers that change the price of tokens, and by how many halves it is multiplied.
/// The words are those of OpenAI's and Gemini's answers; a word that is not here leaves the price as it is.
const SERVICE_TIERS: [(&str, i128); 3] = [("flex", 1), ("batch", 1), ("priority", 4)];
const FULL_PRICE: i128 = 2;

/// Computes the cost of `usage`. `local`: it ran on hardware of our own. `at`: when the request arrived, for prices
/// that depend on the time of day. `estimated`: the counters are our estimate.
pub fn cost(usage: &Usage, price: Option<&Price>, local: bool, at: UnixMillis, estimated: bool) -> Cost {
    let calculation = price.filter(|_| !local).and_then(|price| calculate(usage, price, at));
    let computed = calculation.as_ref().map(|calculation| calculation.amount);
    let used = if computed.is_some() { price.map(|price| price.id.as_str().into()) } else { None };
    let formula = calculation.map(|calculation| calculation.formula);
    if let Some(reported) = usage.reported_cost {
        // A negative report (OpenRouter's marker for "not known" is -1) is no cost.
        if reported.0 >= 0 {
            let said = format!("reported by the provider: {reported}");
            let formula = formula.map_or_else(|| said.clone(), |ours| format!("{said}; computed: {ours}"));
            return Cost {
                amount: Some(reported),
                source: CostSource::Reported,
                computed,
                price: used,
                formula: Some(formula),
            };
        }
    }
    if local {
        return Cost { amount: Some(NanoUsd(0)), source: CostSource::Local, ..Cost::default() };
    }
    let source = match (computed, estimated) {
        (None, _) => CostSource::Unknown,
        (Some(_), true) => CostSource::Estimated,
        (Some(_), false) => CostSource::Computed,
    };
    Cost { amount: computed, source, computed, price: used, formula }
}

struct Calculation {
    amount: NanoUsd,
    formula: String,
}

/// A counter, its price, and the name both have in the formula.
struct Term {
    count: u64,
    name: &'static str,
    rate: Option<Rate>,
}

/// A counter of a request and what each of its tokens costs: a line of the bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostLine {
    /// The name it has in the formula.
    pub kind: &'static str,
    /// How many there are.
    pub count: u64,
    /// The price of one; `None`: not known.
    pub price: Option<PicoUsd>,
    /// The kind whose price it is, when the row states none for this one.
    pub instead_of: Option<&'static str>,
}

/// The lines [`cost`] would add up, without fees and before a service tier multiplies them; and which of the row's values
/// were taken, in words. No lines: a counter is missing that the sum needs.
pub fn cost_lines(usage: &Usage, price: &Price, at: UnixMillis) -> (Vec<CostLine>, Vec<String>) {
    let rates = rates(usage, price, at);
    let terms = terms(usage, &rates).into_iter().flatten().filter(|term| term.count > 0);
    let line = |term: Term| CostLine {
        kind: term.name,
        count: term.count,
        price: term.rate.map(|rate| rate.price),
        instead_of: term.rate.and_then(|rate| rate.instead_of),
    };
    (terms.map(line).collect(), rates.notes)
}

/// Every kind of token. `None`: a counter the sum needs is not known.
fn terms(usage: &Usage, rates: &Rates) -> Option<[Term; 10]> {
    // A prompt always has plain tokens, so a missing count is a missing count. An answer need not:
    // embeddings have none, and no price for them either.
    let input = usage.input?;
    let output = match usage.output {
        Some(output) => output,
        None if rates.output.is_none_or(|rate| rate.price.0 == 0) => 0,
        None => return None,
    };
    // Reasoning lies inside the output; it is taken out only where it has a price of its own.
    let reasoning = rates.reasoning.map_or(0, |_| usage.reasoning.unwrap_or(0).min(output));
    let term = |count, name, rate| Term { count, name, rate };
    Some([
        term(input, "in", rates.input),
        term(output - reasoning, "out", rates.output),
        term(reasoning, "reasoning", rates.reasoning),
        term(usage.cache_read.unwrap_or(0), "cache read", rates.cache_read),
        term(usage.cache_write.unwrap_or(0), "cache write", rates.cache_write),
        term(usage.cache_write_1h.unwrap_or(0), "cache write 1h", rates.cache_write_1h),
        term(usage.audio_input.unwrap_or(0), "audio in", rates.audio_input),
        term(usage.image_input.unwrap_or(0), "image in", rates.image_input),
        term(usage.audio_output.unwrap_or(0), "audio out", rates.audio_output),
        term(usage.citation_tokens.unwrap_or(0), "citation", rates.citation),
    ])
}

/// `None`: something the sum needs is not known.
fn calculate(usage: &Usage, price: &Price, at: UnixMillis) -> Option<Calculation> {
    let rates = rates(usage, price, at);
    let terms = terms(usage, &rates)?;
    let mut tokens: i128 = 0;
    // Long enough for a usual one. Writing to a String cannot fail.
    let mut formula = String::with_capacity(64);
    for term in terms.iter().filter(|term| term.count > 0) {
        let rate = term.rate?;
        tokens = tokens.saturating_add(i128::from(term.count).saturating_mul(rate.price.0.into()));
        let plus = if formula.is_empty() { "" } else { " + " };
        let _ = write!(formula, "{plus}{} {} × {}", term.count, term.name, rate.price.per_million_in_usd());
        if let Some(kind) = rate.instead_of {
            let _ = write!(formula, " ({kind} price)");
        }
    }
    formula.push_str(if formula.is_empty() { "0" } else { " USD/M" });
    for note in &rates.notes {
        let _ = write!(formula, " ({note})");
    }
    let halves = service_tier(usage, &mut formula);
    let fees = fees(usage, price, &mut formula);
    // The sum is kept in half pico-dollars, so that halving loses nothing before the one rounding.
    let half_picos = tokens.saturating_mul(halves).saturating_add(fees.saturating_mul(FULL_PRICE));
    let amount = NanoUsd::from_pico_sum(half_picos / FULL_PRICE);
    let _ = write!(formula, " = {amount}");
    Some(Calculation { amount, formula })
}

/// By how many halves the price of tokens is multiplied.
fn service_tier(usage: &Usage, formula: &mut String) -> i128 {
    let word = usage.service_tier.as_deref().unwrap_or("");
    let Some((name, halves)) = SERVICE_TIERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) else {
        return FULL_PRICE;
    };
    *formula = format!("({formula})");
    // Writing to a String cannot fail.
    let _ = write!(formula, " × {} ({name})", if *halves < FULL_PRICE { "0.5" } else { "2" });
    *halves
}

/// Fees in pico-dollars. A provider that counts its searches is paid per search; one that only states the depth
/// (Perplexity) ran one. A depth that is not stated is the cheapest, so that a fee is never invented.
fn fees(usage: &Usage, price: &Price, formula: &mut String) -> i128 {
    let mut sum: i128 = 0;
    let mut add = |count: u64, name: &str, fee: PicoUsd| {
        let fee = fee.0.max(0);
        sum = sum.saturating_add(i128::from(count).saturating_mul(fee.into()));
        let _ = write!(formula, " + {count} {name} × {} USD", NanoUsd::from_pico_sum(fee.into()).in_usd());
    };
    if let Some(fee) = price.per_request {
        add(1, "request", fee);
    }
    if let Some([low, medium, high]) = price.per_search {
        let (depth, fee) = match usage.search_context {
            None | Some(SearchContext::Low) => ("low", low),
            Some(SearchContext::Medium) => ("medium", medium),
            Some(SearchContext::High) => ("high", high),
        };
        let implied = u64::from(usage.search_context.is_some());
        let searches = usage.searches.filter(|count| *count > 0).unwrap_or(implied);
        if searches > 0 {
            add(searches, &format!("search ({depth})"), fee);
        }
    }
    sum
}

#[cfg(test)]
mod tests;
