//! Entries as the API shows them, wherever they were made.

use http::HeaderValue;
use http::header::ETAG;
use serde::Serialize;
use serde_json::{Map, Value, json};
use serde_with_macros::skip_serializing_none;

use super::super::Shared;
use super::super::reply::Reply;
use super::error::ApiError;
use crate::catalog::{Entry, Named, Origin, version_of};
use crate::clock::UnixMillis;
use crate::config::{Definition, Problem};
use crate::entry_kind::EntryKind;
use crate::store::entries::StoredEntry;

/// An entry.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Shown {
    pub(in crate::admin) name: String,
    pub(in crate::admin) origin: Origin,
    /// Where the file has it.
    pub(in crate::admin) place: Option<String>,
    pub(super) version: String,
    /// When it was last saved in the database.
    pub(super) updated_ms: Option<UnixMillis>,
    /// What it says, under the word of its kind; if it cannot be read, whatever is there.
    #[serde(flatten)]
    pub(in crate::admin) definition: Map<String, Value>,
    pub(in crate::admin) problems: Vec<Problem>,
}

/// The file's entries of a kind, in its order.
pub(in crate::admin) fn all_in_the_file(shared: &Shared, kind: EntryKind) -> Vec<Shown> {
    let catalog = shared.catalog.load_full();
    match kind {
        EntryKind::Alias => {
            catalog.aliases().iter().filter_map(|named| in_file(shared, named, Entry::Alias(&named.entry))).collect()
        }
        EntryKind::Redirect => {
            let shown = |named| in_file(shared, named, Entry::Redirect(&named.entry));
            catalog.redirects().iter().filter_map(shown).collect()
        }
        EntryKind::Router => {
            catalog.routers().iter().filter_map(|named| in_file(shared, named, Entry::Router(&named.entry))).collect()
        }
        // `settings` shows them.
        EntryKind::Setting => Vec::new(),
        // Those have more to show: see `providers`.
        EntryKind::Provider => Vec::new(),
        // What the file says of a model is laid under this, and shown as a fact of the model.
        EntryKind::Model => Vec::new(),
    }
}

/// The file's entry of a name.
pub(super) fn in_the_file(shared: &Shared, kind: EntryKind, name: &str) -> Option<Shown> {
    let catalog = shared.catalog.load_full();
    match kind {
        EntryKind::Alias => {
            catalog.aliases().get(name).and_then(|named| in_file(shared, named, Entry::Alias(&named.entry)))
        }
        EntryKind::Redirect => {
            catalog.redirects().get(name).and_then(|named| in_file(shared, named, Entry::Redirect(&named.entry)))
        }
        EntryKind::Router => {
            catalog.routers().get(name).and_then(|named| in_file(shared, named, Entry::Router(&named.entry)))
        }
        EntryKind::Setting => None,
        EntryKind::Provider => None,
        EntryKind::Model => None,
    }
}

fn in_file<T: Serialize>(shared: &Shared, named: &Named<T>, entry: Entry<'_>) -> Option<Shown> {
    (named.origin == Origin::File).then(|| Shown {
        name: named.name.clone(),
        origin: Origin::File,
        place: Some(shared.in_force.place(entry.kind(), &named.name)),
        version: named.version.clone(),
        updated_ms: None,
        definition: under(entry.kind(), json!(named.entry)),
        problems: shared.in_force.check(&named.name, entry),
    })
}

/// An entry of the database.
pub(in crate::admin) fn from_the_database(shared: &Shared, stored: &StoredEntry) -> Shown {
    let (definition, problems) = match Definition::read(stored.kind, stored.definition.as_bytes()) {
        Ok(definition) => (json!(definition), shared.in_force.check(&stored.name, (&definition).into())),
        Err(error) => {
            let place = format!("{}.{}", stored.kind.section(), stored.name);
            let problems = vec![Problem::error(place, format!("cannot be read: {error}"))];
            (as_it_stands(&stored.definition), problems)
        }
    };
    Shown {
        name: stored.name.clone(),
        origin: Origin::Database,
        place: None,
        version: version_of(&stored.definition),
        updated_ms: Some(stored.updated),
        definition: under(stored.kind, definition),
        problems,
    }
}

/// A provider's key is shown beside what can be sent back, not in it.
fn with_key_beside(mut shown: Map<String, Value>) -> Map<String, Value> {
    let word = EntryKind::Provider.word();
    let key = shown.get_mut(word).and_then(Value::as_object_mut).and_then(|provider| provider.shift_remove("key"));
    let ends_with = key.and_then(|mut key| key.as_object_mut()?.remove("ends_with"));
    shown.insert("key".to_owned(), ends_with.map_or(Value::Null, |ends_with| json!({ "ends_with": ends_with })));
    shown
}

/// The JSON of the database, whatever it is.
pub(super) fn as_it_stands(definition: &str) -> Value {
    serde_json::from_str(definition).unwrap_or_else(|_| json!(definition))
}

pub(super) fn under(kind: EntryKind, definition: Value) -> Map<String, Value> {
    if let (EntryKind::Setting, Value::Object(setting)) = (kind, &definition) {
        // A setting says its name itself, which is the entry's name.
        return setting.values().map(|value| ("value".to_owned(), value.clone())).collect();
    }
    let shown = Map::from_iter([(kind.word().to_owned(), definition)]);
    if kind == EntryKind::Provider { with_key_beside(shown) } else { shown }
}

/// An entry with its version as the tag that `If-Match` takes.
pub(super) fn tagged(status: u16, shown: &Shown) -> Reply {
    let mut reply = super::json(status, shown);
    let tag = HeaderValue::from_str(&format!("\"{}\"", shown.version));
    reply.headers_mut().extend(tag.ok().map(|tag| (ETAG, tag)));
    reply
}

/// An error that says what is there now, so that nothing is lost.
pub(super) fn with_current(error: ApiError, current: Option<&Shown>) -> ApiError {
    let error = error.with("current", json!(current));
    match current {
        Some(current) => error.header(ETAG, &format!("\"{}\"", current.version)),
        None => error,
    }
}
