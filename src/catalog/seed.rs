//! What the relay knows out of the box: providers, prices and quirks, built in as the files in `seed/` and
//! `overrides.yaml`. Each is read once.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use crate::config::{Entries, ModelRules, OverridesFile, ProtocolWord, ProviderRules, yaml};

/// A provider the relay knows by name; the file explains the keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedProvider {
    pub(super) id: String,
    pub(super) protocol: ProtocolWord,
    pub(super) base_url: String,
    #[serde(default)]
    pub(super) keys: Vec<String>,
    #[serde(default)]
    pub(super) urls: Vec<String>,
    #[serde(default)]
    pub(super) versions: Vec<String>,
    #[serde(default)]
    pub(super) needs: Needs,
    #[serde(default)]
    pub(super) headers: Entries<String>,
    #[serde(default = "yes")]
    pub(super) discover: bool,
    #[serde(default)]
    pub(super) prices_of: Option<String>,
    #[serde(default = "yes")]
    pub(super) versioned: bool,
}

/// What makes a known provider callable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Needs {
    /// A key, or an address of one's own.
    #[default]
    Key,
    /// An address.
    Url,
    /// Both.
    UrlAndKey,
}

/// The built-in price table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedPrices {
    source: String,
    date: String,
    providers: Entries<ProviderRules>,
}

fn yes() -> bool {
    true
}

static PROVIDERS: LazyLock<Vec<SeedProvider>> = LazyLock::new(|| {
    yaml::parse("seed/providers.yaml", include_str!("../../seed/providers.yaml")).expect("a test reads this file")
});

static PRICES: LazyLock<SeedPrices> = LazyLock::new(|| {
    yaml::parse("seed/prices.yaml", include_str!("../../seed/prices.yaml")).expect("a test reads this file")
});

static OVERRIDES: LazyLock<Arc<OverridesFile>> = LazyLock::new(|| {
    let text = include_str!("../../overrides.yaml");
    Arc::new(OverridesFile::parse("overrides.yaml (built in)", text).expect("a test reads this file"))
});

/// The known providers, in catalogue order.
pub(super) fn providers() -> &'static [SeedProvider] {
    &PROVIDERS
}

/// Whether a provider of this id is built in.
pub(super) fn knows(id: &str) -> bool {
    PROVIDERS.iter().any(|known| known.id.eq_ignore_ascii_case(id))
}

/// The copy of `overrides.yaml` that is built in.
pub fn built_in_overrides() -> Arc<OverridesFile> {
    OVERRIDES.clone()
}

/// Where the built-in prices come from and of which day they are.
pub(super) fn price_source() -> String {
    format!("{} {}", PRICES.source, PRICES.date)
}

/// The ids the price table knows at a provider.
pub(super) fn model_ids(provider: &str) -> impl Iterator<Item = &'static str> {
    PRICES.providers.get(provider).into_iter().flat_map(|rules| rules.models.iter().map(|(id, _)| id))
}

/// The row of a model: of its very id, else without the date at its end, else without the provider's own prefix.
/// Never of a shorter name that merely begins alike: `gpt-4` would price `gpt-4o-mini`.
pub(super) fn row(provider: &str, id: &str) -> Option<Row> {
    let models = &PRICES.providers.get(provider)?.models;
    let exact = models.get(id).map(|rules| Row { rules, is_exact: true });
    let similar = || {
        let own = strip_provider(id, provider);
        let names = [without_date(id), own, own.and_then(without_date)];
        let rules = names.into_iter().flatten().find_map(|name| models.get(name))?;
        Some(Row { rules, is_exact: false })
    };
    exact.or_else(similar)
}

/// A row of the price table.
pub(super) struct Row {
    pub(super) rules: &'static ModelRules,
    /// The row is of this very id, not of its undated name.
    pub(super) is_exact: bool,
}

/// `gpt-4o-2024-08-06`, `claude-sonnet-4-5-20250929` and `grok-4.7-latest` without what follows the name.
fn without_date(id: &str) -> Option<&str> {
    if let Some(name) = id.strip_suffix("-latest") {
        return Some(name);
    }
    let has_shape = |suffix: &str, shape: &str| {
        suffix.len() == shape.len()
            && suffix.bytes().zip(shape.bytes()).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                _ => byte == like,
            })
    };
    ["-0000-00-00", "-00000000"].into_iter().find_map(|shape| {
        let at = id.len().checked_sub(shape.len()).filter(|&at| at > 0)?;
        has_shape(id.get(at..)?, shape).then(|| &id[..at])
    })
}

fn strip_provider<'a>(id: &'a str, provider: &str) -> Option<&'a str> {
    let (prefix, rest) = id.split_once('/')?;
    prefix.eq_ignore_ascii_case(provider).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_files_can_be_read() {
        assert_eq!(providers().len(), 17);
        assert_eq!(price_source(), "seed litellm 2026-10-21");
        assert_eq!(built_in_overrides().providers.iter().count(), 14);
    }

    #[test]
    fn prices_and_quirks_are_of_known_providers() {
        let known = |id: &str| providers().iter().any(|provider| provider.id == id);
        for (id, rules) in PRICES.providers.iter() {
            assert!(known(id) && rules.models.iter().all(|(_, row)| row.price.is_some()), "{id}");
        }
        assert!(built_in_overrides().providers.iter().all(|(id, _)| known(id)));
    }

    #[test]
    fn a_row_is_found_by_id_by_undated_name_and_without_the_own_prefix() {
        let input = |provider: &str, id: &str| row(provider, id)?.rules.price.as_ref()?.base.input.map(|price| price.0);
        assert_eq!(input("openai", "GPT-4o-mini"), Some(150_000));
        assert_eq!(input("openai", "gpt-4o-2024-08-06"), Some(2_500_000));
        assert_eq!(input("anthropic", "claude-sonnet-4-5-20250929"), Some(3_000_000));
        assert_eq!(input("xai", "grok-4.7-latest"), Some(2_000_000));
        assert_eq!(input("groq", "openai/gpt-oss-20b"), Some(75_000));
        assert_eq!(input("openai", "openai/gpt-4o-2024-08-06"), Some(2_500_000));
    }

    #[test]
    fn a_name_that_merely_begins_alike_is_another_model() {
        for id in
            ["gpt-4o-mini-tts", "gpt-4", "gpt-4o-2024", "gpt-5.5-pro", "azure/gpt-4o", "-2024-08-06", "é-20240806"]
        {
            assert!(row("openai", id).is_none(), "{id}");
        }
    }
}
