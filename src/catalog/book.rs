//! Makes models: the built-in row, what the provider listed, then the operator's rules, laid on each other.

use std::collections::HashMap;
use std::sync::Arc;

use super::configure::Configured;
use super::pricing::{self, Owner};
use super::{Model, ModelSource, Price, Provider, quirks, seed};
use crate::config::{Entries, OverridesFile};
use crate::protocol::{ListedModel, ModelProfile};

/// The rules models are made by. It outlives the building of the catalog, as models that nobody listed are made when
/// they are asked for.
#[derive(Debug)]
pub(super) struct Book {
    overrides: Arc<OverridesFile>,
    /// By lower-cased provider id.
    providers: HashMap<String, Known>,
}

/// Under which names the price table and the rules know a provider's models.
#[derive(Debug)]
struct Known {
    prices_of: String,
    deployments: Entries<String>,
}

impl Book {
    pub(super) fn new(overrides: Arc<OverridesFile>, configured: &[Configured]) -> Self {
        let known = |one: &Configured| {
            let known = Known { prices_of: one.prices_of.clone(), deployments: one.deployments.clone() };
            (one.provider.id.to_ascii_lowercase(), known)
        };
        Self { overrides, providers: configured.iter().map(known).collect() }
    }

    /// The ids the operator's rules name at a provider.
    pub(super) fn model_ids(&self, provider: &str) -> impl Iterator<Item = &str> {
        self.overrides.providers.get(provider).into_iter().flat_map(|rules| rules.models.iter().map(|(id, _)| id))
    }

    /// Everything known of a model. The price is the operator's, else the built-in row's, else what the provider's
    /// list states, else that of the undated name.
    pub(super) fn model(
        &self,
        provider: &Arc<Provider>,
        id: &str,
        source: ModelSource,
        listed: Option<&ListedModel>,
    ) -> Model {
        let known = self.providers.get(&provider.id.to_ascii_lowercase());
        let prices_of = known.map_or(provider.id.as_str(), |known| &known.prices_of);
        let known_as = known.and_then(|known| known.deployments.get(id)).map_or(id, String::as_str);
        let row = seed::row(prices_of, known_as);

        let mut profile = ModelProfile { id: id.to_owned(), ..ModelProfile::default() };
        if let Some(row) = &row {
            quirks::apply(row.rules, &mut profile);
        }
        if let Some(listed) = listed {
            fill(&mut profile, listed, row.is_some());
        }
        let owner = Owner { provider: &provider.id, model: id };
        let mut price = if provider.local { Some(pricing::local(owner)) } else { table_price(owner, row, listed) };
        let mut enabled = true;
        for rules in
            self.overrides.providers.get(&provider.id).into_iter().flat_map(|rules| quirks::layers(rules, known_as))
        {
            quirks::apply(rules, &mut profile);
            enabled = rules.disabled.map_or(enabled, |disabled| !disabled);
            if let Some(entry) = &rules.price {
                price = Some(pricing::from_entry(owner, "overrides.yaml", entry));
            }
        }
        Model {
            provider: provider.clone(),
            profile,
            price: price.map(Arc::new),
            enabled,
            source,
            created: listed.and_then(|listed| listed.created),
            ollama: listed.and_then(|listed| listed.ollama.clone()),
        }
    }
}

/// Takes from the provider's list what the built-in row leaves open.
fn fill(profile: &mut ModelProfile, listed: &ListedModel, has_row: bool) {
    profile.capabilities = profile.capabilities.or(listed.capabilities);
    profile.context_length = profile.context_length.or(listed.context_length);
    profile.max_output = profile.max_output.or(listed.max_output);
    if let (Some(kind), false) = (listed.kind, has_row) {
        profile.kind = kind;
    }
}

fn table_price(owner: Owner<'_>, row: Option<seed::Row>, listed: Option<&ListedModel>) -> Option<Price> {
    let from_list = || pricing::from_list(owner, listed?.price.as_ref()?);
    let from_row = |row: &seed::Row| {
        row.rules.price.as_ref().map(|entry| pricing::from_entry(owner, &seed::price_source(), entry))
    };
    match row {
        Some(row) if row.is_exact => from_row(&row).or_else(from_list),
        Some(row) => from_list().or_else(|| from_row(&row)),
        None => from_list(),
    }
}
