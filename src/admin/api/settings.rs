//! Settings: each is an entry of its own, with what it is where nobody has set it, and who else says it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use serde_with_macros::skip_serializing_none;

use super::super::Shared;
use super::super::reply::Reply;
use super::error::ApiError;
use super::shown::{from_the_database, tagged};
use crate::catalog::version_of;
use crate::clock::UnixMillis;
use crate::config::{Definition, LiveSettings, Problem, Setting};
use crate::entry_kind::EntryKind;
use crate::store::entries::{self, StoredEntry};

/// A setting.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
pub(in crate::admin) struct ShownSetting {
    pub(in crate::admin) name: &'static str,
    pub(in crate::admin) origin: SettingOrigin,
    /// Where it is locked: the variable, or the line of the file.
    pub(in crate::admin) place: Option<String>,
    /// What `If-Match` takes, where it is the database's.
    pub(in crate::admin) version: Option<String>,
    pub(in crate::admin) updated_ms: Option<UnixMillis>,
    /// What is in force.
    pub(in crate::admin) value: Option<Value>,
    /// What would be in force if nobody had set it.
    pub(in crate::admin) default: Option<Value>,
    pub(in crate::admin) problems: Vec<Problem>,
}

/// Who says what a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::admin) enum SettingOrigin {
    /// Nobody.
    Default,
    /// The API or the page.
    Database,
    /// A variable, which locks it.
    Environment,
    /// `relay.yaml`, which locks it.
    File,
}

/// All of them.
pub(super) async fn list(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    shared
        .with_database(|shared, conn| {
            let stored = entries::list(conn)?;
            Ok(super::json(200, &json!({ "settings": all(shared, &stored) })))
        })
        .await
}

/// One of them.
pub(super) async fn get(shared: &Arc<Shared>, name: String) -> Result<Reply, ApiError> {
    shared
        .with_database(move |shared, conn| {
            if let Some(stored) = entries::get(conn, EntryKind::Setting, &name)?
                && lock(shared, &name).is_none()
            {
                return Ok(tagged(200, &from_the_database(shared, &stored)));
            }
            let shown = all(shared, &[]).into_iter().find(|shown| shown.name == name);
            Ok(super::json(200, &shown.ok_or_else(|| unknown(&name))?))
        })
        .await
}

/// Every setting, in the order in which people look for them.
pub(in crate::admin) fn all(shared: &Shared, stored: &[StoredEntry]) -> Vec<ShownSetting> {
    let live = LiveSettings::clone(&shared.in_force.settings());
    // The file's default model is the catalog's business.
    let default_model = shared.catalog.load().default_model().map(str::to_owned);
    let live = LiveSettings { default_model, ..live };
    live.all().into_iter().zip(LiveSettings::default().all()).map(|pair| shown(shared, stored, pair)).collect()
}

fn shown(shared: &Shared, stored: &[StoredEntry], (live, default): (Setting, Setting)) -> ShownSetting {
    let name = live.name();
    let is_it = |entry: &&StoredEntry| entry.kind == EntryKind::Setting && entry.name == name;
    let stored = stored.iter().find(is_it);
    let (origin, place) = match lock(shared, name) {
        Some((origin, place)) => (origin, Some(place)),
        None if stored.is_some() => (SettingOrigin::Database, None),
        None => (SettingOrigin::Default, None),
    };
    let stored = stored.filter(|_| origin == SettingOrigin::Database);
    ShownSetting {
        name,
        origin,
        place,
        version: stored.map(|entry| version_of(&entry.definition)),
        updated_ms: stored.map(|entry| entry.updated),
        value: value(&live),
        default: value(&default),
        problems: stored.map_or_else(Vec::new, |entry| from_the_database(shared, entry).problems),
    }
}

/// The value alone.
fn value(setting: &Setting) -> Option<Value> {
    let setting = serde_json::to_value(setting).ok()?;
    setting.as_object()?.values().next().cloned()
}

/// Who else says what a setting is, so that it cannot be changed here, and where.
fn lock(shared: &Shared, name: &str) -> Option<(SettingOrigin, String)> {
    let fixed = shared.policy.fixed.iter().find(|setting| setting.name() == name);
    if let Some(variable) = fixed.and_then(Setting::variable) {
        return Some((SettingOrigin::Environment, variable.to_owned()));
    }
    let is_the_files = name == DEFAULT_MODEL && shared.catalog.load().default_is_the_files();
    is_the_files.then(|| (SettingOrigin::File, shared.in_force.place(EntryKind::Setting, name)))
}

/// Where else a setting is said, if it is.
pub(super) fn place(shared: &Shared, name: &str) -> Option<String> {
    lock(shared, name).map(|(_, place)| place)
}

const DEFAULT_MODEL: &str = "default_model";

/// Refuses to change what file or environment say, and what is no setting.
pub(super) fn refuse_the_locked(shared: &Shared, name: &str) -> Result<(), ApiError> {
    if !is_one(name) {
        return Err(unknown(name));
    }
    let Some((origin, place)) = lock(shared, name) else { return Ok(()) };
    let (code, message) = if origin == SettingOrigin::File {
        ("managed_by_file", format!("the setting `{name}` is managed by the file: change it at {place}"))
    } else {
        ("managed_by_environment", format!("{place} says what `{name}` is: change it there and start again"))
    };
    Err(ApiError::new(409, code, message).with("place", json!(place)))
}

/// Reads `{"value": …}` as a setting of this name.
pub(super) fn read(name: &str, body: &[u8]) -> Result<Definition, ApiError> {
    if !is_one(name) {
        return Err(unknown(name));
    }
    let unreadable = |why: &str| {
        ApiError::new(400, "unreadable", format!("the body is no `{name}`, which is {{\"value\": …}}: {why}"))
    };
    let mut body: Map<String, Value> = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    let value = body.remove("value").ok_or_else(|| unreadable("there is no `value`"))?;
    if let Some(unknown) = body.keys().next() {
        return Err(unreadable(&format!("there is no `{unknown}`")));
    }
    let setting = serde_json::from_value(json!({ name: value })).map_err(|error| unreadable(&error.to_string()))?;
    Ok(Definition::Setting(setting))
}

fn is_one(name: &str) -> bool {
    LiveSettings::default().all().iter().any(|setting| setting.name() == name)
}

fn unknown(name: &str) -> ApiError {
    let known = LiveSettings::default().all().map(|setting| setting.name()).join(", ");
    ApiError::new(404, "no_such_setting", format!("there is no setting `{name}`; there is {known}"))
}
