//! API keys made by us. Only hashes are here.

use super::driver::{Conn, Row};
use super::{StoreError, list_from_json, list_to_json};
use crate::clock::UnixMillis;

/// A key as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// UUID version 7.
    pub id: String,
    /// Unique among keys that are not revoked.
    pub name: String,
    /// SHA-256 of the key, 64 hexadecimal digits.
    pub hash: String,
    /// The first characters of the key, so that its owner recognises it.
    pub shown_prefix: String,
    /// Tags every request with this key gets.
    pub tags: Vec<String>,
    /// Patterns of the models it may use; empty: all.
    pub models: Vec<String>,
    /// When it was made.
    pub created: UnixMillis,
    /// From when on it is no longer accepted.
    pub expires: Option<UnixMillis>,
    /// When it was taken back.
    pub revoked: Option<UnixMillis>,
    /// When the latest recorded request with it started.
    pub last_used: Option<UnixMillis>,
}

/// Adds a key. `false`: a key with this name is in use, and nothing was changed.
///
/// # Errors
/// When the database cannot be written.
pub fn create(conn: &mut Conn<'_>, key: &StoredKey) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "insert into api_keys (id, name, hash, shown_prefix, tags, models, created_ms, expires_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (name) where revoked_ms is null do nothing",
        &[
            (&key.id).into(),
            (&key.name).into(),
            (&key.hash).into(),
            (&key.shown_prefix).into(),
            list_to_json(&key.tags).into(),
            list_to_json(&key.models).into(),
            key.created.into(),
            key.expires.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// All keys, revoked ones too, by name and then age.
///
/// # Errors
/// When the database cannot be read.
pub fn list(conn: &mut Conn<'_>) -> Result<Vec<StoredKey>, StoreError> {
    conn.query(
        "select id, name, hash, shown_prefix, tags, models, created_ms, expires_ms, revoked_ms, last_used_ms
         from api_keys order by name, created_ms, id",
        &[],
        read,
    )
}

/// The key of this id, revoked or not, or the one in use of this name.
///
/// # Errors
/// When the database cannot be read.
pub fn find(conn: &mut Conn<'_>, name_or_id: &str) -> Result<Option<StoredKey>, StoreError> {
    let mut found = conn.query(
        "select id, name, hash, shown_prefix, tags, models, created_ms, expires_ms, revoked_ms, last_used_ms
         from api_keys where id = $1 or (name = $1 and revoked_ms is null) order by case when id = $1 then 0 else 1 end",
        &[name_or_id.into()],
        read,
    )?;
    Ok(if found.is_empty() { None } else { Some(found.swap_remove(0)) })
}

/// Writes the tags, models and expiry of a key that is in use. `false`: there is none of this id.
///
/// # Errors
/// When the database cannot be written.
pub fn change(conn: &mut Conn<'_>, key: &StoredKey) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "update api_keys set tags = $1, models = $2, expires_ms = $3 where id = $4 and revoked_ms is null",
        &[list_to_json(&key.tags).into(), list_to_json(&key.models).into(), key.expires.into(), (&key.id).into()],
    )?;
    Ok(changed == 1)
}

/// Takes a key back, named by its name or its id. `false`: there is none in use that is called so.
///
/// # Errors
/// When the database cannot be written.
pub fn revoke(conn: &mut Conn<'_>, name_or_id: &str, now: UnixMillis) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "update api_keys set revoked_ms = $1 where (name = $2 or id = $2) and revoked_ms is null",
        &[now.into(), name_or_id.into()],
    )?;
    Ok(changed > 0)
}

/// Notes that a key was used; an earlier time than the one known changes nothing, nor does a name that is not here.
///
/// # Errors
/// When the database cannot be written.
pub fn touch(conn: &mut Conn<'_>, name: &str, at: UnixMillis) -> Result<(), StoreError> {
    conn.execute(
        "update api_keys set last_used_ms = $1
         where name = $2 and revoked_ms is null and (last_used_ms is null or last_used_ms < $1)",
        &[at.into(), name.into()],
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<StoredKey, StoreError> {
    Ok(StoredKey {
        id: row.text(0)?,
        name: row.text(1)?,
        hash: row.text(2)?,
        shown_prefix: row.text(3)?,
        tags: list_from_json(&row.text(4)?, "list of tags")?,
        models: list_from_json(&row.text(5)?, "list of models")?,
        created: UnixMillis(row.integer(6)?),
        expires: row.optional_integer(7)?.map(UnixMillis),
        revoked: row.optional_integer(8)?.map(UnixMillis),
        last_used: row.optional_integer(9)?.map(UnixMillis),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn key(id: &str, name: &str) -> StoredKey {
        StoredKey {
            id: id.into(),
            name: name.into(),
            hash: format!("hash of {id}"),
            shown_prefix: "sk-relay-abcd".into(),
            tags: vec!["home, sweet".into(), "z".into()],
            models: vec!["openai/*".into()],
            created: UnixMillis(1),
            expires: Some(UnixMillis(99)),
            revoked: None,
            last_used: None,
        }
    }

    #[test]
    fn a_key_is_kept_used_revoked_and_replaced_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        store
            .blocking(|conn| {
                assert!(create(conn, &key("1", "a"))?);
                assert_eq!(list(conn)?, [key("1", "a")]);
                assert!(!create(conn, &key("2", "a"))?, "the name is in use");

                touch(conn, "a", UnixMillis(50))?;
                touch(conn, "a", UnixMillis(40))?;
                touch(conn, "from relay.yaml", UnixMillis(40))?;
                assert_eq!(list(conn)?[0].last_used, Some(UnixMillis(50)));

                assert_eq!(find(conn, "a")?, find(conn, "1")?);
                assert_eq!(find(conn, "b")?, None);
                let changed = StoredKey { tags: vec![], models: vec![], expires: None, ..list(conn)?.remove(0) };
                assert!(change(conn, &changed)?);
                assert_eq!(find(conn, "a")?, Some(changed.clone()));

                assert!(!revoke(conn, "b", UnixMillis(60))?);
                assert!(revoke(conn, "1", UnixMillis(60))?);
                assert!(!revoke(conn, "a", UnixMillis(61))?, "it is revoked already");
                assert_eq!(list(conn)?[0].revoked, Some(UnixMillis(60)));
                assert!(!change(conn, &changed)?, "a revoked key stays as it was");
                assert_eq!((find(conn, "a")?, find(conn, "1")?.map(|key| key.id)), (None, Some("1".to_owned())));
                assert!(create(conn, &key("2", "a"))?, "the name is free again");
                Ok(())
            })
            .unwrap();
    }
}
