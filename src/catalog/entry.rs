//! An entry, of whichever kind, as checks look at it.

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
