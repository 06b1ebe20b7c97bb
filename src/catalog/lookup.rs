//! Finding providers and models. Names are compared ASCII-case-insensitively; an id may hold `/`, `:` and `@`.

use std::collections::HashMap;
use std::sync::Arc;

use super::names::folded;
use super::{Catalog, Model, ModelSource, Provider, ProviderState};
use crate::protocol::Protocol;

/// Providers and models in catalogue order, with the ways to find them.
#[derive(Debug)]
pub(super) struct Index {
    providers: Vec<Arc<Provider>>,
    models: Vec<Arc<Model>>,
    provider_by_id: HashMap<String, usize>,
    /// By `provider/model`.
    model_by_name: HashMap<String, usize>,
    /// By the bare id, in catalogue order.
    models_by_id: HashMap<String, Vec<usize>>,
}

impl Index {
    pub(super) fn new(providers: Vec<Arc<Provider>>, models: Vec<Arc<Model>>) -> Self {
        let ids = providers.iter().enumerate().map(|(at, provider)| (provider.id.to_ascii_lowercase(), at));
        let provider_by_id = ids.collect();
        let mut model_by_name = HashMap::new();
        let mut models_by_id: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, model) in models.iter().enumerate() {
            model_by_name.insert(model.name().to_ascii_lowercase(), at);
            models_by_id.entry(model.profile.id.to_ascii_lowercase()).or_default().push(at);
        }
        // At Ollama a name without a tag means `:latest`; a model that really has the short name comes first.
        for (at, model) in models.iter().enumerate().filter(|(_, model)| model.provider.protocol == Protocol::Ollama) {
            let id = model.profile.id.to_ascii_lowercase();
            if let Some(short) = id.strip_suffix(":latest") {
                let provider = model.provider.id.to_ascii_lowercase();
                model_by_name.entry(format!("{provider}/{short}")).or_insert(at);
                models_by_id.entry(short.to_owned()).or_default().push(at);
            }
        }
        for found in models_by_id.values_mut() {
            found.sort_unstable();
        }
        Self { providers, models, provider_by_id, model_by_name, models_by_id }
    }
}

/// How a model was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// The name carries its provider.
    Prefix,
    /// A provider knows the bare name.
    Search,
}

impl Catalog {
    /// Every provider, also those that cannot be called, in catalogue order.
    pub fn providers(&self) -> &[Arc<Provider>] {
        &self.index.providers
    }

    /// The provider of an id.
    pub fn provider(&self, id: &str) -> Option<&Arc<Provider>> {
        self.index.provider_by_id.get(&*folded(id)).map(|&at| &self.index.providers[at])
    }

    /// Every model that is known, also those that cannot be called, in catalogue order.
    pub fn models(&self) -> &[Arc<Model>] {
        &self.index.models
    }

    /// A known model by its provider and id.
    pub fn model(&self, provider: &str, id: &str) -> Option<&Arc<Model>> {
        let mut name = [provider, "/", id].concat();
        name.make_ascii_lowercase();
        self.index.model_by_name.get(&name).map(|&at| &self.index.models[at])
    }

    /// The known models of a bare id, in catalogue order.
    pub fn find_bare<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<Model>> + use<'a> {
        let found = self.index.models_by_id.get(&*folded(id));
        found.into_iter().flatten().map(|&at| &self.index.models[at])
    }

    /// The known model a name means: `provider/model`, `provider-model`, or a bare id searched in catalogue order.
    ///
    /// A model that can be called comes before one that cannot; the latter is given back all the same, so that the
    /// reason can be told. One that was switched off under its full name hides those of the same name elsewhere.
    pub fn find(&self, name: &str) -> Option<(Arc<Model>, FoundBy)> {
        let mut second_best = None;
        if let Some((provider, id)) = self.split_prefix(name) {
            match self.model(&provider.id, id) {
                Some(model) if model.is_callable() || !model.misses_key() => {
                    return Some((model.clone(), FoundBy::Prefix));
                }
                Some(model) => second_best = Some((model.clone(), FoundBy::Prefix)),
                // The name says where to go, and new models appear daily: it is not searched elsewhere.
                None if provider.is_ready() => return None,
                None => {}
            }
        }
        let dashed = self.index.providers.iter().filter_map(|provider| {
            let start = name.get(..provider.id.len())?;
            let id = name[provider.id.len()..].strip_prefix('-')?;
            if start.eq_ignore_ascii_case(&provider.id) { self.model(&provider.id, id) } else { None }
        });
        let dashed = dashed.map(|model| (model, FoundBy::Prefix));
        let bare = self.find_bare(name).map(|model| (model, FoundBy::Search));
        for (model, by) in dashed.chain(bare) {
            if model.is_callable() {
                return Some((model.clone(), by));
            }
            second_best.get_or_insert((model.clone(), by));
        }
        second_best
    }

    /// A model nobody listed, named with its provider's prefix: what rules and price table say of such a name.
    pub fn pass_through(&self, name: &str) -> Option<Arc<Model>> {
        let (provider, id) = self.split_prefix(name)?;
        Some(self.passed_through.get_or_make(name, || self.make_unlisted(provider, id)))
    }

    /// A model of a provider that nobody listed.
    pub fn unlisted(&self, provider: &Arc<Provider>, id: &str) -> Arc<Model> {
        Arc::new(self.make_unlisted(provider, id))
    }

    fn make_unlisted(&self, provider: &Arc<Provider>, id: &str) -> Model {
        self.book.model(provider, id, ModelSource::PassedThrough, None)
    }

    /// `provider/model` taken apart, where the provider is one of ours.
    pub fn split_prefix<'a>(&self, name: &'a str) -> Option<(&Arc<Provider>, &'a str)> {
        let (prefix, id) = name.split_once('/')?;
        let provider = self.provider(prefix.trim())?;
        let id = id.trim();
        (!id.is_empty()).then_some((provider, id))
    }
}

impl Model {
    /// Whether it is switched on and its provider has all it needs.
    pub fn is_callable(&self) -> bool {
        self.enabled && self.provider.is_ready()
    }

    /// Whether a key is all that is missing.
    fn misses_key(&self) -> bool {
        self.enabled && matches!(self.provider.state, ProviderState::NoKey(_))
    }
}
