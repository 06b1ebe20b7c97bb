//! The JSON API under `/admin/api/`, for scripts and for pages. `docs/admin-api.md` describes it to its users.
//!
//! The table of routes is here. `guard` refuses what a foreign web page might send. `entries` has the handlers of aliases,
//! redirects and routers, which differ in nothing but their kind; `shown` is what they show, `history` takes changes back,
//! and `edit` changes the database without losing anybody's change. `trial` has a router choose, `decisions` shows what was
//! chosen, `requests` what happened and `usage` who spent what. `providers` and `ollama` are about who answers, `keys` about
//! the API's callers, `models` shows the catalogue and `models_sync` compares it with
//! lists of others, `playground` hands requests to the API itself, `password` and `tokens` are about who may ask here.
//! What cannot be done is an [`ApiError`]. `described` says of every path what it does.

mod backup;
mod decisions;
pub(super) mod described;
mod edit;
mod entries;
mod error;
mod guard;
mod history;
mod impact;
mod keys;
mod log;
mod models;
mod models_sync;
mod names;
mod ollama;
mod password;
mod playground;
mod providers;
mod redaction;
mod requests;
mod resolve;
pub(super) mod settings;
mod shown;
mod storage;
mod system;
mod tokens;
mod trial;
mod usage;

use std::sync::Arc;

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::access::Who;
use super::reply::{self, Reply};
use super::{Request, RequestBody, Shared};
use crate::entry_kind::EntryKind;
use crate::listener::collect;
use crate::store::Conn;
pub(super) use error::ApiError;
pub(super) use ollama::instances;
pub(super) use providers::{ShownProvider, address as shown_address, all as all_providers};
pub(super) use shown::{Shown, all_in_the_file, from_the_database};

const GET: Method = Method::GET;
const HEAD: Method = Method::HEAD;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// Where the API lives.
const ROOT: &str = "/admin/api/";
/// Largest request body, bytes.
const MAX_BODY_BYTES: usize = 1 << 20;
/// The same for a list of prices, bytes.
const MAX_LIST_BYTES: usize = 32 << 20;

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Entries(EntryKind),
    Entry(EntryKind),
    Impact(EntryKind),
    Trial,
    Names,
    Resolve,
    History,
    Undo,
    Decisions,
    Decision,
    Password,
    Tokens,
    Token,
    Keys,
    Key,
    /// A path of the API itself.
    Playground(&'static str),
    Requests,
    Request,
    Providers,
    Provider,
    ProviderTest,
    ProviderDiscovery,
    Ollama,
    OllamaInstance,
    OllamaPull,
    OllamaDelete,
    OllamaUnload,
    Usage,
    Models,
    Model,
    ModelsSync,
    ModelsApply,
    Settings,
    Setting,
    RedactionTest,
    Storage,
    Compact,
    Tidy,
    System,
    Log,
    Backup,
    DatabaseCopy,
    Restore,
}

/// A path below [`ROOT`] (`NAME` is any one segment, percent-encoded), the methods that exist on it, and what it stands for.
const ROUTES: &[(&str, &[Method], Route)] = &[
    ("aliases", &[GET, HEAD], Route::Entries(EntryKind::Alias)),
    ("aliases/NAME", &[GET, HEAD, PUT, DELETE], Route::Entry(EntryKind::Alias)),
    ("aliases/NAME/impact", &[GET, HEAD, POST], Route::Impact(EntryKind::Alias)),
    ("redirects", &[GET, HEAD], Route::Entries(EntryKind::Redirect)),
    ("redirects/NAME", &[GET, HEAD, PUT, DELETE], Route::Entry(EntryKind::Redirect)),
    ("redirects/NAME/impact", &[GET, HEAD, POST], Route::Impact(EntryKind::Redirect)),
    ("routers", &[GET, HEAD], Route::Entries(EntryKind::Router)),
    ("routers/NAME", &[GET, HEAD, PUT, DELETE], Route::Entry(EntryKind::Router)),
    ("routers/NAME/impact", &[GET, HEAD, POST], Route::Impact(EntryKind::Router)),
    ("routers/NAME/resolve", &[POST], Route::Trial),
    ("names", &[GET, HEAD], Route::Names),
    ("resolve", &[GET, HEAD, POST], Route::Resolve),
    ("history", &[GET, HEAD], Route::History),
    ("history/NAME/undo", &[POST], Route::Undo),
    ("decisions", &[GET, HEAD], Route::Decisions),
    ("decisions/NAME", &[GET, HEAD], Route::Decision),
    ("password", &[POST], Route::Password),
    ("tokens", &[GET, HEAD, POST], Route::Tokens),
    ("tokens/NAME", &[DELETE], Route::Token),
    ("keys", &[GET, HEAD, POST], Route::Keys),
    ("keys/NAME", &[GET, HEAD, PUT, DELETE], Route::Key),
    ("playground/v1/chat/completions", &[POST], Route::Playground("/v1/chat/completions")),
    ("playground/api/chat", &[POST], Route::Playground("/api/chat")),
    ("requests", &[GET, HEAD], Route::Requests),
    ("requests/NAME", &[GET, HEAD], Route::Request),
    ("providers", &[GET, HEAD], Route::Providers),
    ("providers/NAME", &[GET, HEAD, PUT, DELETE], Route::Provider),
    ("providers/NAME/test", &[POST], Route::ProviderTest),
    ("providers/NAME/discover", &[POST], Route::ProviderDiscovery),
    ("ollama", &[GET, HEAD], Route::Ollama),
    ("ollama/NAME", &[GET, HEAD], Route::OllamaInstance),
    ("ollama/NAME/pull", &[POST], Route::OllamaPull),
    ("ollama/NAME/delete", &[POST], Route::OllamaDelete),
    ("ollama/NAME/unload", &[POST], Route::OllamaUnload),
    ("usage", &[GET, HEAD], Route::Usage),
    ("models", &[GET, HEAD], Route::Models),
    ("models/sync", &[POST], Route::ModelsSync),
    ("models/apply", &[POST], Route::ModelsApply),
    ("models/NAME", &[GET, HEAD, PUT, DELETE], Route::Model),
    ("settings", &[GET, HEAD], Route::Settings),
    ("settings/NAME", &[GET, HEAD, PUT, DELETE], Route::Setting),
    ("settings/redaction/test", &[POST], Route::RedactionTest),
    ("storage", &[GET, HEAD], Route::Storage),
    ("storage/compact", &[POST], Route::Compact),
    ("storage/tidy", &[POST], Route::Tidy),
    ("system", &[GET, HEAD], Route::System),
    ("log", &[GET, HEAD], Route::Log),
    ("backup", &[GET, HEAD], Route::Backup),
    ("backup/database", &[GET], Route::DatabaseCopy),
    ("restore", &[POST], Route::Restore),
];

