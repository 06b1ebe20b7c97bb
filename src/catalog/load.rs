//! Builds a [`Catalog`] from everything that feeds it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::book::Book;
use super::configure::{self, Configured};
use super::lookup::Index;
use super::names::{Names, Redirects};
use super::passed_through::PassedThrough;
use super::{Catalog, Model, ModelSource, check, listing, seed};
use crate::config::{Definitions, OverridesFile, Problem, RelayFile, Variables};
use crate::entry_kind::EntryKind;
use crate::protocol::ListedModel;

/// What a catalog is built from.
#[derive(Debug, Clone)]
pub struct Sources<'a> {
    /// Keys and addresses of known providers.
    pub variables: &'a Variables,
    /// `relay.yaml`.
    pub relay: &'a RelayFile,
    /// `overrides.yaml`, or [`super::built_in_overrides`].
    pub overrides: Arc<OverridesFile>,
    /// Aliases, redirects, routers, providers and models of the database.
    pub stored: &'a Definitions,
    /// What providers listed, by provider id in its configured spelling.
    pub discovered: &'a HashMap<String, Vec<ListedModel>>,
}

impl Catalog {
    /// Builds the snapshot, and says what is wrong with what it was built from. When one of the problems is an error
    /// the snapshot must not be used: the entries in question are in it, but lead nowhere.
    pub fn build(sources: &Sources<'_>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let configured =
            configure::providers(sources.variables, sources.relay, &sources.stored.providers, &mut problems);
        let book = Book::new(sources.overrides.clone(), &sources.stored.models, &configured);
        for name in book.of_no_provider() {
            let place = format!("database {}.{name}", EntryKind::Model.section());
            problems.push(Problem::warning(place, "no such provider: this entry is for nothing"));
        }
        for (id, _) in sources.overrides.providers.iter() {
            let is_known = seed::knows(id) || configured.iter().any(|one| one.provider.id.eq_ignore_ascii_case(id));
            if !is_known {
                let place = format!("overrides.yaml providers.{id}");
                problems.push(Problem::warning(place, "no such provider: these rules are for nothing"));
            }
        }
        let models = configured.iter().flat_map(|one| models(one, &book, sources.discovered)).collect();
        let providers = configured.into_iter().map(|one| one.provider).collect();
        let mut catalog = Self {
            index: Index::new(providers, models),
            book,
            aliases: Names::joined(&sources.relay.aliases, &sources.stored.aliases),
            redirects: Redirects::joined(&sources.relay.redirects, &sources.stored.redirects),
            routers: Names::joined(&sources.relay.routers, &sources.stored.routers),
            default_model: sources
                .relay
                .default_model
                .clone()
                .or_else(|| sources.stored.settings.default_model.clone()),
            default_is_stored: sources.relay.default_model.is_none(),
            keys: sources.relay.keys.clone(),
            listing: Vec::new(),
            passed_through: PassedThrough::default(),
        };
        check::names(&catalog, sources.relay, &mut problems);
        problems.extend(also_in_file(sources.relay, sources.stored));
        catalog.listing = listing::build(&catalog);
        (catalog, problems)
    }
}

/// Names of the database that the file gives to something, too. Only one of the two could be reached.
fn also_in_file(relay: &RelayFile, stored: &Definitions) -> Vec<Problem> {
    let aliases = stored.aliases.iter().map(|(name, _)| (EntryKind::Alias, name));
    let redirects = stored.redirects.iter().map(|(name, _)| (EntryKind::Redirect, name));
    let routers = stored.routers.iter().map(|(name, _)| (EntryKind::Router, name));
    let providers = stored.providers.iter().map(|(name, _)| (EntryKind::Provider, name));
    let is_taken = |kind: EntryKind, name: &str| match kind {
        EntryKind::Alias => relay.aliases.get(name).is_some(),
        EntryKind::Redirect => relay.redirects.get(name).is_some(),
        EntryKind::Router => relay.routers.get(name).is_some(),
        EntryKind::Provider => relay.providers.get(name).is_some(),
        EntryKind::Model => false,
        EntryKind::Setting => false,
    };
    let clash = |(kind, name): (EntryKind, &str)| {
        // Aliases and routers share their names; a redirect may have that of either, and comes first.
        let rivals: &[EntryKind] = match kind {
            EntryKind::Alias | EntryKind::Router => &[EntryKind::Router, EntryKind::Alias],
            EntryKind::Redirect => &[EntryKind::Redirect],
            EntryKind::Provider => &[EntryKind::Provider],
            // Laid over what the file says.
            EntryKind::Model => &[],
            // Where files and environment say the same as a setting, they win.
            EntryKind::Setting => &[],
        };
        let rival = rivals.iter().find(|rival| is_taken(**rival, name))?;
        let message =
            format!("the {} `{name}` is in the database too: rename it here, or delete it there", kind.word());
        Some(Problem::error(relay.place(rival.section(), name), message))
    };
    aliases.chain(redirects).chain(routers).chain(providers).filter_map(clash).collect()
}

/// Every model of a provider: the built-in ones, the files', the listed ones; each id once. The list's spelling counts,
/// else the first one.
fn models(one: &Configured, book: &Book, discovered: &HashMap<String, Vec<ListedModel>>) -> Vec<Arc<Model>> {
    let provider = &one.provider;
    let listed = discovered.get(&provider.id).map_or(&[][..], Vec::as_slice);
    let by_id: HashMap<String, &ListedModel> =
        listed.iter().map(|model| (model.id.to_ascii_lowercase(), model)).collect();

    let from_files = one.models.iter().map(String::as_str).chain(one.deployments.iter().map(|(id, _)| id));
    let from_files = from_files.chain(book.model_ids(&provider.id)).map(|id| (id, ModelSource::File));
    let from_store = book.stored_ids(&provider.id).map(|id| (id, ModelSource::Stored));
    // The table of another provider says what models of a name cost, not which ones there are.
    let from_seed = seed::model_ids(&one.prices_of).filter(|_| one.prices_of.eq_ignore_ascii_case(&provider.id));
    let from_seed = from_seed.map(|id| (id, ModelSource::Seed));
    let from_list = listed.iter().map(|model| (model.id.as_str(), ModelSource::Discovered));

    let mut seen = HashSet::new();
    from_seed
        .chain(from_files)
        .chain(from_list)
        .chain(from_store)
        .filter(|(id, _)| seen.insert(id.to_ascii_lowercase()))
        .map(|(id, source)| {
            let listed = by_id.get(&id.to_ascii_lowercase()).copied();
            // The provider's own spelling goes on the wire.
            let id = listed.map_or(id, |listed| &listed.id);
            Arc::new(book.model(provider, id, source, listed))
        })
        .collect()
}
