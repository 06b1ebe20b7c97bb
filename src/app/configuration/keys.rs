//! API keys: those of files and environment, and those of the database, joined into the ring that requests are judged by.

use std::sync::{Arc, PoisonError};

use super::{Configuration, Parts};
use crate::admin::ConfiguredKey;
use crate::auth::{KeyRing, NewKey};
use crate::secret::Secret;
use crate::store::{Conn, StoreError, keys};

/// The keys in force.
pub(super) fn ring(environment: &[Secret], parts: &Parts) -> KeyRing {
    let configured = configured(environment, parts);
    let configured = configured.map(|(ConfiguredKey { name, tags, .. }, key)| NewKey {
        name,
        key: key.clone(),
        tags,
        models: Vec::new(),
    });
    KeyRing::new(configured.collect(), parts.stored_keys.clone())
}

/// The keys that the database does not know.
fn configured<'a>(
    environment: &'a [Secret],
    parts: &'a Parts,
) -> impl Iterator<Item = (ConfiguredKey, &'a Secret)> + use<'a> {
    let from_environment = environment
        .iter()
        .enumerate()
        .map(|(at, key)| (ConfiguredKey { name: format!("API_KEYS-{}", at + 1), tags: Vec::new(), place: None }, key));
    let from_file = parts.relay.keys.iter().enumerate().filter_map(|(at, entry)| {
        let (name, tags) = (entry.name.clone(), entry.tags.clone());
        let place = Some(parts.relay.key_place(at));
        entry.key.as_ref().map(|key| (ConfiguredKey { name, tags, place }, key))
    });
    from_environment.chain(from_file)
}

impl Configuration {
    /// Reads the keys of the database and, if they have changed, puts them into force. Blocks.
    ///
    /// # Errors
    /// When the database cannot be read; what is in force stays.
    pub(in crate::app) fn follow_stored_keys(&self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        let _turn = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = keys::list(conn)?;
        let mut parts = self.parts();
        if parts.stored_keys != stored {
            parts.stored_keys = stored;
            self.keys.store(Arc::new(ring(&self.environment_keys, &parts)));
        }
        Ok(())
    }

    /// The keys of files and environment, without the keys themselves.
    pub(super) fn keys_elsewhere(&self) -> Vec<ConfiguredKey> {
        let parts = self.parts();
        configured(&self.environment_keys, &parts).map(|(known, _)| known).collect()
    }
}
