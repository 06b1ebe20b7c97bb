//! Catalogs for tests, built from the texts an operator would write.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Catalog, Sources, built_in_overrides};
use crate::config::{Definition, Definitions, OverridesFile, Problem, RelayFile, Variables};
use crate::entry_kind::EntryKind;
use crate::protocol::ListedModel;

/// What a test says; the rest is empty, or built in.
#[derive(Default)]
pub(crate) struct Fixture<'a> {
    /// Environment variables.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// The text of `relay.yaml`.
    pub(crate) relay: &'a str,
    /// The text of `overrides.yaml`.
    pub(crate) overrides: Option<&'a str>,
    /// What the database holds: kind, name, JSON.
    pub(crate) stored: &'a [(EntryKind, &'a str, &'a str)],
    /// Ids a provider listed.
    pub(crate) listed: &'a [(&'a str, &'a [&'a str])],
}

impl Fixture<'_> {
    /// The catalog and every problem.
    pub(crate) fn build(&self) -> (Catalog, Vec<Problem>) {
        let listed = |id: &&str| ListedModel { id: (*id).to_owned(), ..ListedModel::default() };
        let discovered =
            self.listed.iter().map(|(provider, ids)| ((*provider).to_owned(), ids.iter().map(listed).collect()));
        self.build_with(&discovered.collect())
    }

    /// The same with whole list entries.
    pub(crate) fn build_with(&self, discovered: &HashMap<String, Vec<ListedModel>>) -> (Catalog, Vec<Problem>) {
        let variables: Variables = self.variables.iter().copied().collect();
        let relay = RelayFile::parse("relay.yaml", self.relay, &variables).unwrap();
        let overrides = match self.overrides {
            Some(text) => Arc::new(OverridesFile::parse("overrides.yaml", text).unwrap()),
            None => built_in_overrides(),
        };
        let mut stored = Definitions::default();
        for (kind, name, json) in self.stored {
            stored.set(name, Definition::read(*kind, json.as_bytes()).unwrap());
        }
        Catalog::build(&Sources { variables: &variables, relay: &relay, overrides, stored: &stored, discovered })
    }

    /// The catalog, which must be without errors.
    pub(crate) fn catalog(&self) -> Catalog {
        let (catalog, problems) = self.build();
        assert!(problems.iter().all(|problem| !problem.is_error()), "{problems:?}");
        catalog
    }
}
