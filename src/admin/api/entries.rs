//! Aliases, redirects and routers: shown wherever they were made, changed where they are the database's.

use std::sync::{Arc, MutexGuard, PoisonError};

use http::header::LOCATION;
use http::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::super::reply::{self, Reply};
use super::super::{Request, Shared};
use super::edit::{self, Clash, ClashCause, Done, Expected};
use super::error::ApiError;
use super::shown::{all_in_the_file, from_the_database, in_the_file, tagged, with_current};
use super::{ROOT, body, flag, providers, settings};
use crate::catalog::leading_to;
use crate::clock::UnixMillis;
use crate::config::{Definition, Problem};
use crate::entry_kind::EntryKind;
use crate::store::Conn;
use crate::store::entries::{self, StoredEntry};
use crate::store::history::Author;

/// All of a kind: the file's, then the database's.
pub(super) async fn list(shared: &Arc<Shared>, kind: EntryKind) -> Result<Reply, ApiError> {
    shared
        .with_database(move |shared, conn| {
            let mut all = all_in_the_file(shared, kind);
            let stored = entries::list(conn)?;
            all.extend(stored.iter().filter(|entry| entry.kind == kind).map(|entry| from_the_database(shared, entry)));
            Ok(super::json(200, &json!({ kind.section(): all })))
        })
        .await
}

/// One of them.
pub(super) async fn get(shared: &Arc<Shared>, kind: EntryKind, name: String) -> Result<Reply, ApiError> {
    shared
        .with_database(move |shared, conn| {
            if let Some(shown) = in_the_file(shared, kind, &name) {
                return Ok(tagged(200, &shown));
            }
            let stored = entries::get(conn, kind, &name)?.ok_or_else(|| unknown(kind, &name))?;
            Ok(tagged(200, &from_the_database(shared, &stored)))
        })
        .await
}

/// Creates or replaces one, or with `dry_run` says what would become of it.
pub(super) async fn put(
    shared: &Arc<Shared>,
    kind: EntryKind,
    name: String,
    request: Request,
    who: Author,
) -> Result<Reply, ApiError> {
    let is_rehearsal = flag(&request.query, "dry_run")?;
    let expected = Expected::of(&request.headers);
    let text = body(&request.headers, request.body).await?;
    let definition = if kind == EntryKind::Setting {
        settings::read(&name, &text)?
    } else {
        Definition::read(kind, &text).map_err(|error| unreadable(kind, &error))?
    };
    shared
        .with_database(move |shared, conn| {
            let _turn = turn(shared);
            let problems = judge(shared, &name, &definition)?;
            if is_rehearsal {
                let clash = edit::would_clash(conn, kind, &name, &expected)?;
                if let Some(clash) = clash {
                    return Err(refused(shared, kind, &name, clash));
                }
                return Ok(super::json(200, &json!({ "name": name, kind.word(): definition, "problems": problems })));
            }
            let stored = to_be_stored(name, &definition);
            let done = edit::save(conn, &stored, &expected, &who)?
                .map_err(|clash| refused(shared, kind, &stored.name, clash))?;
            put_into_force(shared, conn, kind, &stored.name, done)?;
            let mut shown = from_the_database(shared, &stored);
            shown.problems = problems;
            Ok(saved(tagged(if done == Done::Created { 201 } else { 200 }, &shown), kind, &stored.name))
        })
        .await
}

/// Says where a new entry is.
pub(super) fn saved(mut reply: Reply, kind: EntryKind, name: &str) -> Reply {
    if reply.status() == 201 {
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let address = HeaderValue::from_str(&format!("{ROOT}{}/{name}", kind.section()));
        reply.headers_mut().extend(address.ok().map(|value| (LOCATION, value)));
    }
    reply
}

/// Takes one out, unless something leads to it.
pub(super) async fn delete(
    shared: &Arc<Shared>,
    kind: EntryKind,
    name: String,
    headers: &HeaderMap,
    who: Author,
) -> Result<Reply, ApiError> {
    let expected = Expected::of(headers);
    shared
        .with_database(move |shared, conn| {
            let _turn = turn(shared);
            let is_stored = entries::get(conn, kind, &name)?.is_some();
            // A provider of the database that the environment hides is in nobody's way, and may go.
            if kind != EntryKind::Provider || !is_stored {
                refuse_the_files(shared, kind, &name)?;
            }
            if !is_stored {
                return Err(unknown(kind, &name));
            }
            refuse_what_is_used(shared, kind, &name)?;
            let done = edit::delete(conn, kind, &name, &expected, &who)?
                .map_err(|clash| refused(shared, kind, &name, clash))?;
            put_into_force(shared, conn, kind, &name, done)?;
            Ok(reply::bytes(204, "application/json", ""))
        })
        .await
}

