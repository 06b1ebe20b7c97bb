//! All definitions of the database in one file, and back again.
//!
//! A backup has every entry as the database holds it, and API keys as their hashes, so clients go on with the keys they
//! have. It has no password, no login, no token and no record of what happened: those are in a copy of the whole
//! database. [`plan`] says what a restore would change, [`apply`] changes it, in the caller's transaction and in the
//! history, so that each change can be undone by itself.

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
    entries: BTreeMap<String, BTreeMap<String, Value>>,
    keys: Vec<KeptKey>,
    /// Keys of providers as they are encrypted: they can be read with the `SECRET_KEY` of the relay they come from.
    #[serde(default)]
    provider_keys: Vec<KeptSecret>,
}

/// A provider's key, encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptSecret {
    id: String,
    key_version: String,
    sealed: String,
    created_ms: UnixMillis,
}

/// An API key without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptKey {
    id: String,
    name: String,
    /// SHA-256 of the key.
    sha256: String,
    shown_prefix: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    models: Vec<String>,
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

/// What a restore changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// In the order of the kinds, then by name.
    pub changes: Vec<PlannedChange>,
    /// What stays as it is because it stands elsewhere or was taken back, and why.
    pub skipped: Vec<Skipped>,
    /// Entries and keys that are as the backup has them.
    pub unchanged: usize,
    #[serde(skip)]
    keys: Vec<StoredKey>,
    #[serde(skip)]
    secrets: Vec<SealedKey>,
}

/// A change that a restore makes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedChange {
    /// `alias`, or `key`.
    pub kind: &'static str,
    /// Of the entry or the key.
    pub name: String,
    /// What happens to it.
    pub change: ChangeWord,
    /// What it says now.
    pub before: Option<Value>,
    /// What it will say.
    pub after: Option<Value>,
    #[serde(skip)]
    entry: Option<(Option<StoredEntry>, Option<StoredEntry>)>,
}

/// What happens to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeWord {
    /// It is in the backup only.
    New,
    /// It is in both, and not the same.
    Changed,
    /// It is in the database only, and will be deleted.
    Gone,
}

/// What a restore leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// `alias`, or `key`.
    pub kind: &'static str,
    /// Of the entry or the key.
    pub name: String,
    /// Why.
    pub reason: String,
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
    fn definitions(&self, now: UnixMillis) -> Result<(Vec<StoredEntry>, Definitions), BackupError> {
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

/// What a restore would change. `elsewhere` says where an entry stands that is not the database's to change; `keeps`:
/// what the backup does not have is left alone.
///
/// # Errors
/// When the database cannot be read, or the backup cannot be used.
pub fn plan(
    conn: &mut Conn<'_>,
    backup: &Backup,
    elsewhere: impl Fn(EntryKind, &str) -> Option<String>,
    keeps: bool,
    now: UnixMillis,
) -> Result<Result<(Plan, Definitions), BackupError>, StoreError> {
    let (wanted, definitions) = match backup.definitions(now) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(Err(error)),
    };
    let current = entries::list(conn)?;
    let mut plan =
        Plan { changes: Vec::new(), skipped: Vec::new(), unchanged: 0, keys: Vec::new(), secrets: Vec::new() };
    for next in wanted {
        let is_it = |entry: &&StoredEntry| entry.kind == next.kind && entry.name.eq_ignore_ascii_case(&next.name);
        let now = current.iter().find(is_it);
        match now {
            Some(now) if (&now.name, shown(&now.definition)) == (&next.name, shown(&next.definition)) => {
                plan.unchanged += 1;
            }
            Some(_) | None => match elsewhere(next.kind, &next.name) {
                Some(place) => plan.skipped.push(Skipped {
                    kind: next.kind.word(),
                    name: next.name.clone(),
                    reason: format!("it stands at {place}"),
                }),
                None => plan.changes.push(PlannedChange::of(now, Some(&next))),
            },
        }
    }
    let is_wanted = |entry: &StoredEntry| {
        let names = backup.entries.get(entry.kind.section());
        names.is_some_and(|names| names.keys().any(|name| name.eq_ignore_ascii_case(&entry.name)))
    };
    if !keeps {
        plan.changes
            .extend(current.iter().filter(|entry| !is_wanted(entry)).map(|entry| PlannedChange::of(Some(entry), None)));
    }
    let known = sealed_keys::list(conn)?;
    let is_new = |secret: &&KeptSecret| known.iter().all(|one| one.id != secret.id);
    let new: BTreeMap<_, _> = backup.provider_keys.iter().filter(is_new).map(|one| (&one.id, one)).collect();
    plan.secrets = new.into_values().cloned().map(SealedKey::from).collect();
    plan_keys(&mut plan, &backup.keys, &keys::list(conn)?);
    plan.changes.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(Ok((plan, definitions)))
}

