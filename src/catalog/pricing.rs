//! Price rows from what files and providers state.

use sha2::{Digest, Sha256};

use super::{Price, PriceTier};
use crate::config::{OffPeakEntry, PriceEntry, TierEntry, TokenPrices};
use crate::money::PicoUsd;
use crate::protocol::ListedPrice;

/// The model a row is made for; part of the row's id.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
}

/// A row as a file states it.
pub(super) fn from_entry(owner: Owner<'_>, source: &str, entry: &PriceEntry) -> Price {
    let tier = entry.tier.as_ref().map(|tier| PriceTier {
        above: tier.above,
        inclusive: tier.inclusive,
        values: tier.values.clone(),
    });
    with_id(
        owner,
        Price {
            id: String::new(),
            source: source.to_owned(),
            base: entry.base.clone(),
            tier,
            off_peak: entry.off_peak.as_ref().map(|off_peak| off_peak.values.clone()),
            per_request: entry.per_request,
            per_search: entry.search_per_query,
        },
    )
}

/// What a file would say to state this price.
pub(super) fn to_entry(price: &Price) -> PriceEntry {
    let tier = price.tier.as_ref().map(|tier| TierEntry {
        above: tier.above,
        inclusive: tier.inclusive,
        values: tier.values.clone(),
    });
    PriceEntry {
        base: price.base.clone(),
        tier,
        off_peak: price.off_peak.as_ref().map(|values| OffPeakEntry { values: values.clone() }),
        per_request: price.per_request,
        search_per_query: price.per_search,
    }
}

/// A row as a provider's own list states it. `None` where the list says that the price varies (OpenRouter's `-1`), or
/// states one that is no price.
pub(super) fn from_list(owner: Owner<'_>, listed: &ListedPrice) -> Option<Price> {
    let price = |text: &str| PicoUsd::from_usd(text).ok().filter(|&price| price >= PicoUsd(0));
    let optional = |text: &Option<String>| text.as_deref().and_then(price);
    let base = TokenPrices {
        input: Some(price(&listed.input)?),
        output: Some(price(&listed.output)?),
        cache_read: optional(&listed.cache_read),
        cache_write: optional(&listed.cache_write),
        ..TokenPrices::default()
    };
    let per_request = optional(&listed.request).filter(|&fee| fee > PicoUsd(0));
    Some(flat(owner, format!("{} list", owner.provider), base, per_request))
}

/// The row of a model on hardware of one's own: zero, which is not the same as unknown.
pub(super) fn local(owner: Owner<'_>) -> Price {
    let zero = Some(PicoUsd(0));
    let base = TokenPrices {
        input: zero,
        output: zero,
        cache_read: zero,
        cache_write: zero,
        cache_write_1h: zero,
        reasoning: zero,
        audio_input: zero,
        audio_output: zero,
        image_input: zero,
        citation: zero,
    };
    flat(owner, "local".to_owned(), base, None)
}

fn flat(owner: Owner<'_>, source: String, base: TokenPrices, per_request: Option<PicoUsd>) -> Price {
    with_id(owner, Price { id: String::new(), source, base, tier: None, off_peak: None, per_request, per_search: None })
}

/// Fills in the id, which is made from everything but the source: the same price from another table is the same price.
fn with_id(owner: Owner<'_>, price: Price) -> Price {
    let content = serde_json::json!([
        owner.provider,
        owner.model,
        price.base,
        price.tier,
        price.off_peak,
        price.per_request,
        price.per_search
    ]);
    let digest = Sha256::digest(content.to_string().as_bytes());
    let id = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Price { id, ..price }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner<'_> = Owner { provider: "openrouter", model: "x/y" };

    fn listed(input: &str, output: &str) -> ListedPrice {
        ListedPrice { input: input.to_owned(), output: output.to_owned(), ..ListedPrice::default() }
    }

    #[test]
    fn listed_prices_are_per_single_token() {
        let list = ListedPrice {
            cache_read: Some("0.000000015".to_owned()),
            request: Some("0".to_owned()),
            ..listed("0.00000015", "6e-7")
        };
        let price = from_list(OWNER, &list).unwrap();
        assert_eq!(price.base.input, Some(PicoUsd(150_000)));
        assert_eq!(price.base.output, Some(PicoUsd(600_000)));
        assert_eq!(price.base.cache_read, Some(PicoUsd(15_000)));
        assert_eq!(price.base.cache_write, None);
        assert_eq!(price.per_request, None);
        assert_eq!(price.source, "openrouter list");
    }

    #[test]
    fn a_varying_or_odd_price_is_unknown() {
        assert!(from_list(OWNER, &listed("-1", "-1")).is_none());
        assert!(from_list(OWNER, &listed("", "0.1")).is_none());
        assert_eq!(from_list(OWNER, &listed("0", "0")).unwrap().base.input, Some(PicoUsd(0)));
    }

    #[test]
    fn the_id_follows_from_the_content() {
        let entry = |input| PriceEntry {
            base: TokenPrices { input: Some(PicoUsd(input)), ..TokenPrices::default() },
            ..PriceEntry::default()
        };
        let id = from_entry(OWNER, "a", &entry(1)).id;
        assert_eq!(id.len(), 16);
        assert_eq!(id, from_entry(OWNER, "b", &entry(1)).id);
        assert_ne!(id, from_entry(OWNER, "a", &entry(2)).id);
        assert_ne!(id, from_entry(Owner { model: "z", ..OWNER }, "a", &entry(1)).id);
    }
}
