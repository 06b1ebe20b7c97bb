//! What is shown of a provider: what it says, where that comes from, and how it does.

use std::collections::HashMap;

use http::HeaderValue;
use http::header::ETAG;
use serde::Serialize;
use serde_json::{Map, Value, json};
use serde_with_macros::skip_serializing_none;
use url::Url;

use super::super::super::Shared;
use super::super::super::reply::Reply;
use super::super::entries::unknown;
use super::super::error::ApiError;
use super::super::shown::{Shown, from_the_database, under};
use super::KIND;
use crate::catalog::{Api, Catalog, Provider, ProviderOrigin, ProviderState};
use crate::clock::UnixMillis;
use crate::config::{Problem, ProtocolWord};
use crate::protocol::Protocol;
use crate::store::entries::{self, StoredEntry};
use crate::store::{Conn, StoreError};

/// A provider.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub(in crate::admin) struct ShownProvider {
    #[serde(flatten)]
    pub(in crate::admin) entry: ShownEntry,
    /// `ready`, `missing`, `disabled` or `unusable`.
    pub(in crate::admin) state: &'static str,
    /// What is missing, or why it cannot be used.
    pub(in crate::admin) reason: Option<String>,
    /// What it speaks.
    pub(in crate::admin) protocol: Option<&'static str>,
    /// Where it is, without credentials.
    pub(in crate::admin) address: Option<String>,
    /// How many models of it can be asked for.
    pub(in crate::admin) models: usize,
    /// It cannot be asked for its models.
    pub(in crate::admin) failing: Option<Failing>,
}

/// What every entry shows; here it may also come from elsewhere, and need not have a version.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub(in crate::admin) struct ShownEntry {
    pub(in crate::admin) name: String,
    /// `built_in`, `environment`, `file` or `database`.
    pub(in crate::admin) origin: &'static str,
    /// The settings, or where the file has it.
    pub(in crate::admin) place: Option<String>,
    pub(in crate::admin) version: Option<String>,
    pub(in crate::admin) updated_ms: Option<UnixMillis>,
    /// `provider`, as it can be sent, and `key`.
    #[serde(flatten)]
    pub(in crate::admin) definition: Map<String, Value>,
    pub(in crate::admin) problems: Vec<Problem>,
}

/// Since when, and why.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Failing {
    pub(in crate::admin) since_ms: UnixMillis,
    pub(in crate::admin) reason: String,
}

/// All of them, in catalogue order, then those of the database that are none.
pub(in crate::admin) fn all(shared: &Shared, conn: &mut Conn<'_>) -> Result<Vec<ShownProvider>, StoreError> {
    let catalog = shared.catalog.load_full();
    let stored = entries::list(conn)?.into_iter().filter(|entry| entry.kind == KIND);
    let mut stored: HashMap<String, StoredEntry> =
        stored.map(|entry| (entry.name.to_ascii_lowercase(), entry)).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for model in catalog.models().iter().filter(|model| model.enabled) {
        *counts.entry(model.provider.id.as_str()).or_default() += 1;
    }
    let shown = catalog.providers().iter().map(|provider| {
        let models = counts.get(provider.id.as_str()).copied().unwrap_or_default();
        of_catalog(shared, provider, stored.remove(&provider.id.to_ascii_lowercase()).as_ref(), models)
    });
    let mut all: Vec<ShownProvider> = shown.collect();
    let mut rest: Vec<_> = stored.into_values().collect();
    rest.sort_by(|one, other| one.name.cmp(&other.name));
    all.extend(rest.iter().map(|entry| unusable(shared, entry)));
    Ok(all)
}

/// The one of a name.
pub(super) fn one(shared: &Shared, conn: &mut Conn<'_>, name: &str) -> Result<ShownProvider, ApiError> {
    let catalog = shared.catalog.load_full();
    let stored = entries::get(conn, KIND, name)?;
    match (catalog.provider(name), stored) {
        (Some(provider), stored) => Ok(of_catalog(shared, provider, stored.as_ref(), count(&catalog, provider))),
        (None, Some(stored)) => Ok(unusable(shared, &stored)),
        (None, None) => Err(unknown(KIND, name)),
    }
}

impl ShownProvider {
    /// The answer that shows it, with its version as the tag that `If-Match` takes.
    pub(super) fn into_reply(self, status: u16) -> Reply {
        let mut reply = super::super::json(status, &self);
        let tag = self.entry.version.and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok());
        reply.headers_mut().extend(tag.map(|tag| (ETAG, tag)));
        reply
    }
}

