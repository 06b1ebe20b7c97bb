//! What was changed, newest first, and what can be undone.

use std::sync::Arc;

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::super::reply::{self, Reply};
use super::super::{Shared, words};
use super::difference::{Difference, differences};
use crate::clock::UnixMillis;
use crate::store::history::{self, Asked, Change, Kind};
use crate::store::{Conn, StoreError};

/// Changes of a page.
const SHOWN: u32 = 50;

#[derive(Template)]
#[template(path = "history.html")]
struct History {
    kinds: Vec<Choice>,
    name: String,
    /// Everybody who made a change, if there is a choice.
    authors: Vec<Person>,
    is_filtered: bool,
    changes: Vec<ChangeRow>,
    /// Where older ones are; empty: there are none.
    older: String,
    /// Where the newest ones are; empty: these are.
    newest: String,
    now: String,
}

struct Choice {
    value: &'static str,
    /// The page with this one chosen.
    address: String,
    words: &'static str,
    is_chosen: bool,
}

struct Person {
    name: String,
    is_chosen: bool,
}

struct ChangeRow {
    id: i64,
    time: String,
    full_time: String,
    who: String,
    /// `created`, `changed`, `deleted`, `revoked`.
    what: &'static str,
    kind: &'static str,
    name: String,
    /// The page of the entry; empty: it is gone since.
    address: String,
    differences: Vec<Difference>,
    /// How it is taken back; none: it cannot be.
    undo: Option<Undo>,
    /// Why it cannot be.
    note: &'static str,
}

/// A button that takes a change back.
#[derive(Clone, Copy)]
struct Undo {
    words: &'static str,
    /// The same, before what is taken back.
    label: &'static str,
    /// What is asked first, and the button that says yes; empty: nothing.
    question: &'static str,
    yes: &'static str,
    /// Something has changed it since, which does not matter.
    force: bool,
}

impl Undo {
    const NEWEST: Self = Self { words: "Undo", label: "Undo", question: "", yes: "", force: false };
    const OLDER: Self = Self {
        words: "Put back…",
        label: "Put back what was before",
        question: "It has been changed again since. Put back what was before this change all the same?",
        yes: "Put it back",
        force: true,
    };
    const MADE_KEY: Self = Self {
        words: "Revoke…",
        label: "Revoke to undo",
        question: "Before this there was no such key, so undoing it revokes the key. A revoked key cannot come back.",
        yes: "Revoke",
        force: true,
    };
}

/// The page.
pub(in crate::admin) async fn history(shared: &Arc<Shared>, query: &str) -> Reply {
    let mut asked = Asked::default();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.trim();
        match &*key {
            "kind" => asked.kind = Kind::of_word(value),
            "name" if !value.is_empty() => asked.name = Some(value.to_owned()),
            "who" if !value.is_empty() => asked.who = Some(value.to_owned()),
            "before" => asked.before = value.parse().ok(),
            _ => {}
        }
    }
    match shared.store.run(move |conn| page(conn, &asked, UnixMillis::now())).await {
        Ok(page) => reply::page(200, &page),
        Err(error) => reply::no_database(&error),
    }
}

fn page(conn: &mut Conn<'_>, asked: &Asked, now: UnixMillis) -> Result<History, StoreError> {
    let mut changes = history::recent(conn, asked, SHOWN + 1)?;
    let has_older = changes.len() > SHOWN as usize;
    changes.truncate(SHOWN as usize);
    let address = |kind: Option<Kind>, before: Option<i64>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kind.map(|kind| ("kind", kind.word())));
        query.extend_pairs(asked.name.as_ref().map(|name| ("name", name)));
        query.extend_pairs(asked.who.as_ref().map(|who| ("who", who)));
        query.extend_pairs(before.map(|id| ("before", id.to_string())));
        format!("/history?{}", query.finish())
    };
    let older = changes.last().filter(|_| has_older).map(|last| address(asked.kind, Some(last.id)));
    let mut rows = Vec::new();
    for change in changes {
        let newest = history::newest(conn, &change)?;
        rows.push(ChangeRow::new(change, newest.as_ref(), now));
    }
    let choice = |kind: Option<Kind>| Choice {
        value: kind.map_or("", Kind::word),
        address: address(kind, None),
        words: kind.map_or("all", Kind::section),
        is_chosen: kind == asked.kind,
    };
    Ok(History {
        kinds: [None].into_iter().chain(Kind::all().map(Some)).map(choice).collect(),
        is_filtered: asked.kind.is_some() || asked.name.is_some() || asked.who.is_some(),
        authors: authors(history::authors(conn)?, asked.who.as_deref()),
        newest: if asked.before.is_some() { address(asked.kind, None) } else { String::new() },
        name: asked.name.clone().unwrap_or_default(),
        changes: rows,
        older: older.unwrap_or_default(),
        now: words::moment(now, "%Y-%m-%d %H:%M:%S UTC"),
    })
}

