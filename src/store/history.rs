//! What operators changed: every save and every deletion of an entry, so that each can be undone.

use std::fmt;

use super::StoreError;
use super::driver::{Conn, Param, Row};
use super::entries::{StoredEntry, key};
use crate::clock::UnixMillis;
use crate::entry_kind::EntryKind;

/// Changes that are kept: the newest ones, whatever they changed.
pub const KEPT: i64 = 10_000;

/// Who changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// Whoever knows the admin password, in a browser or by HTTP Basic.
    Admin,
    /// A script that shows the token of this name.
    Token(String),
    /// Somebody at the relay's own machine: `llm-relay import` and the like.
    CommandLine,
}

/// As the history names them. Nothing but a token has a colon, so none can be called like somebody else.
impl fmt::Display for Author {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => formatter.write_str("admin"),
            Self::Token(name) => write!(formatter, "token:{name}"),
            Self::CommandLine => formatter.write_str("command line"),
        }
    }
}

/// A change of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Later changes have larger ones.
    pub id: i64,
    /// What was changed.
    pub kind: EntryKind,
    /// In the spelling it has after the change, or had before it was deleted.
    pub name: String,
    /// Its JSON before; `None`: there was none.
    pub was: Option<String>,
    /// Its JSON after; `None`: it was deleted.
    pub became: Option<String>,
    /// When.
    pub changed: UnixMillis,
    /// Who changed it: an [`Author`] in words, maybe of another version of the program.
    pub who: String,
}

/// Which changes are asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Of entries of this kind.
    pub kind: Option<EntryKind>,
    /// Of the entries of this name.
    pub name: Option<String>,
    /// By whom they were made, exactly.
    pub who: Option<String>,
    /// Those before the change of this id.
    pub before: Option<i64>,
}

/// Notes a change, and forgets those that are too many. Belongs into the transaction of the change itself.
pub(super) fn append(
    tx: &mut Conn<'_>,
    was: Option<&StoredEntry>,
    becomes: Option<&StoredEntry>,
    changed: UnixMillis,
    who: &Author,
) -> Result<(), StoreError> {
    let Some(entry) = becomes.or(was) else { return Ok(()) };
    let definition = |entry: Option<&StoredEntry>| Param::from(entry.map(|entry| entry.definition.clone()));
    tx.execute(
        "insert into entry_history (id, kind, name_key, name, was, became, changed_ms, who)
         select coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7 from entry_history",
        &[
            entry.kind.word().into(),
            key(&entry.name).into(),
            (&entry.name).into(),
            definition(was),
            definition(becomes),
            changed.into(),
            who.to_string().into(),
        ],
    )?;
    tx.execute("delete from entry_history where id <= (select max(id) from entry_history) - $1", &[KEPT.into()])?;
    Ok(())
}

/// A change.
///
/// # Errors
/// When the database cannot be read.
pub fn get(conn: &mut Conn<'_>, id: i64) -> Result<Option<Change>, StoreError> {
    let sql = format!("select {COLUMNS} from entry_history where id = $1");
    Ok(conn.query(&sql, &[id.into()], read)?.into_iter().flatten().next())
}

/// The latest changes, newest first, at most `limit`.
///
/// # Errors
/// When the database cannot be read.
pub fn recent(conn: &mut Conn<'_>, asked: &Asked, limit: u32) -> Result<Vec<Change>, StoreError> {
    let mut conditions = String::from("id < $1");
    let mut params: Vec<Param<'_>> = vec![asked.before.unwrap_or(i64::MAX).into()];
    if let Some(kind) = asked.kind {
        params.push(kind.word().into());
        conditions.push_str(&format!(" and kind = ${}", params.len()));
    }
    if let Some(name) = &asked.name {
        params.push(key(name).into());
        conditions.push_str(&format!(" and name_key = ${}", params.len()));
    }
    if let Some(who) = &asked.who {
        params.push(who.into());
        conditions.push_str(&format!(" and who = ${}", params.len()));
    }
    params.push(limit.into());
    let sql =
        format!("select {COLUMNS} from entry_history where {conditions} order by id desc limit ${}", params.len());
    Ok(conn.query(&sql, &params, read)?.into_iter().flatten().collect())
}

