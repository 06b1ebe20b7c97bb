//! Prices as people read them.

use super::list::tokens;
use crate::config::{PriceEntry, TokenPrices};
use crate::money::PicoUsd;

/// Every price with its kind, as people read it.
pub(super) fn price_lines(price: &PriceEntry) -> Vec<(String, String)> {
    let mut lines = of_tokens("", &price.base);
    if let Some(tier) = &price.tier {
        let sign = if tier.inclusive { "from" } else { "above" };
        lines.extend(of_tokens(&format!(", prompt {sign} {}", tokens(tier.above)), &tier.values));
    }
    if let Some(off_peak) = &price.off_peak {
        lines.extend(of_tokens(", off-peak", &off_peak.values));
    }
    let fee = |fee: PicoUsd| format!("${}", fee.to_usd());
    lines.extend(price.per_request.map(|price| ("per request".to_owned(), fee(price))));
    lines.extend(
        price.search_per_query.map(|fees| ("per search (low / medium / high)".to_owned(), fees.map(fee).join(" / "))),
    );
    lines
}

fn of_tokens(suffix: &str, prices: &TokenPrices) -> Vec<(String, String)> {
    let shown = |(_, label, price): (&str, &str, Option<PicoUsd>)| {
        price.map(|price| (format!("{label}{suffix}"), format!("${}", price.to_usd_per_million())))
    };
    kinds(prices).into_iter().filter_map(shown).collect()
}

/// Key, label and price of each kind of token.
pub(super) fn kinds(prices: &TokenPrices) -> [(&'static str, &'static str, Option<PicoUsd>); 10] {
    [
        ("input", "input", prices.input),
        ("output", "output", prices.output),
        ("cache_read", "cache read", prices.cache_read),
        ("cache_write", "cache write", prices.cache_write),
        ("cache_write_1h", "cache write, 1 h", prices.cache_write_1h),
        ("reasoning", "thinking", prices.reasoning),
        ("audio_input", "audio in", prices.audio_input),
        ("audio_output", "audio out", prices.audio_output),
        ("image_input", "image in", prices.image_input),
        ("citation", "citation", prices.citation),
    ]
}
