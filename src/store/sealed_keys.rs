//! Keys of providers, sealed: what they say only the vault can read.
//!
//! A provider's definition names its key by id. A key that no entry names any more is kept for a day, so that a deletion
//! can be undone, and is then forgotten.

use super::StoreError;
use super::driver::{Conn, Row};
use crate::clock::UnixMillis;
use crate::entry_kind::EntryKind;

/// How long a key that nothing names is kept.
pub const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// A key as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// Minted by us; the associated data of the encryption.
    pub id: String,
    /// Which encryption key it was sealed with.
    pub key_version: String,
    /// Nonce and ciphertext.
    pub sealed: String,
    /// When it was entered.
    pub created: UnixMillis,
}

/// All of them, also those that nothing names.
///
/// # Errors
/// When the database cannot be read.
pub fn list(conn: &mut Conn<'_>) -> Result<Vec<SealedKey>, StoreError> {
    conn.query("select id, key_version, sealed, created_ms from sealed_keys order by id", &[], read)
}

/// The key of an id.
///
/// # Errors
/// When the database cannot be read.
pub fn get(conn: &mut Conn<'_>, id: &str) -> Result<Option<SealedKey>, StoreError> {
    let sql = "select id, key_version, sealed, created_ms from sealed_keys where id = $1";
    Ok(conn.query(sql, &[id.into()], read)?.pop())
}

/// Adds one that nothing names yet.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn<'_>, key: &SealedKey) -> Result<(), StoreError> {
    conn.execute(
        "insert into sealed_keys (id, key_version, sealed, created_ms, removed_ms)
         values ($1, $2, $3, $4, $4)",
        &[(&key.id).into(), (&key.key_version).into(), (&key.sealed).into(), key.created.into()],
    )?;
    Ok(())
}

/// Notes which keys the entries name now. Belongs into the transaction that changes a provider.
pub(super) fn settle(tx: &mut Conn<'_>, now: UnixMillis) -> Result<(), StoreError> {
    // Ids are UUIDs: nothing in a definition reads like one by chance.
    let is_named = |kind: &str| {
        format!(
            "exists (select 1 from entries where kind = {kind} and definition like '%\"' || sealed_keys.id || '\"%')"
        )
    };
    let kind = EntryKind::Provider.word();
    tx.execute(
        &format!("update sealed_keys set removed_ms = null where removed_ms is not null and {}", is_named("$1")),
        &[kind.into()],
    )?;
    tx.execute(
        &format!("update sealed_keys set removed_ms = $1 where removed_ms is null and not {}", is_named("$2")),
        &[now.into(), kind.into()],
    )?;
    Ok(())
}

/// Forgets those that nothing has named for longer than [`KEPT_MS`].
///
/// # Errors
/// When the database cannot be written.
pub fn forget_removed(conn: &mut Conn<'_>, now: UnixMillis) -> Result<(), StoreError> {
    let before = UnixMillis(now.0.saturating_sub(KEPT_MS));
    conn.execute("delete from sealed_keys where removed_ms < $1", &[before.into()])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<SealedKey, StoreError> {
    Ok(SealedKey {
        id: row.text(0)?,
        key_version: row.text(1)?,
        sealed: row.text(2)?,
        created: UnixMillis(row.integer(3)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::entries::{self, StoredEntry};
    use crate::store::history::Author;

    #[test]
    fn a_key_that_nothing_names_is_kept_for_a_day_and_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let key =
            |id: &str| SealedKey { id: id.into(), key_version: "v".into(), sealed: "s".into(), created: UnixMillis(1) };
        let entry = |updated, definition: &str| StoredEntry {
            kind: EntryKind::Provider,
            name: "lab".into(),
            definition: definition.into(),
            updated: UnixMillis(updated),
        };
        let ids =
            |conn: &mut Conn<'_>| Ok::<_, StoreError>(list(conn)?.into_iter().map(|key| key.id).collect::<Vec<_>>());
        store
            .blocking(|conn| {
                insert(conn, &key("k1"))?;
                insert(conn, &key("k2"))?;
                let first = entry(10, r#"{"key":"k1"}"#);
                let second = entry(20, r#"{"key":"k2"}"#);
                conn.transaction(|tx| entries::write(tx, None, Some(&first), &Author::Admin))?;
                conn.transaction(|tx| entries::write(tx, Some(&first), Some(&second), &Author::Admin))?;
                forget_removed(conn, UnixMillis(20 + KEPT_MS))?;
                assert_eq!(ids(conn)?, ["k1", "k2"]);
                // Undone in time, it is in use again.
                let third = entry(30, r#"{"key":"k1"}"#);
                conn.transaction(|tx| entries::write(tx, Some(&second), Some(&third), &Author::Admin))?;
                forget_removed(conn, UnixMillis(31 + KEPT_MS))?;
                assert_eq!(ids(conn)?, ["k1"]);
                assert_eq!(get(conn, "k1")?, Some(key("k1")));
                Ok(())
            })
            .unwrap();
    }
}
