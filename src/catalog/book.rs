//! Makes models: the built-in row, what the provider listed, the operator's rules, and what was said of the model on the
//! admin listener, laid on each other.

use std::collections::HashMap;
use std::sync::Arc;

use super::configure::Configured;
use super::names::folded;
use super::pricing::{self, Owner};
use super::quirks::Part;
use super::{Model, ModelSource, Price, Provider, quirks, seed};
use crate::config::{Entries, ModelEntry, ModelRules, OverridesFile};
use crate::protocol::{ListedModel, ModelProfile};

/// The rules models are made by. It outlives the building of the catalog, as models that nobody listed are made when
/// they are asked for.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) overrides: Arc<OverridesFile>,
    /// By lower-cased provider id.
    providers: HashMap<String, Known>,
    of_no_provider: Vec<String>,
}

/// The source of a price that was written by hand on the admin listener.
const BY_HAND: &str = "admin page";

/// Under which names the price table and the rules know a provider's models.
#[derive(Debug)]
struct Known {
    prices_of: String,
    deployments: Entries<String>,
    /// What was said of models on the admin listener, by lower-cased id: there may be thousands.
    stored: HashMap<String, (String, ModelEntry)>,
}

impl Book {
    pub(super) fn new(overrides: Arc<OverridesFile>, stored: &Entries<ModelEntry>, configured: &[Configured]) -> Self {
        let known = |one: &Configured| {
            let (prices_of, deployments) = (one.prices_of.clone(), one.deployments.clone());
            (one.provider.id.to_ascii_lowercase(), Known { prices_of, deployments, stored: HashMap::new() })
        };
        let mut providers: HashMap<String, Known> = configured.iter().map(known).collect();
        let mut of_no_provider = Vec::new();
        for (name, entry) in stored.iter() {
            let parts = name.split_once('/').map(|(provider, id)| (provider.trim().to_ascii_lowercase(), id.trim()));
            match parts.and_then(|(provider, id)| Some((providers.get_mut(&provider)?, id))) {
                Some((known, id)) => {
                    known.stored.insert(id.to_ascii_lowercase(), (id.to_owned(), entry.clone()));
                }
                None => of_no_provider.push(name.to_owned()),
            }
        }
        Self { overrides, providers, of_no_provider }
    }

    /// What is said of models of providers that do not exist.
    pub(super) fn of_no_provider(&self) -> &[String] {
        &self.of_no_provider
    }

    /// The ids that were named at a provider on the admin listener.
    pub(super) fn stored_ids(&self, provider: &str) -> impl Iterator<Item = &str> {
        let known = self.known(provider);
        let mut ids: Vec<_> = known.into_iter().flat_map(|known| known.stored.values()).map(|(id, _)| &**id).collect();
        // A hash map has no order of its own, and lists must not change theirs.
        ids.sort_unstable();
        ids.into_iter()
    }

    /// What was said of a model on the admin listener.
    pub(super) fn stored(&self, provider: &str, id: &str) -> Option<&ModelEntry> {
        self.known(provider)?.stored.get(&id.to_ascii_lowercase()).map(|(_, entry)| entry)
    }

    /// The names under which price tables know a model: the provider's, and the model's own.
    pub(super) fn known_as<'a>(&'a self, provider: &'a str, id: &'a str) -> (&'a str, &'a str) {
        let known = self.known(provider);
        let prices_of = known.map_or(provider, |known| &known.prices_of);
        (prices_of, known.and_then(|known| known.deployments.get(id)).map_or(id, String::as_str))
    }

    fn known(&self, provider: &str) -> Option<&Known> {
        self.providers.get(&*folded(provider))
    }

    /// The operator's rules that hold for a model, weakest first.
    pub(super) fn rules<'a>(
        &'a self,
        provider: &str,
        known_as: &'a str,
    ) -> impl Iterator<Item = (Part<'a>, &'a ModelRules)> {
        self.overrides.providers.get(provider).into_iter().flat_map(move |rules| quirks::layers(rules, known_as))
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
        let (prices_of, known_as) = self.known_as(&provider.id, id);
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
        for (_, rules) in self.rules(&provider.id, known_as) {
            quirks::apply(rules, &mut profile);
            enabled = rules.disabled.map_or(enabled, |disabled| !disabled);
            if let Some(entry) = &rules.price {
                price = Some(pricing::from_entry(owner, "overrides.yaml", entry));
            }
        }
        let stored = self.stored(&provider.id, id);
        if let Some(entry) = stored {
            quirks::apply_stored(entry, &mut profile);
            enabled = entry.disabled.map_or(enabled, |disabled| !disabled);
            if let Some(stated) = &entry.price {
                price = Some(pricing::from_entry(owner, entry.price_source.as_deref().unwrap_or(BY_HAND), stated));
            }
        }
        Model {
            provider: provider.clone(),
            profile,
            price: price.map(Arc::new),
            enabled,
            hidden: stored.is_some_and(|entry| entry.hidden),
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
