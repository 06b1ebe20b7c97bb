//! What an operator can give a name to.

use serde::{Deserialize, Serialize};

/// The kind of a named entry. Its words are those of `relay.yaml`, the admin API and the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// Another name for a model, a router or an alias.
    Alias,
    /// What replaces a name before anything else is looked at.
    Redirect,
    /// A smart router.
    Router,
    /// A provider.
    Provider,
    /// What is said of a model beside files and lists.
    Model,
    /// A setting that is changed while the relay runs.
    Setting,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Alias, Self::Redirect, Self::Router, Self::Provider, Self::Model, Self::Setting];

    /// One of it: `alias`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Alias => "alias",
            Self::Redirect => "redirect",
            Self::Router => "router",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Setting => "setting",
        }
    }

    /// One of it, with its article: `an alias`.
    pub fn one(self) -> &'static str {
        match self {
            Self::Alias => "an alias",
            Self::Redirect => "a redirect",
            Self::Router => "a router",
            Self::Provider => "a provider",
            Self::Model => "a model's entry",
            Self::Setting => "a setting",
        }
    }

    /// All of them, as the section of `relay.yaml` and the path of the API are called: `aliases`.
    pub fn section(self) -> &'static str {
        match self {
            Self::Alias => "aliases",
            Self::Redirect => "redirects",
            Self::Router => "routers",
            Self::Provider => "providers",
            Self::Model => "models",
            Self::Setting => "settings",
        }
    }

    /// The kind of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}
