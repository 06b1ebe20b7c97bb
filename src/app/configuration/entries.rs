//! Entries of the database: read, checked, put into force.

use std::sync::PoisonError;

use super::{Configuration, build, build_with};
use crate::admin::InForce;
use crate::catalog::{Catalog, Entry, check_change, check_entry};
use crate::config::{Definition, Definitions, Problem};
use crate::entry_kind::EntryKind;
use crate::store::entries::{self, StoredEntry};
use crate::store::{Conn, StoreError};

/// Those among them that can be read, and what is wrong with the others.
pub(super) fn read(stored: &[StoredEntry]) -> (Definitions, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut definitions = Definitions::default();
    for entry in stored {
        match Definition::read(entry.kind, entry.definition.as_bytes()) {
            Ok(definition) => definitions.set(&entry.name, definition),
            Err(error) => {
                let kind = entry.kind.word();
                let message =
                    format!("cannot be read, so there is no such {kind}: {error}; save it anew, or delete it");
                let place = format!("database {}.{}", entry.kind.section(), entry.name);
                problems.push(Problem::warning(place, message));
            }
        }
    }
    (definitions, problems)
}

impl Configuration {
    /// Reads the entries and, if they have changed, puts them into force. What is wrong with one is logged and stops that
    /// entry only. Blocks.
    ///
    /// # Errors
    /// When the database cannot be read; what is in force stays.
    pub(in crate::app) fn follow_entries(&self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        let _turn = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = entries::list(conn)?;
        let mut parts = self.parts();
        if parts.stored_entries == stored {
            return Ok(());
        }
        let (definitions, unreadable) = read(&stored);
        parts.stored = definitions;
        parts.stored_entries = stored;
        let (catalog, mut problems) = build(&self.variables, &parts);
        problems.extend(unreadable);
        // Where files and database have the same name, which only another process can bring about, the file's counts.
        for problem in problems.iter().filter(|problem| problem.is_error() || problem.place.starts_with("database ")) {
            tracing::warn!(place = %problem.place, problem = %problem.message, "problem with the database's entries");
        }
        self.catalog.store(std::sync::Arc::new(catalog));
        Ok(())
    }
}

impl InForce for Configuration {
    fn place(&self, kind: EntryKind, name: &str) -> String {
        self.parts().relay.place(kind.section(), name)
    }

    fn check(&self, name: &str, entry: Entry<'_>) -> Vec<Problem> {
        let catalog = self.catalog.load();
        let lists_are_in = self.lists_are_in(&catalog);
        check_entry(&catalog, name, entry, lists_are_in)
    }

    fn check_change(&self, name: &str, definition: &Definition) -> Vec<Problem> {
        let catalog = self.catalog.load();
        let lists_are_in = self.lists_are_in(&catalog);
        let parts = self.parts();
        let mut stored = parts.stored.clone();
        stored.set(name, definition.clone());
        let (changed, _) = build_with(&self.variables, &parts, &stored);
        check_change(&catalog, &changed, name, definition, lists_are_in)
    }

    fn follow(&self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        self.follow_entries(conn)
    }
}

impl Configuration {
    /// Whether every provider that can be asked for its models has answered.
    fn lists_are_in(&self, catalog: &Catalog) -> bool {
        let parts = self.parts();
        let mut asked = catalog.providers().iter().filter(|provider| provider.is_ready() && provider.discover);
        asked.all(|provider| parts.discovered.contains_key(&provider.id))
    }
}
