//! What operators made on the admin listener: entries of a kind, found by their names whatever the case.
//!
//! Nobody's change is lost: each change says what it expects to find, and without that it changes nothing.

use super::StoreError;
use super::driver::{Conn, Row};
use crate::clock::UnixMillis;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A smart router.
    Router,
}

impl EntryKind {
    fn word(self) -> &'static str {
        match self {
            Self::Router => "router",
        }
    }
}

/// An entry as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// In the spelling it was saved with.
    pub name: String,
    /// JSON. What it says is not this module's business.
    pub definition: String,
    /// When it was last changed.
    pub updated: UnixMillis,
}

/// All entries of a kind, by name.
///
/// # Errors
/// When the database cannot be read.
pub fn list(conn: &mut Conn<'_>, kind: EntryKind) -> Result<Vec<StoredEntry>, StoreError> {
    conn.query(
        "select name, definition, updated_ms from entries where kind = $1 order by name_key",
        &[kind.word().into()],
        read,
    )
}

/// The entry of a name.
///
/// # Errors
/// When the database cannot be read.
pub fn get(conn: &mut Conn<'_>, kind: EntryKind, name: &str) -> Result<Option<StoredEntry>, StoreError> {
    let found = conn.query(
        "select name, definition, updated_ms from entries where kind = $1 and name_key = $2",
        &[kind.word().into(), key(name).into()],
        read,
    )?;
    Ok(found.into_iter().next())
}

/// Adds an entry. `false`: there is one of this name, and nothing was changed.
///
/// # Errors
/// When the database cannot be written.
pub fn create(conn: &mut Conn<'_>, kind: EntryKind, entry: &StoredEntry) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "insert into entries (kind, name_key, name, definition, updated_ms) values ($1, $2, $3, $4, $5)
         on conflict (kind, name_key) do nothing",
        &[
            kind.word().into(),
            key(&entry.name).into(),
            (&entry.name).into(),
            (&entry.definition).into(),
            entry.updated.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Replaces the entry of the same name. `false`: its definition is no longer the expected one, and nothing was changed.
///
/// # Errors
/// When the database cannot be written.
pub fn replace(conn: &mut Conn<'_>, kind: EntryKind, entry: &StoredEntry, expected: &str) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "update entries set name = $1, definition = $2, updated_ms = $3
         where kind = $4 and name_key = $5 and definition = $6",
        &[
            (&entry.name).into(),
            (&entry.definition).into(),
            entry.updated.into(),
            kind.word().into(),
            key(&entry.name).into(),
            expected.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Takes an entry out. `false`: its definition is no longer the expected one, and nothing was changed.
///
/// # Errors
/// When the database cannot be written.
pub fn delete(conn: &mut Conn<'_>, kind: EntryKind, name: &str, expected: &str) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "delete from entries where kind = $1 and name_key = $2 and definition = $3",
        &[kind.word().into(), key(name).into(), expected.into()],
    )?;
    Ok(changed == 1)
}

/// Names are compared ASCII-case-insensitively, as everywhere.
fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn read(row: &Row<'_>) -> Result<StoredEntry, StoreError> {
    Ok(StoredEntry { name: row.text(0)?, definition: row.text(1)?, updated: UnixMillis(row.integer(2)?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn entry(name: &str, definition: &str) -> StoredEntry {
        StoredEntry { name: name.into(), definition: definition.into(), updated: UnixMillis(7) }
    }

    #[test]
    fn a_change_that_expects_something_else_changes_nothing() {
        const KIND: EntryKind = EntryKind::Router;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        store
            .blocking(|conn| {
                assert!(create(conn, KIND, &entry("Smart", "1"))?);
                assert!(!create(conn, KIND, &entry("sMART", "2"))?, "the name is taken, whatever its case");
                assert!(create(conn, KIND, &entry("clever", "3"))?);
                assert_eq!(list(conn, KIND)?, [entry("clever", "3"), entry("Smart", "1")]);

                assert!(!replace(conn, KIND, &entry("smart", "2"), "0")?);
                assert!(replace(conn, KIND, &entry("smart", "2"), "1")?);
                assert_eq!(get(conn, KIND, "SMART")?, Some(entry("smart", "2")), "the spelling is the latest one");
                assert!(!replace(conn, KIND, &entry("other", "2"), "1")?);

                assert!(!delete(conn, KIND, "Smart", "1")?);
                assert!(delete(conn, KIND, "Smart", "2")?);
                assert_eq!(get(conn, KIND, "smart")?, None);
                Ok(())
            })
            .unwrap();
    }
}
