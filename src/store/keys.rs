//! API keys made by us. Only hashes are here. What is done to one is noted in the history, without anything of the key.

use serde_json::json;

use super::driver::{Conn, Row};
use super::history::{self, Author, Done, Subject};
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

impl StoredKey {
    /// What can be changed of it, as JSON: `tags`, `models`, `expires_ms`.
    pub fn terms(&self) -> String {
        json!({ "tags": self.tags, "models": self.models, "expires_ms": self.expires }).to_string()
    }
}

/// Adds a key. `false`: a key with this name is in use, and nothing was changed. Belongs into a transaction.
///
/// # Errors
/// When the database cannot be written.
pub fn create(tx: &mut Conn<'_>, key: &StoredKey, who: &Author) -> Result<bool, StoreError> {
    let changed = tx.execute(
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
    if changed == 1 {
        note(tx, key, None, Some(&key.terms()), UnixMillis::now(), who)?;
    }
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

/// Writes the tags, models and expiry of a key that is in use. `false`: there is none of this id. Belongs into a
/// transaction.
///
/// # Errors
/// When the database cannot be written.
pub fn change(tx: &mut Conn<'_>, key: &StoredKey, who: &Author) -> Result<bool, StoreError> {
    let Some(before) = find(tx, &key.id)?.filter(|before| before.id == key.id && before.revoked.is_none()) else {
        return Ok(false);
    };
    let (was, became) = (before.terms(), key.terms());
    if was != became {
        tx.execute(
            "update api_keys set tags = $1, models = $2, expires_ms = $3 where id = $4",
            &[list_to_json(&key.tags).into(), list_to_json(&key.models).into(), key.expires.into(), (&key.id).into()],
        )?;
        note(tx, &before, Some(&was), Some(&became), UnixMillis::now(), who)?;
    }
    Ok(true)
}

/// Takes a key back, named by its name or its id. `false`: there is none in use that is called so. Belongs into a
/// transaction.
///
/// # Errors
/// When the database cannot be written.
pub fn revoke(tx: &mut Conn<'_>, name_or_id: &str, now: UnixMillis, who: &Author) -> Result<bool, StoreError> {
    let Some(key) = find(tx, name_or_id)?.filter(|key| key.revoked.is_none()) else { return Ok(false) };
    tx.execute("update api_keys set revoked_ms = $1 where id = $2", &[now.into(), (&key.id).into()])?;
    note(tx, &key, Some(&key.terms()), None, now, who)?;
    Ok(true)
}

fn note(
    tx: &mut Conn<'_>,
    key: &StoredKey,
    was: Option<&str>,
    became: Option<&str>,
    at: UnixMillis,
    who: &Author,
) -> Result<(), StoreError> {
    history::append(tx, &Done { subject: &Subject::Key(key.id.clone()), name: &key.name, was, became, at }, who)
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
    use crate::store::history::{Asked, Kind};

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
                assert!(create(conn, &key("1", "a"), &Author::FirstStart)?);
                assert_eq!(list(conn)?, [key("1", "a")]);
                assert!(!create(conn, &key("2", "a"), &Author::Admin)?, "the name is in use");

                touch(conn, "a", UnixMillis(50))?;
                touch(conn, "a", UnixMillis(40))?;
                touch(conn, "from relay.yaml", UnixMillis(40))?;
                assert_eq!(list(conn)?[0].last_used, Some(UnixMillis(50)));

                assert_eq!(find(conn, "a")?, find(conn, "1")?);
                assert_eq!(find(conn, "b")?, None);
                let changed = StoredKey { tags: vec![], models: vec![], expires: None, ..list(conn)?.remove(0) };
                assert!(change(conn, &changed, &Author::Admin)?);
                assert!(change(conn, &changed, &Author::Admin)?, "saying the same again is fine, and no change");
                assert_eq!(find(conn, "a")?, Some(changed.clone()));

                assert!(!revoke(conn, "b", UnixMillis(60), &Author::CommandLine)?);
                assert!(revoke(conn, "1", UnixMillis(60), &Author::CommandLine)?);
                assert!(!revoke(conn, "a", UnixMillis(61), &Author::CommandLine)?, "it is revoked already");
                assert_eq!(list(conn)?[0].revoked, Some(UnixMillis(60)));
                assert!(!change(conn, &changed, &Author::Admin)?, "a revoked key stays as it was");
                assert_eq!((find(conn, "a")?, find(conn, "1")?.map(|key| key.id)), (None, Some("1".to_owned())));
                assert!(create(conn, &key("2", "a"), &Author::Admin)?, "the name is free again");

                let asked = Asked { kind: Some(Kind::Key), name: Some("A".into()), ..Asked::default() };
                let all = history::recent(conn, &asked, 9)?;
                assert!(all.iter().all(|one| !format!("{one:?}").contains("hash of")), "{all:?}");
                let told = all.iter().map(|one| (one.subject.key_id(), one.was.is_some(), one.became.is_some()));
                let (first, second) = (Some("1"), Some("2"));
                let expected = [(second, false, true), (first, true, false), (first, true, true), (first, false, true)];
                assert_eq!(told.collect::<Vec<_>>(), expected);
                let who: Vec<_> = all.iter().map(|one| one.who.as_str()).collect();
                assert_eq!(who, ["admin", "command line", "admin", "first start"]);
                let edit = &all[2];
                assert_eq!(edit.became.as_deref(), Some(r#"{"tags":[],"models":[],"expires_ms":null}"#));
                assert_eq!(history::newest(conn, edit)?.as_ref(), Some(&all[1]), "another key has its name since");
                Ok(())
            })
            .unwrap();
    }
}