/// A definition of the database as `provider`, which can be sent back as it is, and `key`.
pub(super) fn sendable(definition: Value) -> Map<String, Value> {
    under(KIND, definition)
}

fn count(catalog: &Catalog, provider: &Provider) -> usize {
    catalog.models().iter().filter(|model| model.enabled && model.provider.id == provider.id).count()
}

fn of_catalog(shared: &Shared, provider: &Provider, stored: Option<&StoredEntry>, models: usize) -> ShownProvider {
    let (state, reason) = match &provider.state {
        ProviderState::Ready => ("ready", None),
        ProviderState::NoKey(setting) => ("missing", Some(setting.clone())),
        ProviderState::Disabled => ("disabled", None),
        ProviderState::Unusable(reason) => ("unusable", Some(reason.clone())),
    };
    let mut entry = match (&provider.origin, stored) {
        (ProviderOrigin::Database, Some(stored)) => of_database(from_the_database(shared, stored)),
        (ProviderOrigin::Database | ProviderOrigin::BuiltIn, _) => locked(provider, "built_in", None),
        (ProviderOrigin::File, _) => locked(provider, "file", Some(shared.in_force.place(KIND, &provider.id))),
        (ProviderOrigin::Environment(settings), _) => locked(provider, "environment", Some(settings.join(", "))),
    };
    if let (ProviderOrigin::Environment(settings), Some(_)) = (&provider.origin, stored) {
        let message = format!(
            "the database has a provider of this name, too, which does not count: unset {}, or delete it",
            settings.join(" and ")
        );
        entry.problems.push(Problem::warning(format!("providers.{}", provider.id), message));
    }
    let failing = provider.is_ready().then(|| shared.in_force.failing(&provider.id)).flatten();
    ShownProvider {
        entry,
        state,
        reason,
        protocol: Some(word(provider)),
        address: Some(address(&provider.base_url)),
        models,
        failing: failing.map(|(since_ms, reason)| Failing { since_ms, reason }),
    }
}

/// One of the database that no catalog can hold.
fn unusable(shared: &Shared, stored: &StoredEntry) -> ShownProvider {
    let entry = of_database(from_the_database(shared, stored));
    let reason = entry.problems.first().map(|problem| problem.message.clone());
    ShownProvider { entry, state: "unusable", reason, protocol: None, address: None, models: 0, failing: None }
}

fn of_database(shown: Shown) -> ShownEntry {
    let Shown { name, version, updated_ms, definition, problems, .. } = shown;
    ShownEntry { name, origin: "database", place: None, version: Some(version), updated_ms, definition, problems }
}

/// What counts, wherever it comes from. Headers are left out: what they hold may be secret.
fn locked(provider: &Provider, origin: &'static str, place: Option<String>) -> ShownEntry {
    let mut entry = json!({ "protocol": word(provider), "base_url": address(&provider.base_url) });
    if let (Api::Azure { api_version }, Some(entry)) = (&provider.api, entry.as_object_mut()) {
        entry.insert("api_version".to_owned(), json!(api_version));
    }
    let mut definition = under(KIND, entry);
    if provider.api_key.is_some() {
        definition.insert("key".to_owned(), json!({ "ends_with": "" }));
    }
    ShownEntry {
        name: provider.id.clone(),
        origin,
        place,
        version: None,
        updated_ms: None,
        definition,
        problems: Vec::new(),
    }
}

fn word(provider: &Provider) -> &'static str {
    match (&provider.api, provider.protocol) {
        (Api::Azure { .. }, _) => ProtocolWord::Azure.word(),
        (Api::Standard, Protocol::OpenAi) => ProtocolWord::OpenAi.word(),
        (Api::Standard, Protocol::Anthropic) => ProtocolWord::Anthropic.word(),
        (Api::Standard, Protocol::Gemini) => ProtocolWord::Gemini.word(),
        (Api::Standard, Protocol::Ollama) => ProtocolWord::Ollama.word(),
    }
}

/// An address without user, password and query, which the file may have.
pub(in crate::admin) fn address(url: &Url) -> String {
    let mut url = url.clone();
    // An address of HTTP takes all of this.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string().trim_end_matches('/').to_owned()
}
