//! Smart routers: shown wherever they were made, changed where they are the database's.

use std::sync::{Arc, PoisonError};

use http::header::{ETAG, LOCATION};
use http::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, json};
use serde_with_macros::skip_serializing_none;

use super::super::reply::{self, Reply};
use super::super::{Request, Shared};
use super::edit::{self, Clash, ClashCause, Done, Expected};
use super::error::ApiError;
use super::{ROOT, body, flag};
use crate::catalog::{Origin, Router, leading_to, version_of};
use crate::clock::UnixMillis;
use crate::config::{Problem, RouterEntry};
use crate::store::entries::{self, EntryKind, StoredEntry};
use crate::store::{Conn, StoreError};

/// A router as the API shows it.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    origin: Origin,
    /// Where the file has it.
    place: Option<String>,
    version: String,
    /// When it was last saved in the database.
    updated_ms: Option<UnixMillis>,
    /// What [`RouterEntry`] says; if it cannot be read, whatever is there.
    router: Value,
    problems: Vec<Problem>,
}

/// All of them: the file's, then the database's.
pub(super) async fn list(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    shared
        .with_database(|shared, conn| {
            let catalog = shared.catalog.load_full();
            let from_file = catalog.routers().iter().filter(|router| router.origin == Origin::File);
            let mut routers: Vec<Shown> = from_file.map(|router| from_the_file(shared, router)).collect();
            let stored = entries::list(conn, EntryKind::Router)?;
            routers.extend(stored.iter().map(|entry| from_the_database(shared, entry)));
            Ok(super::json(200, &json!({ "routers": routers })))
        })
        .await
}

/// One of them.
pub(super) async fn get(shared: &Arc<Shared>, name: String) -> Result<Reply, ApiError> {
    shared
        .with_database(move |shared, conn| {
            if let Some(router) = in_the_file(shared, &name) {
                return Ok(tagged(200, &router));
            }
            let stored = entries::get(conn, EntryKind::Router, &name)?.ok_or_else(|| unknown(&name))?;
            Ok(tagged(200, &from_the_database(shared, &stored)))
        })
        .await
}

/// Creates or replaces one, or with `dry_run` says what would become of it.
pub(super) async fn put(shared: &Arc<Shared>, name: String, request: Request) -> Result<Reply, ApiError> {
    let is_rehearsal = flag(&request.query, "dry_run")?;
    let expected = Expected::of(&request.headers);
    let text = body(&request.headers, request.body).await?;
    let entry: RouterEntry = serde_json::from_slice(&text).map_err(|error| unreadable(&error))?;
    shared
        .with_database(move |shared, conn| {
            // One edit at a time, so that each is checked against those before it.
            let _turn = shared.turn.lock().unwrap_or_else(PoisonError::into_inner);
            refuse_the_files(shared, &name)?;
            let problems = shared.in_force.check_router(&name, &entry);
            if problems.iter().any(Problem::is_error) {
                let message = format!("the router `{name}` cannot be used as it is; `problems` says why");
                return Err(ApiError::new(422, "invalid", message).with("problems", json!(problems)));
            }
            if is_rehearsal {
                return Ok(super::json(200, &json!({ "name": name, "router": entry, "problems": problems })));
            }
            // Plain data: there is nothing in it that JSON could refuse.
            let definition = serde_json::to_string(&entry).unwrap_or_default();
            let stored = StoredEntry { name, definition, updated: UnixMillis::now() };
            let saved = edit::save(conn, EntryKind::Router, &stored, &expected);
            let done = finish(shared, conn, &stored.name, saved)?;
            let status = if done == Done::Created { 201 } else { 200 };
            let mut reply = tagged(status, &from_the_database(shared, &stored));
            if done == Done::Created {
                let address = format!("{ROOT}routers/{}", utf8_percent_encode(&stored.name, NON_ALPHANUMERIC));
                reply.headers_mut().extend(HeaderValue::from_str(&address).ok().map(|value| (LOCATION, value)));
            }
            Ok(reply)
        })
        .await
}

/// Takes one out, unless something leads to it.
pub(super) async fn delete(shared: &Arc<Shared>, name: String, headers: &HeaderMap) -> Result<Reply, ApiError> {
    let expected = Expected::of(headers);
    shared
        .with_database(move |shared, conn| {
            let _turn = shared.turn.lock().unwrap_or_else(PoisonError::into_inner);
            refuse_the_files(shared, &name)?;
            if entries::get(conn, EntryKind::Router, &name)?.is_none() {
                return Err(unknown(&name));
            }
            let leading = leading_to(&shared.catalog.load(), &name);
            if !leading.is_empty() {
                let message = format!("{} leads to the router `{name}`: change that first", leading.join(", "));
                return Err(ApiError::new(409, "in_use", message).with("used_by", json!(leading)));
            }
            let deleted = edit::delete(conn, EntryKind::Router, &name, &expected);
            finish(shared, conn, &name, deleted)?;
            Ok(reply::bytes(204, "application/json", ""))
        })
        .await
}

