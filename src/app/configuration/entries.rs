//! Entries of the database: read, checked, put into force.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use super::super::watch::price_rows;
use super::providers::{Opening, leads_to};
use super::{Configuration, Parts, build, build_with};
use crate::admin::{ConfiguredKey, FilesRead, InForce};
use crate::catalog::{Catalog, Entry, check_change, check_entry, leading_to_provider};
use crate::clock::UnixMillis;
use crate::config::{ConfiguredPath, Definition, Definitions, Entries, LiveSettings, Problem, StoredProvider};
use crate::entry_kind::EntryKind;
use crate::protocol::ListedModel;
use crate::secret::Secret;
use crate::store::entries::{self, StoredEntry};
use crate::store::{Conn, StoreError, prices, sealed_keys};
use crate::vault::{Sealed, VaultError};

/// Those among them that can be read, and what is wrong with the others.
pub(super) fn read(stored: &[StoredEntry], opening: &Opening<'_>) -> (Definitions, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut definitions = Definitions::default();
    for entry in stored {
        match Definition::read(entry.kind, entry.definition.as_bytes()) {
            Ok(mut definition) => {
                if let Definition::Provider(provider) = &mut definition {
                    opening.complete(provider);
                    let fault = provider.fault.clone();
                    problems.extend(fault.map(|fault| Problem::warning(place(entry), fault)));
                }
                definitions.set(&entry.name, definition);
            }
            Err(error) => {
                let kind = entry.kind.word();
                let message =
                    format!("cannot be read, so there is no such {kind}: {error}; save it anew, or delete it");
                problems.push(Problem::warning(place(entry), message));
            }
        }
    }
    (definitions, problems)
}

fn place(entry: &StoredEntry) -> String {
    format!("database {}.{}", entry.kind.section(), entry.name)
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
        if self.parts().stored_entries == stored {
            return Ok(());
        }
        let sealed = sealed_keys::list(conn)?;
        let (definitions, unreadable) = read(&stored, &Opening::new(&self.vault, &sealed, self.own.get().copied()));
        let mut parts = self.parts();
        let providers_changed = forget_changed_providers(&mut parts, &definitions);
        parts.stored = definitions;
        parts.stored_entries = stored;
        let (catalog, mut problems) = build(&self.variables, &parts);
        problems.extend(unreadable);
        // Where files and database have the same name, which only another process can bring about, the file's counts.
        for problem in problems.iter().filter(|problem| problem.is_error() || problem.place.starts_with("database ")) {
            tracing::warn!(place = %problem.place, problem = %problem.message, "problem with the database's entries");
        }
        let rows = price_rows(&catalog);
        self.catalog.store(Arc::new(catalog));
        if providers_changed {
            // Whoever asks providers for their models looks at the catalog at once, so not before it is in force.
            self.changed.notify_one();
        }
        self.follow_settings(&parts.stored.settings);
        // A price that was set a moment ago is the one in force from now on, and its row is there for the next record.
        prices::remember_prices(conn, &rows, UnixMillis::now())?;
        Ok(())
    }

    /// The relay's own address is known from now on. What the database has at this address is kept out.
    pub(in crate::app) fn at_address(&self, own: SocketAddr, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        // Whoever comes second has the same one.
        let _ = self.own.set(own);
        self.parts().stored_entries.clear();
        self.follow_entries(conn)
    }
}

/// Forgets what was known of providers that are new or others than before, and says whether there are any: they have to be
/// asked for their models.
fn forget_changed_providers(parts: &mut Parts, definitions: &Definitions) -> bool {
    let (old, new) = (&parts.stored.providers, &definitions.providers);
    let ids = old.iter().chain(new.iter()).map(|(id, _)| id);
    let changed: Vec<String> = ids.filter(|id| old.get(id) != new.get(id)).map(str::to_owned).collect();
    for id in &changed {
        let lists = |from: &Entries<StoredProvider>| {
            from.get(id).map(|one| (one.entry.base_url.clone(), one.entry.protocol, one.entry.discover))
        };
        if lists(old) != lists(new) {
            parts.discovered.retain(|other, _| !other.eq_ignore_ascii_case(id));
        }
        parts.unreachable.retain(|other, _| !other.eq_ignore_ascii_case(id));
    }
    !changed.is_empty()
}

