//! A model at a provider.

use std::sync::Arc;

use serde_json::Value;

use super::{Price, Provider};
use crate::protocol::ModelProfile;

/// A model at a provider, with everything known about it.
#[derive(Debug, Clone)]
pub struct Model {
    /// Where it runs.
    pub provider: Arc<Provider>,
    /// Id, abilities, limits and quirks, as codecs need them.
    pub profile: ModelProfile,
    /// What it costs; `None` is "not known", and a request to it costs `null`, not zero.
    pub price: Option<Arc<Price>>,
    /// `false`: switched off by the operator; asking for it is an error that says so.
    pub enabled: bool,
    /// Left out of lists of models; it can be called all the same.
    pub hidden: bool,
    /// How we know of it.
    pub source: ModelSource,
    /// Unix seconds, where known.
    pub created: Option<i64>,
    /// Ollama's own entry (size, digest, details), shown to Ollama clients as it is.
    pub ollama: Option<Value>,
}

/// How we know of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelSource {
    /// The built-in table.
    Seed,
    /// `relay.yaml` or `overrides.yaml`.
    File,
    /// The provider's own list.
    Discovered,
    /// Named on the admin listener.
    Stored,
    /// Nobody listed it: the client named it with its provider's prefix.
    PassedThrough,
}

impl Model {
    /// The name clients use: `provider/model`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider.id, self.profile.id)
    }
}