/// Puts a change into force, or says why there was none.
fn finish(
    shared: &Shared,
    conn: &mut Conn<'_>,
    name: &str,
    result: Result<Result<Done, Clash>, StoreError>,
) -> Result<Done, ApiError> {
    let done = result?.map_err(|clash| refused(shared, name, clash))?;
    tracing::info!(router.name = %name, change = ?done, "router changed on the admin listener");
    shared.in_force.follow(conn)?;
    Ok(done)
}

/// What the client should know of a change that was not made: what is there now, so that nothing is lost.
fn refused(shared: &Shared, name: &str, clash: Clash) -> ApiError {
    let current = clash.current.map(|stored| from_the_database(shared, &stored));
    let (status, code, message) = match clash.cause {
        ClashCause::Exists => (412, "exists", format!("there is a router `{name}` already; `current` is what it says")),
        ClashCause::Unsaid => {
            (428, "version_needed", format!("say in If-Match which version of the router `{name}` you mean"))
        }
        ClashCause::Changed if current.is_some() => {
            let message = format!("somebody has changed the router `{name}` meanwhile; `current` is what it says now");
            (412, "changed", message)
        }
        ClashCause::Changed => {
            (412, "gone", format!("there is no router `{name}` (any more); without If-Match it is made anew"))
        }
    };
    let tag = current.as_ref().map(|current| format!("\"{}\"", current.version));
    let error = ApiError::new(status, code, message).with("current", json!(current));
    match tag {
        Some(tag) => error.header(ETAG, &tag),
        None => error,
    }
}

fn refuse_the_files(shared: &Shared, name: &str) -> Result<(), ApiError> {
    let Some(router) = in_the_file(shared, name) else { return Ok(()) };
    let place = router.place.unwrap_or_default();
    let message = format!("the router `{}` is managed by the file: change it at {place}", router.name);
    Err(ApiError::new(409, "managed_by_file", message).with("place", json!(place)))
}

fn unknown(name: &str) -> ApiError {
    ApiError::new(404, "no_such_router", format!("there is no router `{name}`"))
}

/// serde's own message names keys and types, and ends with the place.
fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::new(400, "unreadable", format!("the body is no router: {error}"))
        .with("line", json!(error.line()))
        .with("column", json!(error.column()))
}

fn in_the_file(shared: &Shared, name: &str) -> Option<Shown> {
    let catalog = shared.catalog.load_full();
    let router = catalog.routers().get(name).filter(|router| router.origin == Origin::File)?;
    Some(from_the_file(shared, router))
}

fn from_the_file(shared: &Shared, router: &Router) -> Shown {
    Shown {
        name: router.name.clone(),
        origin: Origin::File,
        place: Some(shared.in_force.place("routers", &router.name)),
        version: router.version.clone(),
        updated_ms: None,
        router: json!(router.entry),
        problems: shared.in_force.check_router(&router.name, &router.entry),
    }
}

fn from_the_database(shared: &Shared, stored: &StoredEntry) -> Shown {
    let entry: Result<RouterEntry, _> = serde_json::from_str(&stored.definition);
    let problems = match &entry {
        Ok(entry) => shared.in_force.check_router(&stored.name, entry),
        Err(error) => vec![Problem::error(format!("routers.{}", stored.name), format!("cannot be read: {error}"))],
    };
    let definition = || serde_json::from_str(&stored.definition).unwrap_or_else(|_| json!(stored.definition));
    Shown {
        name: stored.name.clone(),
        origin: Origin::Database,
        place: None,
        version: version_of(&stored.definition),
        updated_ms: Some(stored.updated),
        router: entry.map_or_else(|_| definition(), |entry| json!(entry)),
        problems,
    }
}

/// A router with its version as the tag that `If-Match` takes.
fn tagged(status: u16, router: &Shown) -> Reply {
    let mut reply = super::json(status, router);
    let tag = HeaderValue::from_str(&format!("\"{}\"", router.version));
    reply.headers_mut().extend(tag.ok().map(|tag| (ETAG, tag)));
    reply
}
