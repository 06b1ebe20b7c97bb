//! The file: what is in it, how it is made of the database, and how it is read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::UnixMillis;
use crate::config::{Definition, Definitions};
use crate::entry_kind::EntryKind;
use crate::store::entries::{self, StoredEntry};
use crate::store::keys::{self, StoredKey};
use crate::store::sealed_keys::{self, SealedKey};
use crate::store::{Conn, StoreError};

/// The first words of a backup, by which it is told from any other JSON.
const FORMAT: &str = "llm-relay-backup";
/// What this program writes, and the newest it can read.
const VERSION: u32 = 1;

/// All definitions of the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    format: String,
    version: u32,
    /// The version of the program that wrote it.
    made_by: String,
    made_ms: UnixMillis,
    /// By kind (`aliases`) and name; an entry is what `PUT` takes.
    pub(super) entries: BTreeMap<String, BTreeMap<String, Value>>,
    pub(super) keys: Vec<KeptKey>,
    /// Keys of providers as they are encrypted: they can be read with the `SECRET_KEY` of the relay they come from.
    #[serde(default)]
    pub(super) provider_keys: Vec<KeptSecret>,
}

/// A provider's key, encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptSecret {
    pub(super) id: String,
    key_version: String,
    sealed: String,
    created_ms: UnixMillis,
}

/// An API key without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptKey {
    pub(super) id: String,
    pub(super) name: String,
    /// SHA-256 of the key.
    pub(super) sha256: String,
    pub(super) shown_prefix: String,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) models: Vec<String>,
    created_ms: UnixMillis,
    #[serde(default)]
    expires_ms: Option<UnixMillis>,
}

/// A backup cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// It is no backup, or one of a newer program.
    #[error("{0}")]
    Unreadable(String),
}

impl Backup {
    /// What the database says now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn make(conn: &mut Conn<'_>, now: UnixMillis) -> Result<Self, StoreError> {
        let (stored, keys, secrets) =
            conn.read(|tx| Ok((entries::list(tx)?, keys::list(tx)?, sealed_keys::list(tx)?)))?;
        // Those that nothing names any more are as good as deleted.
        let is_named = |id: &str| stored.iter().any(|entry| entry.definition.contains(id));
        let secrets = secrets.into_iter().filter(|secret| is_named(&secret.id)).map(KeptSecret::from).collect();
        let mut by_kind: BTreeMap<String, BTreeMap<String, Value>> =
            EntryKind::ALL.into_iter().map(|kind| (kind.section().to_owned(), BTreeMap::new())).collect();
        for entry in stored {
            by_kind.entry(entry.kind.section().to_owned()).or_default().insert(entry.name, shown(&entry.definition));
        }
        Ok(Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            made_by: env!("CARGO_PKG_VERSION").to_owned(),
            made_ms: now,
            entries: by_kind,
            keys: keys.into_iter().filter(|key| key.revoked.is_none()).map(KeptKey::from).collect(),
            provider_keys: secrets,
        })
    }

    /// Reads the text of one.
    ///
    /// # Errors
    /// [`BackupError`], which says what it is instead.
    pub fn read(text: &[u8]) -> Result<Self, BackupError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let no_backup = |why: String| BackupError::Unreadable(format!("this is no backup of LLM Relay: {why}"));
        let head: Head = serde_json::from_slice(text).map_err(|error| no_backup(error.to_string()))?;
        if head.format != FORMAT {
            return Err(no_backup(format!("its format is `{}`", head.format)));
        }
        if head.version > VERSION {
            let message = format!(
                "the backup has version {} and this program reads up to {VERSION}: it needs a newer one",
                head.version
            );
            return Err(BackupError::Unreadable(message));
        }
        serde_json::from_slice(text).map_err(|error| no_backup(error.to_string()))
    }

    /// The text of it.
    pub fn to_text(&self) -> String {
        // Plain data: there is nothing in it that JSON could refuse.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Its entries, as the database would hold them, and as the catalog would read them.
    pub(super) fn definitions(&self, now: UnixMillis) -> Result<(Vec<StoredEntry>, Definitions), BackupError> {
        let (mut stored, mut definitions) = (Vec::new(), Definitions::default());
        for (section, named) in &self.entries {
            let kind = EntryKind::ALL.into_iter().find(|kind| kind.section() == section);
            let kind = kind.ok_or_else(|| BackupError::Unreadable(format!("this program knows no `{section}`")))?;
            let mut seen = BTreeSet::new();
            for (name, value) in named {
                if !seen.insert(name.to_ascii_lowercase()) {
                    let message = format!("the {} `{name}` is in it twice", kind.word());
                    return Err(BackupError::Unreadable(message));
                }
                let unreadable =
                    |why: &str| BackupError::Unreadable(format!("the {} `{name}` cannot be read: {why}", kind.word()));
                let definition = Definition::read(kind, value.to_string().as_bytes());
                let definition = definition.map_err(|error| unreadable(&error.to_string()))?;
                let text = serde_json::to_string(&definition).map_err(|error| unreadable(&error.to_string()))?;
                if let Definition::Setting(setting) = &definition
                    && setting.name() != name
                {
                    return Err(unreadable(&format!("it says that it is `{}`", setting.name())));
                }
                definitions.set(name, definition);
                stored.push(StoredEntry { kind, name: name.clone(), definition: text, updated: now });
            }
        }
        Ok((stored, definitions))
    }
}

/// The JSON of a definition, or whatever is there.
pub(super) fn shown(definition: &str) -> Value {
    serde_json::from_str(definition).unwrap_or_else(|_| Value::String(definition.to_owned()))
}

impl From<StoredKey> for KeptKey {
    fn from(key: StoredKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            sha256: key.hash,
            shown_prefix: key.shown_prefix,
            tags: key.tags,
            models: key.models,
            created_ms: key.created,
            expires_ms: key.expires,
        }
    }
}

impl From<SealedKey> for KeptSecret {
    fn from(key: SealedKey) -> Self {
        Self { id: key.id, key_version: key.key_version, sealed: key.sealed, created_ms: key.created }
    }
}

impl From<KeptSecret> for SealedKey {
    fn from(key: KeptSecret) -> Self {
        Self { id: key.id, key_version: key.key_version, sealed: key.sealed, created: key.created_ms }
    }
}

impl From<KeptKey> for StoredKey {
    fn from(key: KeptKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            hash: key.sha256,
            shown_prefix: key.shown_prefix,
            tags: key.tags,
            models: key.models,
            created: key.created_ms,
            expires: key.expires_ms,
            revoked: None,
            last_used: None,
        }
    }
}
