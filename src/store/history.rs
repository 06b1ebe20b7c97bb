//! What operators changed: every save and every deletion of an entry, so that each can be undone, and what was done to API
//! keys.

use std::fmt;

use super::StoreError;
use super::driver::{Conn, Param, Row};
use super::entries::key;
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
    /// The relay itself, where it starts with nothing.
    FirstStart,
}

/// As the history names them. Nothing but a token has a colon, so none can be called like somebody else.
impl fmt::Display for Author {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => formatter.write_str("admin"),
            Self::Token(name) => write!(formatter, "token:{name}"),
            Self::CommandLine => formatter.write_str("command line"),
            Self::FirstStart => formatter.write_str("first start"),
        }
    }
}

/// What kind of thing a change is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An entry of this kind.
    Entry(EntryKind),
    /// An API key.
    Key,
}

impl Kind {
    /// Every kind, entries first.
    pub fn all() -> impl Iterator<Item = Self> {
        EntryKind::ALL.into_iter().map(Self::Entry).chain([Self::Key])
    }

    /// One of it: `alias`, `key`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Entry(kind) => kind.word(),
            Self::Key => "key",
        }
    }

    /// All of them, as their page is called: `aliases`, `keys`.
    pub fn section(self) -> &'static str {
        match self {
            Self::Entry(kind) => kind.section(),
            Self::Key => "keys",
        }
    }

    /// The kind of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::all().find(|kind| kind.word() == word)
    }
}

/// What a change is of, beside its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The entry of that name.
    Entry(EntryKind),
    /// The API key of this id: others may have had its name before.
    Key(String),
}

impl Subject {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Entry(kind) => Kind::Entry(*kind),
            Self::Key(_) => Kind::Key,
        }
    }

    /// Which key it is.
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Self::Entry(_) => None,
            Self::Key(id) => Some(id),
        }
    }
}

/// A change of an entry or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Later changes have larger ones.
    pub id: i64,
    /// What was changed.
    pub subject: Subject,
    /// In the spelling it has after the change, or had before it was deleted.
    pub name: String,
    /// Its JSON before; `None`: there was none.
    pub was: Option<String>,
    /// Its JSON after; `None`: it was deleted, or revoked.
    pub became: Option<String>,
    /// When.
    pub changed: UnixMillis,
    /// Who changed it: an [`Author`] in words, maybe of another version of the program.
    pub who: String,
}

/// Which changes are asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of what has this name.
    pub name: Option<String>,
    /// Of the API key of this id.
    pub key_id: Option<String>,
    /// By whom they were made, exactly.
    pub who: Option<String>,
    /// Those before the change of this id.
    pub before: Option<i64>,
}

impl Asked {
    /// All changes of what a change is of.
    fn alike(change: &Change) -> Self {
        let (kind, name) = (Some(change.subject.kind()), Some(change.name.clone()));
        Self { kind, name, key_id: change.subject.key_id().map(str::to_owned), ..Self::default() }
    }
}

/// What was changed, and how: what a [`Change`] will say.
pub(super) struct Done<'a> {
    pub(super) subject: &'a Subject,
    pub(super) name: &'a str,
    pub(super) was: Option<&'a str>,
    pub(super) became: Option<&'a str>,
    pub(super) at: UnixMillis,
}

/// Notes a change, and forgets those that are too many. Belongs into the transaction of the change itself.
pub(super) fn append(tx: &mut Conn<'_>, done: &Done<'_>, who: &Author) -> Result<(), StoreError> {
    tx.execute(
        "insert into entry_history (id, kind, key_id, name_key, name, was, became, changed_ms, who)
         select coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 from entry_history",
        &[
            done.subject.kind().word().into(),
            done.subject.key_id().into(),
            key(done.name).into(),
            done.name.into(),
            done.was.into(),
            done.became.into(),
            done.at.into(),
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

/// The newest change of what a change is of; that may be this one.
///
/// # Errors
/// When the database cannot be read.
pub fn newest(conn: &mut Conn<'_>, change: &Change) -> Result<Option<Change>, StoreError> {
    Ok(recent(conn, &Asked::alike(change), 1)?.pop())
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
    if let Some(id) = &asked.key_id {
        params.push(id.into());
        conditions.push_str(&format!(" and key_id = ${}", params.len()));
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

const COLUMNS: &str = "id, kind, name, was, became, changed_ms, who, key_id";

/// `None`: of a kind this program does not know.
fn read(row: &Row<'_>) -> Result<Option<Change>, StoreError> {
    let subject = match (Kind::of_word(&row.text(1)?), row.optional_text(7)?) {
        (Some(Kind::Entry(kind)), _) => Subject::Entry(kind),
        (Some(Kind::Key), Some(id)) => Subject::Key(id),
        (Some(Kind::Key), None) | (None, _) => return Ok(None),
    };
    Ok(Some(Change {
        id: row.integer(0)?,
        subject,
        name: row.text(2)?,
        was: row.optional_text(3)?,
        became: row.optional_text(4)?,
        changed: UnixMillis(row.integer(5)?),
        who: row.text(6)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::entries::{StoredEntry, write};
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
                let asked =
                    Asked { kind: Some(Kind::Entry(EntryKind::Alias)), name: Some("FAST".into()), ..Asked::default() };
                let said = |list: Vec<Change>| list.into_iter().map(|one| (one.was, one.became)).collect::<Vec<_>>();
                let text = |text: &str| Some(text.to_owned());
                assert_eq!(
                    said(recent(conn, &asked, 9)?),
                    [(text("2"), None), (text("1"), text("2")), (None, text("1"))]
                );
                assert_eq!(said(recent(conn, &Asked { before: Some(2), ..asked }, 9)?), [(None, text("1"))]);
                assert_eq!(recent(conn, &Asked::default(), 2)?.len(), 2);
                assert_eq!(get(conn, 3)?.unwrap().subject, Subject::Entry(EntryKind::Redirect));
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