/// Everybody who made a change that is kept, by name.
///
/// # Errors
/// When the database cannot be read.
pub fn authors(conn: &mut Conn<'_>) -> Result<Vec<String>, StoreError> {
    conn.query("select distinct who from entry_history order by who", &[], |row| row.text(0))
}

const COLUMNS: &str = "id, kind, name, was, became, changed_ms, who";

/// `None`: of a kind this program does not know.
fn read(row: &Row<'_>) -> Result<Option<Change>, StoreError> {
    let Some(kind) = EntryKind::of_word(&row.text(1)?) else { return Ok(None) };
    Ok(Some(Change {
        id: row.integer(0)?,
        kind,
        name: row.text(2)?,
        was: row.optional_text(3)?,
        became: row.optional_text(4)?,
        changed: UnixMillis(row.integer(5)?),
        who: row.text(6)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::entries::write;
    use super::*;
    use crate::store::Store;

    #[test]
    fn changes_are_kept_in_order_up_to_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let entry = |kind, name: &str, definition: &str| StoredEntry {
            kind,
            name: name.into(),
            definition: definition.into(),
            updated: UnixMillis(7),
        };
        let (first, second) = (entry(EntryKind::Alias, "Fast", "1"), entry(EntryKind::Alias, "fast", "2"));
        let other = entry(EntryKind::Redirect, "fast", "3");
        let ci = Author::Token("ci".into());
        store
            .blocking(|conn| {
                conn.transaction(|tx| {
                    assert!(write(tx, None, Some(&first), &Author::Admin)?);
                    assert!(write(tx, Some(&first), Some(&second), &ci)?);
                    assert!(!write(tx, Some(&first), None, &Author::Admin)?, "it says something else by now");
                    assert!(write(tx, None, Some(&other), &Author::CommandLine)?);
                    write(tx, Some(&second), None, &ci)
                })?;
                let asked = Asked { kind: Some(EntryKind::Alias), name: Some("FAST".into()), ..Asked::default() };
                let said = |list: Vec<Change>| list.into_iter().map(|one| (one.was, one.became)).collect::<Vec<_>>();
                let text = |text: &str| Some(text.to_owned());
                assert_eq!(
                    said(recent(conn, &asked, 9)?),
                    [(text("2"), None), (text("1"), text("2")), (None, text("1"))]
                );
                assert_eq!(said(recent(conn, &Asked { before: Some(2), ..asked }, 9)?), [(None, text("1"))]);
                assert_eq!(recent(conn, &Asked::default(), 2)?.len(), 2);
                assert_eq!(get(conn, 3)?.unwrap().kind, EntryKind::Redirect);
                assert_eq!(authors(conn)?, ["admin", "command line", "token:ci"]);
                let by = |who: &str| Asked { who: Some(who.into()), ..Asked::default() };
                let ids = |list: Vec<Change>| list.into_iter().map(|one| one.id).collect::<Vec<_>>();
                assert_eq!(ids(recent(conn, &by("token:ci"), 9)?), [4, 2]);
                assert_eq!(ids(recent(conn, &by("token:CI"), 9)?), [0; 0]);

                conn.execute("update entry_history set id = id + $1 where id > 1", &[(KEPT - 4).into()])?;
                assert!(get(conn, 1)?.is_some() && get(conn, KEPT)?.is_some());
                conn.transaction(|tx| write(tx, Some(&other), None, &Author::Admin))?;
                assert_eq!(get(conn, 1)?, None, "the oldest one is forgotten");
                assert_eq!(recent(conn, &Asked::default(), 9)?.len(), 4);
                Ok(())
            })
            .unwrap();
    }
}
