//! Entries of the database: read, checked, put into force.

use std::sync::PoisonError;

use super::{Configuration, build};
use crate::admin::InForce;
use crate::catalog::check_router;
use crate::config::{Entries, Problem, RouterEntry};
use crate::store::entries::{self, EntryKind, StoredEntry};
use crate::store::{Conn, StoreError};

/// The routers among them that can be read, and what is wrong with the others.
pub(super) fn read(stored: &[StoredEntry]) -> (Entries<RouterEntry>, Vec<Problem>) {
    let mut problems = Vec::new();
    let routers = stored.iter().filter_map(|stored| match serde_json::from_str(&stored.definition) {
        Ok(entry) => Some((stored.name.clone(), entry)),
        Err(error) => {
            let message = format!("cannot be read, so there is no such router: {error}; save it anew, or delete it");
            problems.push(Problem::warning(format!("database routers.{}", stored.name), message));
            None
        }
    });
    let routers = routers.collect();
    (routers, problems)
}

impl Configuration {
    /// Reads the entries and, if they have changed, puts them into force. What is wrong with one is logged and stops that
    /// entry only. Blocks.
    ///
    /// # Errors
    /// When the database cannot be read; what is in force stays.
    pub(in crate::app) fn follow_entries(&self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        let _turn = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = entries::list(conn, EntryKind::Router)?;
        let mut parts = self.parts();
        if parts.stored_routers == stored {
            return Ok(());
        }
        let (routers, unreadable) = read(&stored);
        parts.routers = routers;
        parts.stored_routers = stored;
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
    fn place(&self, section: &str, name: &str) -> String {
        self.parts().relay.place(section, name)
    }

    fn check_router(&self, name: &str, entry: &RouterEntry) -> Vec<Problem> {
        let catalog = self.catalog.load();
        let lists_are_in = {
            let parts = self.parts();
            let asked = catalog.providers().iter().filter(|provider| provider.is_ready() && provider.discover);
            asked.into_iter().all(|provider| parts.discovered.contains_key(&provider.id))
        };
        check_router(&catalog, name, entry, lists_are_in)
    }

    fn follow(&self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        self.follow_entries(conn)
    }
}
