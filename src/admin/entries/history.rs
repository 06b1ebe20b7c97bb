//! What was changed, newest first, and what can be undone.

use std::sync::Arc;

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::form_urlencoded;

use super::super::reply::{self, Reply};
use super::super::{Shared, words};
use super::difference::{Difference, differences};
use crate::clock::UnixMillis;
use crate::entry_kind::EntryKind;
use crate::store::history::{self, Asked, Change};
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
    /// `created`, `changed`, `deleted`.
    what: &'static str,
    kind: &'static str,
    name: String,
    /// The page of the entry; empty: it is gone since.
    address: String,
    differences: Vec<Difference>,
    /// Nothing has changed the entry since.
    is_newest: bool,
}

/// The page.
pub(in crate::admin) async fn history(shared: &Arc<Shared>, query: &str) -> Reply {
    let mut asked = Asked::default();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.trim();
        match &*key {
            "kind" => asked.kind = EntryKind::of_word(value),
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
    let address = |kind: Option<EntryKind>, before: Option<i64>| {
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
        let of_it = Asked { kind: Some(change.kind), name: Some(change.name.clone()), ..Asked::default() };
        let newest = history::recent(conn, &of_it, 1)?.pop();
        rows.push(ChangeRow::new(change, newest.as_ref(), now));
    }
    let choice = |kind: Option<EntryKind>| Choice {
        value: kind.map_or("", EntryKind::word),
        address: address(kind, None),
        words: kind.map_or("all", EntryKind::section),
        is_chosen: kind == asked.kind,
    };
    Ok(History {
        kinds: [None].into_iter().chain(EntryKind::ALL.map(Some)).map(choice).collect(),
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

impl ChangeRow {
    fn new(change: Change, newest: Option<&Change>, now: UnixMillis) -> Self {
        let read = |text: &Option<String>| -> Option<Value> {
            let text = text.as_deref()?;
            let mut value: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
            // Which row has a provider's key says nothing to people; how the key ends does.
            value.get_mut("key").and_then(Value::as_object_mut).map(|key| key.remove("id"));
            Some(value)
        };
        let is_today = words::moment(change.changed, "%F") == words::moment(now, "%F");
        let is_there = newest.is_some_and(|newest| newest.became.is_some());
        let name = utf8_percent_encode(&change.name, NON_ALPHANUMERIC);
        Self {
            time: words::moment(change.changed, if is_today { "%H:%M:%S" } else { "%b %-d, %H:%M" }),
            full_time: words::moment(change.changed, "%FT%TZ"),
            what: match (&change.was, &change.became) {
                (None, _) => "created",
                (Some(_), Some(_)) => "changed",
                (Some(_), None) => "deleted",
            },
            kind: change.kind.word(),
            address: if is_there { format!("/{}?name={name}", change.kind.section()) } else { String::new() },
            differences: differences(read(&change.was).as_ref(), read(&change.became).as_ref()),
            is_newest: newest.is_some_and(|newest| newest.id == change.id),
            id: change.id,
            who: change.who,
            name: change.name,
        }
    }
}