/// Who can be chosen. Where one alone changes things there is no choice, unless somebody else is asked for.
fn authors(mut all: Vec<String>, asked: Option<&str>) -> Vec<Person> {
    all.extend(asked.filter(|asked| !all.iter().any(|one| one == asked)).map(str::to_owned));
    if all.len() < 2 && asked.is_none() {
        return Vec::new();
    }
    let person = |name: String| Person { is_chosen: asked == Some(&name), name };
    all.into_iter().map(person).collect()
}

/// How a change can be taken back. A key that was revoked, by this change or since, stays so.
fn undo(change: &Change, newest: Option<&Change>) -> Option<Undo> {
    let newest = newest?;
    Some(match change.subject.kind() {
        Kind::Key if newest.became.is_none() => return None,
        Kind::Key if change.was.is_none() => Undo::MADE_KEY,
        Kind::Entry(_) | Kind::Key if newest.id == change.id => Undo::NEWEST,
        Kind::Entry(_) | Kind::Key => Undo::OLDER,
    })
}

/// What stands there, as people read it.
fn told(kind: Kind, text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    match kind {
        Kind::Entry(_) => {
            // Which row has a provider's key says nothing to people; how the key ends does.
            value.get_mut("key").and_then(Value::as_object_mut).map(|key| key.remove("id"));
            value
        }
        Kind::Key => {
            let list = |name: &str, none: &str| match value[name].as_array() {
                Some(list) if !list.is_empty() => Value::from(list.clone()),
                Some(_) | None => Value::from(none),
            };
            let expires = value["expires_ms"].as_i64().map(|at| words::moment(UnixMillis(at), "%Y-%m-%d %H:%M UTC"));
            json!({
                "tags": list("tags", "none"),
                "models": list("models", "all"),
                "expires": expires.unwrap_or_else(|| "never".to_owned()),
            })
        }
    }
}

impl ChangeRow {
    fn new(change: Change, newest: Option<&Change>, now: UnixMillis) -> Self {
        let kind = change.subject.kind();
        let read = |text: &Option<String>| text.as_deref().map(|text| told(kind, text));
        let is_today = words::moment(change.changed, "%F") == words::moment(now, "%F");
        let is_there = newest.is_some_and(|newest| newest.became.is_some());
        let name = utf8_percent_encode(&change.name, NON_ALPHANUMERIC);
        Self {
            time: words::moment(change.changed, if is_today { "%H:%M:%S" } else { "%b %-d, %H:%M" }),
            full_time: words::moment(change.changed, "%FT%TZ"),
            what: match (&change.was, &change.became, kind) {
                (None, _, _) => "created",
                (Some(_), Some(_), _) => "changed",
                (Some(_), None, Kind::Entry(_)) => "deleted",
                (Some(_), None, Kind::Key) => "revoked",
            },
            kind: kind.word(),
            address: if is_there { format!("/{}?name={name}", kind.section()) } else { String::new() },
            differences: differences(read(&change.was).as_ref(), read(&change.became).as_ref()),
            undo: undo(&change, newest),
            note: match (kind, &change.became) {
                (Kind::Key, None) => "A revoked key cannot come back.",
                (Kind::Key, Some(_)) if !is_there => "It was revoked since.",
                (Kind::Key | Kind::Entry(_), _) => "",
            },
            id: change.id,
            who: change.who,
            name: change.name,
        }
    }
}
