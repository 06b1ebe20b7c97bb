//! The catalogue against lists of others: what differs is shown, and what was chosen is applied, all of it or nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::super::reply::Reply;
use super::super::{AskedProvider, Request, Shared, words};
use super::edit::{self, Done, Step};
use super::entries::{put_into_force, to_be_stored, turn};
use super::error::ApiError;
use super::large_body;
use crate::catalog::{Line, Lists, PriceList, compare, version_of};
use crate::clock::UnixMillis;
use crate::config::{Definition, ModelEntry, Problem};
use crate::entry_kind::EntryKind;
use crate::store::entries::{self, StoredEntry};
use crate::store::history::Author;
use crate::store::{Conn, StoreError};

/// Changes that are applied at once, at most.
const MOST: usize = 5_000;

/// What is to be compared with.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wish {
    /// A price list; absent: it is fetched.
    price_list: Option<Box<RawValue>>,
}

/// What a source gave.
#[derive(Debug, Serialize)]
struct SourceShown {
    name: String,
    /// How many models it has.
    models: Option<usize>,
    /// Why it gave nothing.
    error: Option<String>,
}

/// A line, with the version of what is said of the model now.
#[derive(Debug, Serialize)]
struct ShownLine {
    #[serde(flatten)]
    line: Line,
    /// To be sent back when the line is applied; `null`: nothing is said yet.
    version: Option<String>,
}

/// Asks the providers and reads a price list, and says what differs. Nothing is changed but what providers list, which is
/// followed in the background anyhow.
pub(super) async fn sync(shared: &Arc<Shared>, request: Request) -> Result<Reply, ApiError> {
    let text = large_body(request).await?;
    let wish: Wish = if text.is_empty() {
        Wish::default()
    } else {
        serde_json::from_slice(&text).map_err(|error| unreadable(&error))?
    };
    let lists = shared.lists.clone().ok_or_else(|| ApiError::new(503, "no_lists", "no list can be asked here"))?;
    let known_before: HashSet<String> =
        shared.catalog.load().models().iter().map(|model| model.name().to_ascii_lowercase()).collect();
    let fetching = async {
        match &wish.price_list {
            Some(given) => Ok(Bytes::copy_from_slice(given.get().as_bytes())),
            None => lists.fetch_prices().await,
        }
    };
    let (asked, fetched) = tokio::join!(lists.ask_providers(), fetching);
    let date = words::moment(UnixMillis::now(), "%Y-%m-%d");
    let (place, source) = if wish.price_list.is_some() {
        ("the list you gave".to_owned(), format!("litellm, given {date}"))
    } else {
        (lists.price_list_url().to_owned(), format!("litellm {date}"))
    };
    shared
        .with_database(move |shared, conn| {
            let list = fetched.and_then(|text| PriceList::parse(&text).map_err(|error| format!("{place} {error}")));
            let mut sources = vec![SourceShown {
                name: place,
                models: list.as_ref().ok().map(PriceList::len),
                error: list.as_ref().err().cloned(),
            }];
            let mut providers = HashMap::new();
            for AskedProvider { provider, answer } in asked {
                let (models, error) = match answer {
                    Ok(models) => (Some(providers.entry(provider.clone()).or_insert(models).len()), None),
                    Err(error) => (None, Some(error)),
                };
                sources.push(SourceShown { name: provider, models, error });
            }
            let public = list.as_ref().ok().map(|list| (list, source.as_str()));
            let compared =
                compare(&shared.catalog.load(), &Lists { providers: &providers, known_before: &known_before, public });
            let versions = versions(conn)?;
            let lines: Vec<_> = compared
                .into_iter()
                .map(|line| ShownLine { version: versions.get(&line.name.to_ascii_lowercase()).cloned(), line })
                .collect();
            Ok(super::json(200, &json!({ "sources": sources, "lines": lines })))
        })
        .await
}

/// The versions of what is said of models, by lower-cased name.
fn versions(conn: &mut Conn<'_>) -> Result<HashMap<String, String>, StoreError> {
    let stored = entries::list(conn)?.into_iter().filter(|entry| entry.kind == EntryKind::Model);
    Ok(stored.map(|entry| (entry.name.to_ascii_lowercase(), version_of(&entry.definition))).collect())
}

/// What is to become of models.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    changes: Vec<Change>,
}

/// What is to become of a model: `set` is laid over what is said of it, `model` replaces it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: String,
    /// Of what is said of it; `null`: nothing.
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    set: Option<Map<String, Value>>,
    /// `null`: nothing more is said of it.
    #[serde(default, deserialize_with = "present")]
    model: Option<Option<Value>>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Value>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Applies changes of many models: all, or none. The answer has what takes them back.
