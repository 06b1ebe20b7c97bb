//! An entry, of whichever kind, as checks look at it.

use super::Catalog;
use crate::config::{AliasEntry, Definition, ModelEntry, RedirectEntry, RouterEntry, Setting, StoredProvider};
use crate::entry_kind::EntryKind;

/// What a name of a catalog means.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// Another name.
    Alias(&'a AliasEntry),
    /// What replaces the name.
    Redirect(&'a RedirectEntry),
    /// A smart router.
    Router(&'a RouterEntry),
    /// A provider.
    Provider(&'a StoredProvider),
    /// What is said of a model.
    Model(&'a ModelEntry),
    /// A setting, one of which names a model.
    Setting(&'a Setting),
}

impl Entry<'_> {
    /// What it is.
    pub fn kind(self) -> EntryKind {
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

impl<'a> From<&'a Definition> for Entry<'a> {
    fn from(definition: &'a Definition) -> Self {
        match definition {
            Definition::Alias(entry) => Self::Alias(entry),
            Definition::Redirect(entry) => Self::Redirect(entry),
            Definition::Router(entry) => Self::Router(entry),
            Definition::Provider(entry) => Self::Provider(entry),
            Definition::Model(entry) => Self::Model(entry),
            Definition::Setting(setting) => Self::Setting(setting),
        }
    }
}

impl Catalog {
    /// Every name that leads somewhere, with its entry: aliases, redirects, routers.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, Entry<'_>)> {
        let aliases = self.aliases.iter().map(|named| (named.name.as_str(), Entry::Alias(&named.entry)));
        let redirects = self.redirects.iter().map(|named| (named.name.as_str(), Entry::Redirect(&named.entry)));
        let routers = self.routers.iter().map(|named| (named.name.as_str(), Entry::Router(&named.entry)));
        aliases.chain(redirects).chain(routers)
    }
}
