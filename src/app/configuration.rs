//! The configuration in force: files, entries and keys of the database, discovered models, joined into the snapshots that
//! requests read.
//! Whatever changes, a whole new snapshot is built and swapped in; a broken edit changes nothing.

mod entries;
mod keys;
mod live;
mod providers;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use providers::Opening;
pub(super) use providers::is_own_address;

use crate::admin::FilesRead;
use crate::auth::KeyRing;
use crate::catalog::{Catalog, Sources, built_in_overrides};
use crate::clock::UnixMillis;
use crate::config::{
    ConfiguredPath, Definitions, LiveSettings, OverridesFile, Problem, RelayFile, Setting, Settings, Variables,
};
use crate::protocol::ListedModel;
use crate::secret::Secret;
use crate::server::Keeping;
use crate::store::entries::StoredEntry;
use crate::store::keys::StoredKey;
use crate::store::sealed_keys::SealedKey;
use crate::store::{self, Conn, StoreError};
use crate::vault::Vault;

/// Joins everything that feeds the snapshots.
#[derive(Debug)]
pub(super) struct Configuration {
    variables: Variables,
    files: [ConfiguredPath; 2],
    environment_keys: Vec<Secret>,
    catalog: Arc<ArcSwap<Catalog>>,
    keys: Arc<ArcSwap<KeyRing>>,
    /// What the environment says of settings, which wins.
    fixed: Vec<Setting>,
    live: ArcSwap<LiveSettings>,
    keeping: Arc<ArcSwap<Keeping>>,
    /// Never locked by a request.
    parts: Mutex<Parts>,
    /// Held from the reading of stored entries or keys until they are in force, so that whoever read later is heard later.
    /// Locked on threads that may block, only.
    following: Mutex<()>,
    changed: Notify,
    settings_changed: Notify,
    tidying_wanted: Notify,
    instances_changed: Notify,
    vault: Vault,
    /// Our own address, once we have one: a provider there would have requests go round.
    own: OnceLock<SocketAddr>,
}

/// What the database says.
#[derive(Debug, Default)]
pub(super) struct Stored {
    keys: Vec<StoredKey>,
    entries: Vec<StoredEntry>,
    sealed: Vec<SealedKey>,
}

impl Stored {
    /// Reads it.
    pub(super) fn read(conn: &mut Conn<'_>) -> Result<Self, StoreError> {
        let keys = store::keys::list(conn)?;
        let entries = store::entries::list(conn)?;
        Ok(Self { keys, entries, sealed: store::sealed_keys::list(conn)? })
    }
}

#[derive(Debug)]
struct Parts {
    relay: RelayFile,
    overrides: Arc<OverridesFile>,
    discovered: HashMap<String, Vec<ListedModel>>,
    stored_keys: Vec<StoredKey>,
    /// Entries of the database as they stand there, to see whether they have changed.
    stored_entries: Vec<StoredEntry>,
    /// Those of them that can be read.
    stored: Definitions,
    /// When each file was last changed, as far as it was looked at.
    stamps: [Option<SystemTime>; 2],
    /// When the files were last read, and what was wrong with them.
    read: FilesRead,
    /// Why providers cannot be asked and since when, so that each reason is logged once.
    unreachable: HashMap<String, (UnixMillis, String)>,
}

impl Configuration {
    /// Reads the files and builds the first snapshots. Warnings are returned beside them; what is wrong with an entry of
    /// the database is never more, unless the files have something of the same name.
    ///
    /// # Errors
    /// Everything that is wrong, when anything is.
    pub(super) fn load(
        variables: Variables,
        settings: &Settings,
        stored: Stored,
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let files = [settings.files.relay.clone(), settings.files.overrides.clone()];
        let stamps = stamps(&files);
        let (relay, overrides) = read(&files, &variables)?;
        let vault = Vault::new(settings.store.secret_key.clone(), &settings.store.data_dir);
        let (definitions, unreadable) = entries::read(&stored.entries, &Opening::new(&vault, &stored.sealed, None));
        let mut parts = Parts {
            relay,
            overrides,
            discovered: HashMap::new(),
            stored_keys: stored.keys,
            stored: definitions,
            stored_entries: stored.entries,
            stamps,
            read: FilesRead::default(),
            unreachable: HashMap::new(),
        };
        let live = live::effective(&parts.stored.settings, &settings.fixed);
        let (catalog, mut problems) = build(&variables, &parts);
        problems.extend(unreadable);
        if problems.iter().any(Problem::is_error) {
            return Err(problems);
        }
        let environment_keys = settings.auth.keys.clone();
        let keys = keys::ring(&environment_keys, &parts);
        parts.read = FilesRead { at: UnixMillis::now(), problems: problems.clone() };
        let configuration = Self {
            variables,
            files,
            environment_keys,
            catalog: Arc::new(ArcSwap::from_pointee(catalog)),
            keys: Arc::new(ArcSwap::from_pointee(keys)),
            fixed: settings.fixed.clone(),
            keeping: Arc::new(ArcSwap::from_pointee(live::keeping(&live))),
            live: ArcSwap::from_pointee(live),
            parts: Mutex::new(parts),
            following: Mutex::default(),
            changed: Notify::new(),
            settings_changed: Notify::new(),
            tidying_wanted: Notify::new(),
            instances_changed: Notify::new(),
            vault,
            own: OnceLock::new(),
        };
        Ok((configuration, problems))
    }

