//! What an operator gives a name to, of whichever kind.

use serde::{Deserialize, Serialize};

use super::entries::ShortOrFull;
use super::{AliasEntry, Entries, LiveSettings, ModelEntry, RedirectEntry, RouterEntry, Setting, StoredProvider};
use crate::entry_kind::EntryKind;

/// What stands under a name. Its JSON is the same as its YAML in `relay.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Definition {
    /// Under `aliases`.
    Alias(AliasEntry),
    /// Under `redirects`.
    Redirect(RedirectEntry),
    /// Under `routers`.
    Router(Box<RouterEntry>),
    /// Under `providers`.
    Provider(Box<StoredProvider>),
    /// Under a model's name. Files have no such section: `overrides.yaml` says more, and per provider.
    Model(Box<ModelEntry>),
    /// A setting, which says its name itself.
    Setting(Setting),
}

impl Definition {
    /// Reads one of a kind. As in the file, an alias or a redirect may be its target alone.
    ///
    /// # Errors
    /// serde's own, which names keys and types and ends with the place.
    pub fn read(kind: EntryKind, json: &[u8]) -> Result<Self, serde_json::Error> {
        fn short_or_full<'de, T: Deserialize<'de> + From<String>>(json: &'de [u8]) -> Result<T, serde_json::Error> {
            serde_json::from_slice::<ShortOrFull<T>>(json).map(|entry| entry.0)
        }
        Ok(match kind {
            EntryKind::Alias => Self::Alias(short_or_full(json)?),
            EntryKind::Redirect => Self::Redirect(short_or_full(json)?),
            EntryKind::Router => Self::Router(serde_json::from_slice(json)?),
            EntryKind::Provider => Self::Provider(serde_json::from_slice(json)?),
            EntryKind::Model => Self::Model(serde_json::from_slice(json)?),
            EntryKind::Setting => Self::Setting(serde_json::from_slice(json)?),
        })
    }

    /// What it is.
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Alias(_) => EntryKind::Alias,
            Self::Redirect(_) => EntryKind::Redirect,
            Self::Router(_) => EntryKind::Router,
            Self::Provider(_) => EntryKind::Provider,
            Self::Model(_) => EntryKind::Model,
            Self::Setting(_) => EntryKind::Setting,
        }
    }
}

/// Named entries of every kind.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// Aliases by name.
    pub aliases: Entries<AliasEntry>,
    /// Redirects by the name or pattern they replace.
    pub redirects: Entries<RedirectEntry>,
    /// Smart routers by name.
    pub routers: Entries<RouterEntry>,
    /// Providers by id.
    pub providers: Entries<StoredProvider>,
    /// What is said of models, by `provider/model`.
    pub models: Entries<ModelEntry>,
    /// Settings, those nobody has set with their defaults.
    pub settings: LiveSettings,
}

impl Definitions {
    /// Gives a name this meaning, in place of the one it had among those of the same kind.
    pub fn set(&mut self, name: &str, definition: Definition) {
        match definition {
            Definition::Alias(entry) => self.aliases.set(name, entry),
            Definition::Redirect(entry) => self.redirects.set(name, entry),
            Definition::Router(entry) => self.routers.set(name, *entry),
            Definition::Setting(setting) => self.settings.set(setting),
            Definition::Provider(entry) => self.providers.set(name, *entry),
            Definition::Model(entry) => self.models.set(name, *entry),
        }
    }

    /// Takes a name out of those of a kind.
    pub fn remove(&mut self, kind: EntryKind, name: &str) {
        match kind {
            EntryKind::Alias => self.aliases.remove(name),
            EntryKind::Redirect => self.redirects.remove(name),
            EntryKind::Router => self.routers.remove(name),
            EntryKind::Provider => self.providers.remove(name),
            EntryKind::Model => self.models.remove(name),
            EntryKind::Setting => self.settings.unset(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_what_it_wrote_and_short_forms_too() {
        let router = r#"{"designator":"a","candidates":["b","c"],"fallback":"b"}"#;
        for (kind, text) in [
            (EntryKind::Alias, r#""openai/gpt-4o""#),
            (EntryKind::Alias, r#"{"target":"a","tags":["t"],"description":"d"}"#),
            (EntryKind::Redirect, r#""b*""#),
            (EntryKind::Redirect, r#"{"target":"a"}"#),
            (EntryKind::Router, router),
            (EntryKind::Model, r#"{"hidden":true,"price":{"input":0.075,"tier":{"above":9,"output":"3"}}}"#),
            (EntryKind::Setting, r#"{"default_model":null}"#),
        ] {
            let definition = Definition::read(kind, text.as_bytes()).unwrap();
            assert_eq!(definition.kind(), kind);
            let again = Definition::read(kind, &serde_json::to_vec(&definition).unwrap()).unwrap();
            assert_eq!(again, definition);
        }
        let error = Definition::read(EntryKind::Redirect, b"{\n\"target\": \"a\", \"x\": 1}").unwrap_err();
        assert_eq!(error.line(), 2, "{error}");
        assert!(Definition::read(EntryKind::Router, br#""openai/gpt-4o""#).is_err());
    }
}