pub(super) async fn apply(shared: &Arc<Shared>, request: Request, who: Author) -> Result<Reply, ApiError> {
    let text = large_body(request).await?;
    let Changes { changes } = serde_json::from_slice(&text).map_err(|error| unreadable(&error))?;
    if changes.is_empty() || changes.len() > MOST {
        let message = format!("`changes` has 1 to {MOST} changes, not {}", changes.len());
        return Err(ApiError::new(400, "unreadable", message));
    }
    shared
        .with_database(move |shared, conn| {
            let _turn = turn(shared);
            let steps = steps(shared, conn, &changes)?;
            edit::save_all(conn, &steps, &who)?.map_err(|names| stale(&names))?;
            let name = if let [only] = &changes[..] { only.name.clone() } else { format!("{} models", steps.len()) };
            put_into_force(shared, conn, EntryKind::Model, &name, Done::Replaced)?;
            let undo: Vec<_> = steps.iter().map(back).collect();
            Ok(super::json(200, &json!({ "applied": steps.len(), "undo": { "changes": undo } })))
        })
        .await
}

/// What takes a step back, as a change.
fn back(step: &Step) -> Value {
    let name = step.next.as_ref().or(step.current.as_ref()).map(|entry| &entry.name);
    let definition = |entry: &StoredEntry| serde_json::from_str::<Value>(&entry.definition).unwrap_or_default();
    json!({
        "name": name,
        "version": step.next.as_ref().map(|entry| version_of(&entry.definition)),
        "model": step.current.as_ref().map(definition),
    })
}

/// One step for each model, whatever was said of it in how many changes.
fn steps(shared: &Shared, conn: &mut Conn<'_>, changes: &[Change]) -> Result<Vec<Step>, ApiError> {
    let mut order: Vec<String> = Vec::new();
    let mut by_name: HashMap<String, Vec<&Change>> = HashMap::new();
    for change in changes {
        let key = change.name.trim().to_ascii_lowercase();
        let of_name = by_name.entry(key.clone()).or_default();
        if of_name.is_empty() {
            order.push(key);
        }
        of_name.push(change);
    }
    let (mut steps, mut old, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for changes in order.iter().filter_map(|key| by_name.get(key)) {
        let Some(first) = changes.first() else { continue };
        let name = first.name.trim().to_owned();
        let current = entries::get(conn, EntryKind::Model, &name)?;
        let version = current.as_ref().map(|entry| version_of(&entry.definition));
        if changes.iter().any(|change| change.version != version) {
            old.push(name);
            continue;
        }
        match becomes(&name, current.as_ref(), changes) {
            Ok(next) => {
                if let Some(definition) = &next {
                    let found = shared.in_force.check(&name, definition.into());
                    problems.extend(found.into_iter().filter(Problem::is_error));
                }
                steps.push(Step { current, next: next.map(|definition| to_be_stored(name, &definition)) });
            }
            Err(message) => problems.push(Problem::error(format!("models.{name}"), message)),
        }
    }
    if !old.is_empty() {
        return Err(stale(&old));
    }
    if !problems.is_empty() {
        let message = "nothing was applied, because some of it cannot be used as it is; `problems` says why";
        return Err(ApiError::new(422, "invalid", message).with("problems", json!(problems)));
    }
    Ok(steps)
}

/// What is said of a model after all changes; `None`: nothing.
fn becomes(name: &str, current: Option<&StoredEntry>, changes: &[&Change]) -> Result<Option<Definition>, String> {
    let mut says: Option<Value> = match current {
        Some(entry) => Some(serde_json::from_str(&entry.definition).map_err(|error| error.to_string())?),
        None => None,
    };
    for change in changes {
        match (&change.set, &change.model) {
            (Some(set), None) => {
                let mut object = says.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
                object.extend(set.iter().map(|(key, value)| (key.clone(), value.clone())));
                says = Some(Value::Object(object));
            }
            (None, Some(model)) => says = model.clone(),
            (Some(_), Some(_)) | (None, None) => {
                return Err(format!("a change of `{name}` has either `set` or `model`"));
            }
        }
    }
    let read = |value: Value| Definition::read(EntryKind::Model, value.to_string().as_bytes());
    let read = says.map(read).transpose().map_err(|error| error.to_string())?;
    // What leaves everything as it is need not be said.
    Ok(read.filter(|definition| !matches!(definition, Definition::Model(entry) if **entry == ModelEntry::default())))
}

fn stale(names: &[String]) -> ApiError {
    let some: Vec<_> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > some.len() { " and others" } else { "" };
    let message =
        format!("nothing was applied: somebody has changed {}{more} meanwhile; compare again", some.join(", "));
    ApiError::new(412, "changed", message).with("names", json!(names))
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::new(400, "unreadable", format!("the body cannot be read: {error}"))
        .with("line", json!(error.line()))
        .with("column", json!(error.column()))
}