/// A key of the backup comes back unless it was taken back since: nobody revokes a key to have a restore revive it. Keys
/// that were made since stay, because somebody uses them.
fn plan_keys(plan: &mut Plan, wanted: &[KeptKey], current: &[StoredKey]) {
    let skipped =
        |key: &KeptKey, reason: &str| Skipped { kind: "key", name: key.name.clone(), reason: reason.to_owned() };
    for key in wanted {
        let known = current.iter().chain(&plan.keys).find(|one| one.id == key.id || one.hash == key.sha256);
        let is_taken = current.iter().chain(&plan.keys).any(|one| one.revoked.is_none() && one.name == key.name);
        match known {
            Some(known) if known.revoked.is_some() => {
                plan.skipped.push(skipped(key, "it was revoked since, and stays revoked"));
            }
            Some(_) => plan.unchanged += 1,
            None if is_taken => plan.skipped.push(skipped(key, "another key of this name is in use")),
            None => {
                plan.changes.push(PlannedChange {
                    kind: "key",
                    name: key.name.clone(),
                    change: ChangeWord::New,
                    before: None,
                    after: Some(
                        serde_json::json!({ "shown_prefix": key.shown_prefix, "tags": key.tags, "models": key.models }),
                    ),
                    entry: None,
                });
                plan.keys.push(key.clone().into());
            }
        }
    }
}

/// Makes the changes. Belongs into a transaction, the one that made the plan.
///
/// # Errors
/// When the database cannot be written, or is not as it was when the plan was made.
pub fn apply(tx: &mut Conn<'_>, plan: &Plan, who: &str) -> Result<(), StoreError> {
    // Before the entries that name them, so that they are not taken for forgotten ones.
    for secret in &plan.secrets {
        sealed_keys::insert(tx, secret)?;
    }
    for change in &plan.changes {
        if let Some((now, next)) = &change.entry
            && !entries::write(tx, now.as_ref(), next.as_ref(), who)?
        {
            return Err(StoreError::Clash(format!("{} `{}`", change.kind, change.name)));
        }
    }
    for key in &plan.keys {
        if !keys::create(tx, key)? {
            return Err(StoreError::Clash(format!("key `{}`", key.name)));
        }
    }
    Ok(())
}

impl PlannedChange {
    fn of(now: Option<&StoredEntry>, next: Option<&StoredEntry>) -> Self {
        let entry = next.or(now);
        let change = match (now, next) {
            (None, _) => ChangeWord::New,
            (Some(_), Some(_)) => ChangeWord::Changed,
            (Some(_), None) => ChangeWord::Gone,
        };
        let said = |entry: Option<&StoredEntry>| entry.map(|entry| shown(&entry.definition));
        Self {
            kind: entry.map_or("", |entry| entry.kind.word()),
            name: entry.map(|entry| entry.name.clone()).unwrap_or_default(),
            change,
            before: said(now),
            after: said(next),
            entry: Some((now.cloned(), next.cloned())),
        }
    }
}

