//! What was changed, and how to take it back.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::reply::{self, Reply};
use super::super::{Request, Shared};
use super::edit::{self, Done};
use super::entries::{judge, put_into_force, refuse_the_files, refuse_what_is_used, to_be_stored, turn};
use super::error::ApiError;
use super::shown::{as_it_stands, from_the_database, tagged, with_current};
use super::{body, keys, providers};
use crate::clock::UnixMillis;
use crate::config::Definition;
use crate::entry_kind::EntryKind;
use crate::store::Conn;
use crate::store::entries::StoredEntry;
use crate::store::history::{self, Asked, Author, Change, Kind, Subject};

/// How many are shown when nobody says, and how many at most.
const USUAL: u32 = 50;
const MOST: u32 = 1_000;

/// A change as the API shows it.
#[derive(Debug, Serialize)]
struct ShownChange {
    id: i64,
    kind: &'static str,
    name: String,
    /// Of which key, where it is one: a name may have been that of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// `null`: there was none.
    before: Option<Value>,
    /// `null`: it was deleted, or revoked.
    after: Option<Value>,
    changed_ms: UnixMillis,
    who: String,
}

impl From<Change> for ShownChange {
    fn from(change: Change) -> Self {
        let definition = |text: Option<String>| text.as_deref().map(as_it_stands);
        Self {
            id: change.id,
            kind: change.subject.kind().word(),
            key_id: change.subject.key_id().map(str::to_owned),
            name: change.name,
            before: definition(change.was),
            after: definition(change.became),
            changed_ms: change.changed,
            who: change.who,
        }
    }
}

/// How to undo.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wish {
    /// Even if something newer has changed the entry since.
    force: bool,
}

/// The newest ones: of a `kind`, of a `name`, by a `who`, `before` a change, at most `limit`.
pub(super) async fn list(shared: &Arc<Shared>, query: &str) -> Result<Reply, ApiError> {
    let (mut asked, mut limit) = (Asked::default(), USUAL);
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let wrong = |expected: &str| ApiError::new(400, "query", format!("`{key}` is {expected}, not `{value}`"));
        let text = || percent_decode_str(value).decode_utf8().map(|text| text.trim().to_owned());
        match key {
            "kind" => {
                let words = || Kind::all().map(Kind::word).collect::<Vec<_>>().join(", ");
                let kind = Kind::of_word(value).ok_or_else(|| wrong(&format!("one of {}", words())))?;
                asked.kind = Some(kind);
            }
            "name" => asked.name = Some(text().map_err(|_| wrong("a name in UTF-8"))?),
            "who" => asked.who = Some(text().map_err(|_| wrong("somebody's name in UTF-8"))?),
            "before" => asked.before = Some(value.parse().map_err(|_| wrong("the id of a change"))?),
            "limit" => {
                let number = value.parse().ok().filter(|number| (1..=MOST).contains(number));
                limit = number.ok_or_else(|| wrong("a number from 1 to 1000"))?;
            }
            _ => {
                let message = format!("there is `kind`, `name`, `who`, `before` and `limit`, not `{key}`");
                return Err(ApiError::new(400, "query", message));
            }
        }
    }
    shared
        .with_database(move |_, conn| {
            let changes = history::recent(conn, &asked, limit)?;
            let changes: Vec<_> = changes.into_iter().map(ShownChange::from).collect();
            Ok(super::json(200, &json!({ "history": changes })))
        })
        .await
}

/// Puts back what was before a change, under the rules of a save or a deletion. This is a change, too.
pub(super) async fn undo(shared: &Arc<Shared>, id: &str, request: Request, who: Author) -> Result<Reply, ApiError> {
    let unknown = || ApiError::new(404, "no_such_change", "there is no such change, or it is no longer remembered");
    let id: i64 = id.parse().map_err(|_| unknown())?;
    let text = body(&request.headers, request.body).await?;
    let wish: Wish = if text.is_empty() {
        Wish::default()
    } else {
        serde_json::from_slice(&text).map_err(|error| ApiError::new(400, "unreadable", error.to_string()))?
    };
    shared
        .with_database(move |shared, conn| {
            let _turn = turn(shared);
            let change = history::get(conn, id)?.ok_or_else(unknown)?;
            match &change.subject {
                Subject::Entry(kind) => undo_of_entry(shared, conn, *kind, &change, wish, &who),
                Subject::Key(id) => keys::undo(shared, conn, id, &change, wish.force, &who),
            }
        })
        .await
}

fn undo_of_entry(
    shared: &Shared,
    conn: &mut Conn<'_>,
    kind: EntryKind,
    change: &Change,
    Wish { force }: Wish,
    who: &Author,
) -> Result<Reply, ApiError> {
    let name = change.name.clone();
    refuse_the_files(shared, kind, &name)?;
    let mut earlier = change.was.as_deref().map(|text| earlier(kind, &name, text)).transpose()?;
    let forgotten = providers::drop_forgotten_key(conn, &name, earlier.as_mut())?;
    let back = earlier.as_ref().map(|definition| to_be_stored(name.clone(), definition));
    // What is newer stands in the way first: it may be the reason for whatever else is wrong.
    let blocked = |current: Option<StoredEntry>| {
        let current = current.map(|stored| from_the_database(shared, &stored));
        let message = format!(
            "the {} `{name}` has been changed since; `current` is what it says now, `\"force\": true` undoes it all",
            kind.word()
        );
        with_current(ApiError::new(409, "changed_since", message), current.as_ref())
    };
    if !force {
        edit::stands(conn, kind, change)?.map_err(blocked)?;
    }
    let mut problems = match &earlier {
        Some(definition) => judge(shared, &name, definition)?,
        None => {
            refuse_what_is_used(shared, kind, &name)?;
            Vec::new()
        }
    };
    problems.extend(forgotten);
    edit::undo(conn, kind, change, back.as_ref(), force, who)?.map_err(blocked)?;
    let done = if back.is_some() { Done::Replaced } else { Done::Deleted };
    put_into_force(shared, conn, kind, &name, done)?;
    let Some(stored) = back else { return Ok(reply::bytes(204, "application/json", "")) };
    let mut shown = from_the_database(shared, &stored);
    shown.problems = problems;
    Ok(tagged(200, &shown))
}

/// What was before a change. It may have been written by another version of the program.
fn earlier(kind: EntryKind, name: &str, text: &str) -> Result<Definition, ApiError> {
    Definition::read(kind, text.as_bytes()).map_err(|error| {
        let message = format!("what the {} `{name}` was before cannot be read: {error}", kind.word());
        ApiError::new(422, "invalid", message).with("problems", json!([]))
    })
}
