//! What operators made on the admin listener: entries of a kind, found by their names whatever the case.
//!
//! Nobody's change is lost: each change says what it expects to find, and without that it changes nothing.

use super::driver::{Conn, Row};
use super::history::{self, Author, Done, Subject};
use super::{StoreError, sealed_keys};
use crate::clock::UnixMillis;
use crate::entry_kind::EntryKind;

/// An entry as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// What it is.
    pub kind: EntryKind,
    /// In the spelling it was saved with.
    pub name: String,
    /// JSON. What it says is not this module's business.
    pub definition: String,
    /// When it was last changed.
    pub updated: UnixMillis,
}

/// All entries, by kind and name.
///
/// # Errors
/// When the database cannot be read.
pub fn list(conn: &mut Conn<'_>) -> Result<Vec<StoredEntry>, StoreError> {
    let sql = "select kind, name, definition, updated_ms from entries order by kind, name_key";
    Ok(conn.query(sql, &[], read)?.into_iter().flatten().collect())
}

/// The entry of a name.
///
/// # Errors
/// When the database cannot be read.
pub fn get(conn: &mut Conn<'_>, kind: EntryKind, name: &str) -> Result<Option<StoredEntry>, StoreError> {
    let sql = "select kind, name, definition, updated_ms from entries where kind = $1 and name_key = $2";
    Ok(conn.query(sql, &[kind.word().into(), key(name).into()], read)?.into_iter().flatten().next())
}

/// Creates an entry, replaces it or takes it out, and notes that in the history.
///
/// `false`: something else is there, and nothing was changed. Belongs into a transaction.
///
/// # Errors
/// When the database cannot be written.
pub fn write(
    tx: &mut Conn<'_>,
    current: Option<&StoredEntry>,
    next: Option<&StoredEntry>,
    who: &Author,
) -> Result<bool, StoreError> {
    let changed = match (current, next) {
        (None, None) => return Ok(true),
        (None, Some(next)) => create(tx, next)?,
        (Some(current), Some(next)) => replace(tx, next, &current.definition)?,
        (Some(current), None) => delete(tx, current)?,
    };
    if changed {
        let now = next.map_or_else(UnixMillis::now, |next| next.updated);
        if let Some(entry) = next.or(current) {
            let definition = |entry: Option<&'_ StoredEntry>| entry.map(|entry| entry.definition.clone());
            let (subject, was, became) = (Subject::Entry(entry.kind), definition(current), definition(next));
            let done =
                Done { subject: &subject, name: &entry.name, was: was.as_deref(), became: became.as_deref(), at: now };
            history::append(tx, &done, who)?;
            if entry.kind == EntryKind::Provider {
                sealed_keys::settle(tx, now)?;
            }
        }
    }
    Ok(changed)
}

fn create(conn: &mut Conn<'_>, entry: &StoredEntry) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "insert into entries (kind, name_key, name, definition, updated_ms) values ($1, $2, $3, $4, $5)
         on conflict (kind, name_key) do nothing",
        &[
            entry.kind.word().into(),
            key(&entry.name).into(),
            (&entry.name).into(),
            (&entry.definition).into(),
            entry.updated.into(),
        ],
    )?;
    Ok(changed == 1)
}

fn replace(conn: &mut Conn<'_>, entry: &StoredEntry, expected: &str) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "update entries set name = $1, definition = $2, updated_ms = $3
         where kind = $4 and name_key = $5 and definition = $6",
        &[
            (&entry.name).into(),
            (&entry.definition).into(),
            entry.updated.into(),
            entry.kind.word().into(),
            key(&entry.name).into(),
            expected.into(),
        ],
    )?;
    Ok(changed == 1)
}

fn delete(conn: &mut Conn<'_>, entry: &StoredEntry) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "delete from entries where kind = $1 and name_key = $2 and definition = $3",
        &[entry.kind.word().into(), key(&entry.name).into(), (&entry.definition).into()],
    )?;
    Ok(changed == 1)
}

/// Names are compared ASCII-case-insensitively, as everywhere.
pub(super) fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// `None`: of a kind this program does not know.
fn read(row: &Row<'_>) -> Result<Option<StoredEntry>, StoreError> {
    let Some(kind) = EntryKind::of_word(&row.text(0)?) else { return Ok(None) };
    Ok(Some(StoredEntry { kind, name: row.text(1)?, definition: row.text(2)?, updated: UnixMillis(row.integer(3)?) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn entry(name: &str, definition: &str) -> StoredEntry {
        StoredEntry {
            kind: EntryKind::Router,
            name: name.into(),
            definition: definition.into(),
            updated: UnixMillis(7),
        }
    }

    #[test]
    fn a_change_that_expects_something_else_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        store
            .blocking(|conn| {
                let alias = StoredEntry { kind: EntryKind::Alias, ..entry("smart", "9") };
                assert!(create(conn, &entry("Smart", "1"))?);
                assert!(!create(conn, &entry("sMART", "2"))?, "the name is taken, whatever its case");
                assert!(create(conn, &alias)?, "another kind has names of its own");
                assert!(create(conn, &entry("clever", "3"))?);
                assert_eq!(list(conn)?, [alias, entry("clever", "3"), entry("Smart", "1")]);

                assert!(!replace(conn, &entry("smart", "2"), "0")?);
                assert!(replace(conn, &entry("smart", "2"), "1")?);
                let found = get(conn, EntryKind::Router, "SMART")?;
                assert_eq!(found, Some(entry("smart", "2")), "the spelling is the latest one");
                assert!(!replace(conn, &entry("other", "2"), "1")?);

                assert!(!delete(conn, &entry("Smart", "1"))?);
                assert!(delete(conn, &entry("Smart", "2"))?);
                assert_eq!(get(conn, EntryKind::Router, "smart")?, None);
                Ok(())
            })
            .unwrap();
    }
}