/// Whether a path belongs to the API.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with(ROOT)
}

/// Answers a request of somebody who is logged in.
pub(super) async fn dispatch(shared: &Arc<Shared>, request: Request, who: &Who) -> Reply {
    route(shared, request, who).await.unwrap_or_else(ApiError::into_reply)
}

async fn route(shared: &Arc<Shared>, request: Request, who: &Who) -> Result<Reply, ApiError> {
    guard::check(&request.method, &request.headers)?;
    let below = request.path.strip_prefix(ROOT).unwrap_or_default();
    let (route, methods, name) =
        find(below).ok_or_else(|| ApiError::new(404, "no_such_path", "there is no such path"))?;
    if !methods.contains(&request.method) {
        let allowed = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("{} does not exist here; there is {allowed}", request.method);
        return Err(ApiError::new(405, "method", message).header(ALLOW, &allowed));
    }
    let name = percent_decode_str(name.unwrap_or_default()).decode_utf8();
    let name = name.map_err(|_| ApiError::new(400, "name", "the name in the path is not UTF-8"))?.trim().to_owned();
    let author = who.author();
    match (route, &request.method) {
        (Route::Entries(kind), _) => entries::list(shared, kind).await,
        (Route::Entry(kind), &Method::PUT) => entries::put(shared, kind, name, request, author).await,
        (Route::Entry(kind), &Method::DELETE) => entries::delete(shared, kind, name, &request.headers, author).await,
        (Route::Entry(kind), _) => entries::get(shared, kind, name).await,
        (Route::Impact(kind), _) => impact::of(shared, kind, name, request).await,
        (Route::Names, _) => names::list(shared, &request.query).await,
        (Route::Resolve, _) => resolve::follow(shared, request).await,
        (Route::History, _) => history::list(shared, &request.query).await,
        (Route::Undo, _) => history::undo(shared, &name, request, author).await,
        (Route::Trial, _) => trial::choose(shared, name, request).await,
        (Route::Decisions, _) => decisions::list(shared, &request.query).await,
        (Route::Decision, _) => decisions::get(shared, name).await,
        (Route::Password, _) => password::change(shared, request, who).await,
        (Route::Tokens, &Method::POST) => tokens::create(shared, request).await,
        (Route::Tokens, _) => tokens::list(shared).await,
        (Route::Token, _) => tokens::revoke(shared, name).await,
        (Route::Keys, &Method::POST) => keys::create(shared, request, author).await,
        (Route::Keys, _) => keys::list(shared).await,
        (Route::Key, &Method::PUT) => keys::change(shared, name, request, author).await,
        (Route::Key, &Method::DELETE) => keys::revoke(shared, name, author).await,
        (Route::Key, _) => keys::get(shared, name).await,
        (Route::Playground(path), _) => Ok(playground::ask(shared, path, request).await),
        (Route::Requests, _) => requests::list(shared, &request.query).await,
        (Route::Request, _) => requests::get(shared, name).await,
        (Route::Providers, _) => providers::list(shared).await,
        (Route::Provider, &Method::PUT) => providers::put(shared, name, request, author).await,
        (Route::Provider, &Method::DELETE) => {
            entries::delete(shared, EntryKind::Provider, name, &request.headers, author).await
        }
        (Route::Provider, _) => providers::get(shared, name).await,
        (Route::ProviderTest, _) => providers::test(shared, &name, request).await,
        (Route::ProviderDiscovery, _) => providers::discover(shared, &name).await,
        (Route::Ollama, _) => Ok(ollama::list(shared)),
        (Route::OllamaInstance, _) => ollama::look(shared, &name).await,
        (Route::OllamaPull, _) => ollama::pull(shared, &name, request).await,
        (Route::OllamaDelete, _) => ollama::delete(shared, &name, request).await,
        (Route::OllamaUnload, _) => ollama::unload(shared, &name, request).await,
        (Route::Usage, _) => usage::report(shared, &request.query).await,
        (Route::Models, _) => models::list(shared, &request.query).await,
        (Route::Model, &Method::PUT) => entries::put(shared, EntryKind::Model, name, request, author).await,
        (Route::Model, &Method::DELETE) => {
            entries::delete(shared, EntryKind::Model, name, &request.headers, author).await
        }
        (Route::Model, _) => models::get(shared, name).await,
        (Route::ModelsSync, _) => models_sync::sync(shared, request).await,
        (Route::ModelsApply, _) => models_sync::apply(shared, request, author).await,
        (Route::Settings, _) => settings::list(shared).await,
        (Route::Setting, &Method::PUT) => entries::put(shared, EntryKind::Setting, name, request, author).await,
        (Route::Setting, &Method::DELETE) => {
            entries::delete(shared, EntryKind::Setting, name, &request.headers, author).await
        }
        (Route::Setting, _) => settings::get(shared, name).await,
        (Route::RedactionTest, _) => redaction::test(shared, request).await,
        (Route::Storage, _) => storage::get(shared).await,
        (Route::Compact, _) => storage::compact(shared).await,
        (Route::Tidy, _) => Ok(storage::tidy(shared)),
        (Route::System, _) => system::get(shared).await,
        (Route::Backup, _) => backup::get(shared).await,
        (Route::DatabaseCopy, _) => backup::database(shared).await,
        (Route::Restore, _) => backup::restore(shared, request, author).await,
        (Route::Log, _) => log::watch(shared, &request.query),
    }
}