/// The JSON of a definition, or whatever is there.
fn shown(definition: &str) -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    const NOW: UnixMillis = UnixMillis(9);

    fn alias(name: &str, target: &str) -> StoredEntry {
        let definition = format!("{{\"target\":\"{target}\",\"tags\":[]}}");
        StoredEntry { kind: EntryKind::Alias, name: name.to_owned(), definition, updated: UnixMillis(1) }
    }

    fn key(id: &str, name: &str) -> StoredKey {
        StoredKey {
            id: id.into(),
            name: name.into(),
            hash: format!("{id:0>64}"),
            shown_prefix: "sk-relay-x".into(),
            tags: vec!["t".into()],
            models: Vec::new(),
            created: UnixMillis(1),
            expires: None,
            revoked: None,
            last_used: None,
        }
    }

    fn planned(conn: &mut Conn<'_>, backup: &Backup, keeps: bool) -> Plan {
        let elsewhere = |_, name: &str| (name == "filed").then(|| "relay.yaml:1:1".to_owned());
        plan(conn, backup, elsewhere, keeps, NOW).unwrap().unwrap().0
    }

    #[test]
    fn a_restore_makes_the_database_say_what_the_backup_says() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        store
            .blocking(|conn| {
                for entry in [alias("a", "m"), alias("b", "m"), alias("filed", "m")] {
                    entries::write(conn, None, Some(&entry), "admin")?;
                }
                for one in [key("1", "web"), key("2", "ci")] {
                    keys::create(conn, &one)?;
                }
                let backup = Backup::read(Backup::make(conn, NOW)?.to_text().as_bytes()).unwrap();
                assert_eq!(planned(conn, &backup, false).changes, []);
                assert_eq!(planned(conn, &backup, false).unchanged, 5);

                entries::write(conn, Some(&alias("a", "m")), Some(&alias("A", "other")), "admin")?;
                entries::write(conn, Some(&alias("b", "m")), None, "admin")?;
                entries::write(conn, Some(&alias("filed", "m")), None, "admin")?;
                entries::write(conn, None, Some(&alias("c", "m")), "admin")?;
                keys::revoke(conn, "web", NOW)?;
                conn.execute("delete from api_keys where name = 'ci'", &[])?;

                let plan = planned(conn, &backup, false);
                let words: Vec<_> = plan.changes.iter().map(|one| (one.kind, one.name.as_str(), one.change)).collect();
                let expected = [
                    ("alias", "a", ChangeWord::Changed),
                    ("alias", "b", ChangeWord::New),
                    ("alias", "c", ChangeWord::Gone),
                    ("key", "ci", ChangeWord::New),
                ];
                assert_eq!(words, expected);
                let skipped: Vec<_> = plan.skipped.iter().map(|one| one.name.as_str()).collect();
                assert_eq!(skipped, ["filed", "web"]);
                assert_eq!(planned(conn, &backup, true).changes.len(), 3, "what is gone may be kept");

                conn.transaction(|tx| apply(tx, &plan, "admin"))?;
                let names: Vec<_> = entries::list(conn)?.into_iter().map(|one| one.name).collect();
                assert_eq!(names, ["a", "b"]);
                assert_eq!(planned(conn, &backup, false).changes, []);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn what_is_no_backup_is_refused_with_the_reason() {
        let whole = |entries: &str| {
            format!(
                "{{\"format\":\"llm-relay-backup\",\"version\":1,\"made_by\":\"x\",\"made_ms\":1,\"entries\":{entries},\"keys\":[]}}"
            )
        };
        for (text, expected) in [
            ("{}", "no backup of LLM Relay: missing field `format`"),
            ("{\"format\":\"x\",\"version\":1}", "its format is `x`"),
            ("{\"format\":\"llm-relay-backup\",\"version\":2}", "has version 2"),
            ("not json", "no backup"),
            (&whole("{\"wonders\":{}}"), "knows no `wonders`"),
            (&whole("{\"aliases\":{\"a\":{\"x\":1}}}"), "the alias `a` cannot be read: unknown field `x`"),
            (
                &whole("{\"settings\":{\"reverse_dns\":{\"keep_prompts\":\"all\"}}}"),
                "it says that it is `keep_prompts`",
            ),
        ] {
            let read = Backup::read(text.as_bytes()).and_then(|backup| backup.definitions(NOW).map(|_| ()));
            let message = read.unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