impl InForce for Configuration {
    fn place(&self, kind: EntryKind, name: &str) -> String {
        match kind {
            // Stands in the file without a section around it.
            EntryKind::Setting => self.parts().relay.place(name, ""),
            EntryKind::Alias | EntryKind::Redirect | EntryKind::Router | EntryKind::Provider | EntryKind::Model => {
                self.parts().relay.place(kind.section(), name)
            }
        }
    }

    fn check(&self, name: &str, entry: Entry<'_>) -> Vec<Problem> {
        let catalog = self.catalog.load();
        let lists_are_in = self.lists_are_in(&catalog);
        check_entry(&catalog, name, entry, lists_are_in)
    }

    fn check_change(&self, name: &str, definition: &Definition) -> Vec<Problem> {
        let catalog = self.catalog.load();
        let lists_are_in = self.lists_are_in(&catalog);
        let changed = self.with_change(definition.kind(), name, Some(definition));
        let mut problems = Vec::from_iter(self.leads_to_itself(name, definition));
        problems.extend(check_change(&catalog, &changed, name, definition, lists_are_in));
        problems
    }

    fn with_change(&self, kind: EntryKind, name: &str, definition: Option<&Definition>) -> Catalog {
        let parts = self.parts();
        let mut stored = parts.stored.clone();
        match definition {
            Some(definition) => stored.set(name, definition.clone()),
            None => stored.remove(kind, name),
        }
        if let (EntryKind::Provider, Some(provider)) = (kind, stored.providers.get_mut(name)) {
            // Nobody is called by this catalog: what counts is that there is a key.
            provider.entry.api_key = provider.key.as_ref().map(|key| Secret::new(&*key.id));
        }
        build_with(&self.variables, &parts, &stored).0
    }

    fn leading_to_provider(&self, id: &str) -> Vec<String> {
        let catalog = self.catalog.load();
        let lists_are_in = self.lists_are_in(&catalog);
        leading_to_provider(&catalog, &self.with_change(EntryKind::Provider, id, None), lists_are_in)
    }

    fn seal(&self, id: &str, secret: &Secret) -> Result<Sealed, VaultError> {
        self.vault.seal(id, secret)
    }

    fn failing(&self, provider: &str) -> Option<(UnixMillis, String)> {
        self.parts().unreachable.get(provider).cloned()
    }

    fn listed(&self, provider: &str, models: Result<Vec<ListedModel>, String>) {
        match models {
            Ok(models) => self.discovered(vec![(provider.to_owned(), Some(models))]),
            Err(reason) => self.note_unreachable(provider, &reason),
        }
    }

    fn instances_changed(&self) {
        self.instances_changed.notify_one();
    }

    fn check_all(&self, definitions: &Definitions) -> Vec<Problem> {
        let (_, problems) = build_with(&self.variables, &self.parts(), definitions);
        problems
    }

    fn settings(&self) -> Arc<LiveSettings> {
        self.live()
    }

    fn tidy(&self) {
        self.tidying_wanted.notify_one();
    }

    fn files(&self) -> ([ConfiguredPath; 2], FilesRead) {
        (self.files.clone(), self.parts().read.clone())
    }

    fn follow(&self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        self.follow_entries(conn)
    }

    fn configured_keys(&self) -> Vec<ConfiguredKey> {
        self.keys_elsewhere()
    }

    fn follow_keys(&self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        self.follow_stored_keys(conn)
    }
}

impl Configuration {
    /// A provider at the relay's own address.
    fn leads_to_itself(&self, name: &str, definition: &Definition) -> Option<Problem> {
        let Definition::Provider(provider) = definition else { return None };
        let (address, own) = provider.entry.base_url.as_ref().zip(self.own.get().copied())?;
        let message = "this is the relay's own address: requests would go round; give the provider's real one";
        leads_to(address, own).then(|| Problem::error(format!("providers.{name}.base_url"), message).of("base_url"))
    }

    /// Whether every provider that can be asked for its models has answered.
    fn lists_are_in(&self, catalog: &Catalog) -> bool {
        let parts = self.parts();
        let mut asked = catalog.providers().iter().filter(|provider| provider.is_ready() && provider.discover);
        asked.all(|provider| parts.discovered.contains_key(&provider.id))
    }
}
