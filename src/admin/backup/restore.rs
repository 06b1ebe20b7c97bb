//! What a restore changes, and doing it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::file::{Backup, BackupError, KeptKey, KeptSecret, shown};
use crate::clock::UnixMillis;
use crate::config::Definitions;
use crate::entry_kind::EntryKind;
use crate::store::entries::{self, StoredEntry};
use crate::store::history::Author;
use crate::store::keys::{self, StoredKey};
use crate::store::sealed_keys::{self, SealedKey};
use crate::store::{Conn, StoreError};

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
pub fn apply(tx: &mut Conn<'_>, plan: &Plan, who: &Author) -> Result<(), StoreError> {
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
        if !keys::create(tx, key, who)? {
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