    /// The catalog in force.
    pub(super) fn catalog(&self) -> &Arc<ArcSwap<Catalog>> {
        &self.catalog
    }

    /// The keys in force.
    pub(super) fn keys(&self) -> &Arc<ArcSwap<KeyRing>> {
        &self.keys
    }

    /// Completes after files or the admin page have changed which providers there are.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Completes after an Ollama instance may have got other models.
    pub(super) async fn instances_changed(&self) {
        self.instances_changed.notified().await;
    }

    /// Looks at the files' times and, if one has changed, reads both. Problems are logged and change nothing.
    pub(super) fn reload_if_changed(&self) {
        let stamps = stamps(&self.files);
        let mut parts = self.parts();
        if stamps == parts.stamps {
            return;
        }
        parts.stamps = stamps;
        let (relay, overrides) = match read(&self.files, &self.variables) {
            Ok(files) => files,
            Err(problems) => {
                refuse(&problems);
                parts.read = FilesRead { at: UnixMillis::now(), problems };
                return;
            }
        };
        let old = (std::mem::replace(&mut parts.relay, relay), std::mem::replace(&mut parts.overrides, overrides));
        let (catalog, problems) = build(&self.variables, &parts);
        if problems.iter().any(Problem::is_error) {
            (parts.relay, parts.overrides) = old;
            refuse(&problems);
            parts.read = FilesRead { at: UnixMillis::now(), problems };
            return;
        }
        warn(&problems);
        parts.read = FilesRead { at: UnixMillis::now(), problems };
        self.catalog.store(Arc::new(catalog));
        self.keys.store(Arc::new(keys::ring(&self.environment_keys, &parts)));
        self.changed.notify_one();
        tracing::info!("configuration reloaded");
    }

    /// Takes what providers listed; `None`: the provider is gone, and so are its discovered models.
    pub(super) fn discovered(&self, news: Vec<(String, Option<Vec<ListedModel>>)>) {
        let mut parts = self.parts();
        let mut is_new = false;
        for (provider, models) in news {
            match models {
                Some(models) => {
                    if parts.unreachable.remove(&provider).is_some() {
                        tracing::info!(provider.id = %provider, "provider can be reached again");
                    }
                    if parts.discovered.get(&provider) != Some(&models) {
                        parts.discovered.insert(provider, models);
                        is_new = true;
                    }
                }
                None => is_new |= parts.discovered.remove(&provider).is_some(),
            }
        }
        if is_new {
            // What was sound with fewer models is sound with more: only files and database can hold errors.
            let (catalog, _) = build(&self.variables, &parts);
            self.catalog.store(Arc::new(catalog));
        }
    }

    /// What a provider listed of a model.
    pub(super) fn listed(&self, provider: &str, id: &str) -> Option<ListedModel> {
        let parts = self.parts();
        parts.discovered.get(provider)?.iter().find(|model| model.id.eq_ignore_ascii_case(id)).cloned()
    }

    /// Says once that a provider cannot be asked for its models.
    pub(super) fn note_unreachable(&self, provider: &str, reason: &str) {
        let mut parts = self.parts();
        let known = parts.unreachable.entry(provider.to_owned());
        let (_, noted) = known.or_insert_with(|| (UnixMillis::now(), String::new()));
        if noted != reason {
            reason.clone_into(noted);
            tracing::warn!(provider.id = %provider, reason, "cannot list the provider's models");
        }
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs problems that do not stand in the way.
pub(super) fn warn(problems: &[Problem]) {
    for problem in problems {
        tracing::warn!(place = %problem.place, problem = %problem.message, "configuration warning");
    }
}

fn refuse(problems: &[Problem]) {
    for problem in problems.iter().filter(|problem| problem.is_error()) {
        tracing::error!(place = %problem.place, problem = %problem.message, "configuration refused, the old one stays");
    }
}

fn read(
    [relay, overrides]: &[ConfiguredPath; 2],
    variables: &Variables,
) -> Result<(RelayFile, Arc<OverridesFile>), Vec<Problem>> {
    let relay = RelayFile::load(relay, variables);
    let overrides = OverridesFile::load(overrides);
    match (relay, overrides) {
        (Ok(relay), Ok(overrides)) => Ok((relay, overrides.map_or_else(built_in_overrides, Arc::new))),
        (relay, overrides) => Err([relay.err(), overrides.err()].into_iter().flatten().flatten().collect()),
    }
}

fn build(variables: &Variables, parts: &Parts) -> (Catalog, Vec<Problem>) {
    build_with(variables, parts, &parts.stored)
}

/// The same, were these the entries of the database.
fn build_with(variables: &Variables, parts: &Parts, stored: &Definitions) -> (Catalog, Vec<Problem>) {
    Catalog::build(&Sources {
        variables,
        relay: &parts.relay,
        overrides: parts.overrides.clone(),
        stored,
        discovered: &parts.discovered,
    })
}

fn stamps(files: &[ConfiguredPath; 2]) -> [Option<SystemTime>; 2] {
    files.each_ref().map(|file| std::fs::metadata(&file.path).and_then(|metadata| metadata.modified()).ok())
}