/// One edit at a time, so that each is checked against those before it.
pub(super) fn turn(shared: &Shared) -> MutexGuard<'_, ()> {
    shared.turn.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an entry may be saved; if so, what is odd about it.
pub(super) fn judge(shared: &Shared, name: &str, definition: &Definition) -> Result<Vec<Problem>, ApiError> {
    let kind = definition.kind();
    refuse_the_files(shared, kind, name)?;
    let problems = shared.in_force.check_change(name, definition);
    if problems.iter().any(Problem::is_error) {
        let message = format!("the {} `{name}` cannot be used as it is; `problems` says why", kind.word());
        return Err(ApiError::new(422, "invalid", message).with("problems", json!(problems)));
    }
    Ok(problems)
}

/// An entry as it goes into the database.
pub(super) fn to_be_stored(name: String, definition: &Definition) -> StoredEntry {
    // Plain data: there is nothing in it that JSON could refuse.
    let text = serde_json::to_string(definition).unwrap_or_default();
    StoredEntry { kind: definition.kind(), name, definition: text, updated: UnixMillis::now() }
}

/// Puts a change into force.
pub(super) fn put_into_force(
    shared: &Shared,
    conn: &mut Conn<'_>,
    kind: EntryKind,
    name: &str,
    change: Done,
) -> Result<(), ApiError> {
    tracing::info!(entry.kind = kind.word(), entry.name = %name, ?change, "entry changed on the admin listener");
    Ok(shared.in_force.follow(conn)?)
}

/// Refuses to change what is the file's.
pub(super) fn refuse_the_files(shared: &Shared, kind: EntryKind, name: &str) -> Result<(), ApiError> {
    if kind == EntryKind::Setting {
        return settings::refuse_the_locked(shared, name);
    }
    if kind == EntryKind::Provider {
        return providers::refuse_the_locked(shared, name);
    }
    let Some(shown) = in_the_file(shared, kind, name) else { return Ok(()) };
    let place = shown.place.unwrap_or_default();
    let message = format!("the {} `{}` is managed by the file: change it at {place}", kind.word(), shown.name);
    Err(ApiError::new(409, "managed_by_file", message).with("place", json!(place)))
}

/// Refuses to delete what others lead to.
pub(super) fn refuse_what_is_used(shared: &Shared, kind: EntryKind, name: &str) -> Result<(), ApiError> {
    let leading = match kind {
        EntryKind::Provider => shared.in_force.leading_to_provider(name),
        EntryKind::Alias | EntryKind::Redirect | EntryKind::Router => leading_to(&shared.catalog.load(), kind, name),
        // Without what is said of it, a model is what files and lists say.
        EntryKind::Model => Vec::new(),
        // Nothing leads to a setting.
        EntryKind::Setting => Vec::new(),
    };
    if leading.is_empty() {
        return Ok(());
    }
    let message = format!("{} leads to the {} `{name}`: change that first", leading.join(", "), kind.word());
    Err(ApiError::new(409, "in_use", message).with("used_by", json!(leading)))
}

/// What the client should know of a change that was not made.
pub(super) fn refused(shared: &Shared, kind: EntryKind, name: &str, clash: Clash) -> ApiError {
    let word = kind.word();
    let current = clash.current.map(|stored| from_the_database(shared, &stored));
    let (status, code, message) = match clash.cause {
        ClashCause::Exists => {
            (412, "exists", format!("there is {} `{name}` already; `current` is what it says", kind.one()))
        }
        ClashCause::Unsaid => {
            (428, "version_needed", format!("say in If-Match which version of the {word} `{name}` you mean"))
        }
        ClashCause::Changed if current.is_some() => {
            let message = format!("somebody has changed the {word} `{name}` meanwhile; `current` is what it says now");
            (412, "changed", message)
        }
        ClashCause::Changed => {
            (412, "gone", format!("there is no {word} `{name}` (any more); without If-Match it is made anew"))
        }
    };
    with_current(ApiError::new(status, code, message), current.as_ref())
}

pub(super) fn unknown(kind: EntryKind, name: &str) -> ApiError {
    ApiError::new(404, &format!("no_such_{}", kind.word()), format!("there is no {} `{name}`", kind.word()))
}

/// serde's own message names keys and types, and ends with the place.
pub(super) fn unreadable(kind: EntryKind, error: &serde_json::Error) -> ApiError {
    ApiError::new(400, "unreadable", format!("the body is no {}: {error}", kind.word()))
        .with("line", json!(error.line()))
        .with("column", json!(error.column()))
}
