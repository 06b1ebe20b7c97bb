//! What can be called: providers, models, aliases, redirects, routers and prices, as one immutable [`Catalog`].
//!
//! A request takes one snapshot at its start and uses it to its end; edits, file changes and discovery swap in a new one.
//! Start at [`Catalog`]; `load` builds it from configuration, seed data and what providers listed.

mod book;
mod check;
mod configure;
mod edit;
mod entry;
mod facts;
#[cfg(test)]
pub(crate) mod fixture;
mod listing;
mod load;
mod lookup;
mod model;
mod names;
mod passed_through;
mod price;
mod price_list;
mod pricing;
mod provider;
mod provider_check;
mod quirks;
mod said_of_model;
mod seed;
mod sync;
mod table;
mod used_by;

pub use check::MAX_REDIRECTS;
pub use edit::{check_change, check_entry, leading_to, leading_to_provider};
pub use entry::Entry;
pub use facts::{Fact, Said, Source};
pub use listing::{Listed, ListedKind};
pub use load::Sources;
pub use lookup::FoundBy;
pub use model::{Model, ModelSource};
pub use names::{Alias, Named, Names, Origin, Redirects, Router, version_of};
pub use price::{Price, PriceTier, TokenPrices};
pub use price_list::{ListRow, PriceList};
pub use provider::{Api, Provider, ProviderOrigin, ProviderState};
pub use provider_check::{KnownProvider, known_providers};
pub use seed::built_in_overrides;
pub use sync::{Difference, Flag, Line, Lists, PriceChange, compare};
pub use table::table;
pub use used_by::User;

use crate::config::{AliasEntry, KeyEntry, RouterEntry};

/// Everything that can be called, and every name that leads there.
#[derive(Debug)]
pub struct Catalog {
    index: lookup::Index,
    book: book::Book,
    aliases: Names<AliasEntry>,
    redirects: Redirects,
    routers: Names<RouterEntry>,
    default_model: Option<String>,
    default_is_stored: bool,
    keys: Vec<KeyEntry>,
    listing: Vec<Listed>,
    passed_through: passed_through::PassedThrough,
}

impl Catalog {
    /// Aliases by name.
    pub fn aliases(&self) -> &Names<AliasEntry> {
        &self.aliases
    }

    /// What replaces names before anything else is looked at.
    pub fn redirects(&self) -> &Redirects {
        &self.redirects
    }

    /// Smart routers by name.
    pub fn routers(&self) -> &Names<RouterEntry> {
        &self.routers
    }

    /// What an unknown name becomes.
    pub fn default_model(&self) -> Option<&str> {
        self.default_model.as_deref()
    }

    /// `relay.yaml` says what that is, so it cannot be changed anywhere else.
    pub fn default_is_the_files(&self) -> bool {
        self.default_model.is_some() && !self.default_is_stored
    }

    /// Keys of clients that `relay.yaml` names.
    pub fn keys(&self) -> &[KeyEntry] {
        &self.keys
    }

    /// What lists of models show, made once: routers, aliases, then `provider/model` of all that can be called.
    pub fn listing(&self) -> &[Listed] {
        &self.listing
    }
}

#[cfg(test)]
mod tests;