/// The route of a path below [`ROOT`], its methods, and the segment that stands for a name.
fn find(path: &str) -> Option<(Route, &'static [Method], Option<&str>)> {
    ROUTES.iter().find_map(|(pattern, methods, route)| {
        let mut name = None;
        let mut segments = path.split('/');
        for expected in pattern.split('/') {
            let segment = segments.next()?;
            if expected == "NAME" && !segment.is_empty() {
                name = Some(segment);
            } else if expected != segment {
                return None;
            }
        }
        segments.next().is_none().then_some((*route, *methods, name))
    })
}

impl Shared {
    /// Does what needs the database, on a thread that may block.
    async fn with_database(
        self: &Arc<Self>,
        work: impl FnOnce(&Self, &mut Conn<'_>) -> Result<Reply, ApiError> + Send + 'static,
    ) -> Result<Reply, ApiError> {
        let shared = self.clone();
        self.store.run(move |conn| Ok(work(&shared, conn))).await?
    }
}

/// A small body, as what it has to be.
async fn read<T: DeserializeOwned>(request: Request) -> Result<T, ApiError> {
    let text = body(&request.headers, request.body).await?;
    serde_json::from_slice(&text)
        .map_err(|error| ApiError::new(400, "unreadable", format!("the body cannot be read: {error}")))
}

/// A body that may be as large as a whole list.
async fn large_body(request: Request) -> Result<Bytes, ApiError> {
    Ok(collect(&request.headers, request.body, MAX_LIST_BYTES).await?)
}

async fn body(headers: &HeaderMap, body: RequestBody) -> Result<Bytes, ApiError> {
    Ok(collect(headers, body, MAX_BODY_BYTES).await?)
}

/// Whether a query says `name`, `name=true` or `name=1`. Anything else but `false` and `0` is refused: what was meant as a
/// rehearsal must not become the performance.
fn flag(query: &str, name: &str) -> Result<bool, ApiError> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "true")));
    match pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next_back() {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(ApiError::new(400, "query", format!("`{name}` is `true` or `false`"))),
    }
}

fn json(status: u16, value: &impl Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(text) => reply::bytes(status, "application/json", text),
        Err(error) => {
            tracing::error!(%error, "an answer of the admin API cannot be written");
            ApiError::new(500, "internal", "the answer cannot be written; the log says why").into_reply()
        }
    }
}

#[cfg(test)]
mod tests;
