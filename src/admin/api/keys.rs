//! API keys: shown wherever they were made; made, changed and revoked where they are the database's.
//!
//! A key that was made here is named by its id, or while it is in use by its name. It is shown once and stored as a hash.

mod undo;

use std::sync::Arc;

use http::HeaderValue;
use http::header::{ETAG, LOCATION};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::keys::{self, ShownKey, Terms};
use super::super::reply::{self, Reply};
use super::super::{Request, Shared};
use super::edit::Expected;
use super::entries::turn;
use super::error::ApiError;
use super::{ROOT, flag, read};
use crate::auth::{AuthMode, new_key};
use crate::clock::UnixMillis;
use crate::config::Problem;
use crate::store::Conn;
use crate::store::history::Author;
use crate::store::keys::{self as stored_keys, StoredKey};
pub(super) use undo::undo;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    expires_ms: Option<i64>,
}

/// All of them, and whether one is needed.
pub(super) async fn list(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    let auth_mode = match shared.policy.auth_mode {
        AuthMode::Open => "open",
        AuthMode::Keys => "keys",
    };
    shared
        .with_database(move |shared, conn| {
            let all = keys::all(shared, conn, UnixMillis::now())?;
            Ok(super::json(200, &json!({ "auth_mode": auth_mode, "keys": all })))
        })
        .await
}

/// One of them.
pub(super) async fn get(shared: &Arc<Shared>, name: String) -> Result<Reply, ApiError> {
    shared
        .with_database(move |shared, conn| {
            let all = keys::all(shared, conn, UnixMillis::now())?;
            let is_called = |key: &&ShownKey| key.id.as_deref() == Some(&name);
            // Revoked keys come last, so a name means the key in use.
            let found = all.iter().find(is_called).or_else(|| all.iter().find(|key| key.name == name));
            Ok(tagged(200, found.ok_or_else(|| unknown(&name))?, None))
        })
        .await
}

/// Makes one and shows it, this once; with `dry_run` only says what would be wrong with it.
pub(super) async fn create(shared: &Arc<Shared>, request: Request, who: Author) -> Result<Reply, ApiError> {
    let is_rehearsal = flag(&request.query, "dry_run")?;
    let NewKey { name, tags, models, expires_ms } = read(request).await?;
    let name = name.trim().to_owned();
    let mut terms = Terms { tags, models, expires_ms };
    shared
        .with_database(move |shared, conn| {
            let _turn = turn(shared);
            let now = UnixMillis::now();
            let mut problems = keys::judge(&mut terms, &shared.catalog.load(), now);
            problems.extend(keys::problem_of_name(&name));
            refuse_the_taken(shared, conn, &name, &problems)?;
            refuse_the_wrong(&problems)?;
            if is_rehearsal {
                return Ok(super::json(200, &json!({ "problems": problems })));
            }
            let minted = new_key();
            let Terms { tags, models, expires_ms } = terms;
            let row = minted.to_stored(&name, tags, models, expires_ms.map(UnixMillis), now);
            if !conn.transaction(|tx| stored_keys::create(tx, &row, &who))? {
                // Another process was quicker by a moment.
                return Err(taken(&name, &[]));
            }
            put_into_force(shared, conn, &row, "made")?;
            let address = format!("{ROOT}keys/{}", row.id);
            let mut reply = tagged(201, &keys::one(shared, conn, row, now)?, Some(minted.key.expose()));
            reply.headers_mut().extend(HeaderValue::from_str(&address).ok().map(|value| (LOCATION, value)));
            Ok(reply)
        })
        .await
}

/// Changes tags, models and expiry of one, or with `dry_run` says what would be wrong with them.
pub(super) async fn change(
    shared: &Arc<Shared>,
    name: String,
    request: Request,
    who: Author,
) -> Result<Reply, ApiError> {
    let is_rehearsal = flag(&request.query, "dry_run")?;
    let expected = Expected::of(&request.headers);
    let mut terms: Terms = read(request).await?;
    shared
        .with_database(move |shared, conn| {
            let _turn = turn(shared);
            let now = UnixMillis::now();
            let current = in_use(shared, conn, &name)?;
            let problems = judge_change(shared, &mut terms, &current, now)?;
            if is_rehearsal {
                return Ok(super::json(200, &json!({ "problems": problems })));
            }
            let Terms { tags, models, expires_ms } = terms;
            let changed = conn.transaction(|tx| {
                let current = stored_keys::find(tx, &current.id)?.filter(|key| key.revoked.is_none());
                let Some(current) = current.filter(|key| is_expected(&expected, key)) else { return Ok(None) };
                let changed = StoredKey { tags, models, expires: expires_ms.map(UnixMillis), ..current };
                Ok(stored_keys::change(tx, &changed, &who)?.then_some(changed))
            })?;
            let Some(changed) = changed else {
                let current = in_use(shared, conn, &name)?;
                return Err(clash(&keys::one(shared, conn, current, now)?, &expected));
            };
            put_into_force(shared, conn, &changed, "changed")?;
            Ok(tagged(200, &keys::one(shared, conn, changed, now)?, None))
        })
        .await
}

/// Takes one back, for good.
pub(super) async fn revoke(shared: &Arc<Shared>, name: String, who: Author) -> Result<Reply, ApiError> {
    shared
        .with_database(move |shared, conn| {
            let _turn = turn(shared);
            let key = in_use(shared, conn, &name)?;
            if !conn.transaction(|tx| stored_keys::revoke(tx, &key.id, UnixMillis::now(), &who))? {
                return Err(unknown(&name));
            }
            put_into_force(shared, conn, &key, "revoked")?;
            Ok(reply::bytes(204, "application/json", ""))
        })
        .await
}

/// A key of the database that is not revoked, by its id or name.
fn in_use(shared: &Shared, conn: &mut Conn<'_>, name: &str) -> Result<StoredKey, ApiError> {
    if let Some(key) = shared.in_force.configured_keys().into_iter().find(|key| key.name == name) {
        let (code, place) = match key.place {
            Some(place) => ("managed_by_file", place),
            None => ("managed_by_environment", "API_KEYS".to_owned()),
        };
        let message = format!("the key `{name}` is not kept here: change it at {place}");
        return Err(ApiError::new(409, code, message).with("place", json!(place)));
    }
    match stored_keys::find(conn, name)? {
        Some(key) if key.revoked.is_none() => Ok(key),
        Some(_) => Err(ApiError::new(409, "revoked", "this key has been revoked, which cannot be undone")),
        None => Err(unknown(name)),
    }
}

/// Whether a key may become so; if so, what is odd about it. One that has expired may stay so.
fn judge_change(
    shared: &Shared,
    terms: &mut Terms,
    current: &StoredKey,
    now: UnixMillis,
) -> Result<Vec<Problem>, ApiError> {
    let is_same_expiry = terms.expires_ms == current.expires.map(|at| at.0);
    let earliest = if is_same_expiry { UnixMillis(i64::MIN) } else { now };
    let problems = keys::judge(terms, &shared.catalog.load(), earliest);
    refuse_the_wrong(&problems)?;
    Ok(problems)
}

fn is_expected(expected: &Expected, key: &StoredKey) -> bool {
    match expected {
        Expected::Unsaid | Expected::Nothing => false,
        Expected::Any => true,
        Expected::Versions(versions) => versions.contains(&keys::version(key)),
    }
}

fn clash(current: &ShownKey, expected: &Expected) -> ApiError {
    let name = &current.name;
    let error = match expected {
        Expected::Unsaid | Expected::Nothing => {
            let message = format!("say in If-Match which version of the key `{name}` you mean");
            ApiError::new(428, "version_needed", message)
        }
        Expected::Any | Expected::Versions(_) => {
            let message = format!("somebody has changed the key `{name}` meanwhile; `current` is what it says now");
            ApiError::new(412, "changed", message)
        }
    };
    let tag = format!("\"{}\"", current.version.as_deref().unwrap_or_default());
    error.with("current", json!(current)).header(ETAG, &tag)
}

/// Records name keys by their names, so no two in use have the same, wherever each was made.
fn refuse_the_taken(shared: &Shared, conn: &mut Conn<'_>, name: &str, problems: &[Problem]) -> Result<(), ApiError> {
    let is_elsewhere = shared.in_force.configured_keys().iter().any(|key| key.name == name);
    let is_stored = stored_keys::find(conn, name)?.is_some_and(|key| key.revoked.is_none() && key.name == name);
    if is_elsewhere || is_stored { Err(taken(name, problems)) } else { Ok(()) }
}

fn taken(name: &str, others: &[Problem]) -> ApiError {
    let message = format!("there is a key `{name}` already; revoke it first, or take another name");
    let mut problems = vec![Problem::error("name", &message)];
    problems.extend_from_slice(others);
    ApiError::new(409, "exists", message).with("problems", json!(problems))
}

fn refuse_the_wrong(problems: &[Problem]) -> Result<(), ApiError> {
    if !problems.iter().any(Problem::is_error) {
        return Ok(());
    }
    let message = "the key cannot be like this; `problems` says why";
    Err(ApiError::new(422, "invalid", message).with("problems", json!(problems)))
}

fn put_into_force(shared: &Shared, conn: &mut Conn<'_>, key: &StoredKey, what: &str) -> Result<(), ApiError> {
    tracing::info!(key.name = %key.name, key.id = %key.id, "API key {what} on the admin listener");
    Ok(shared.in_force.follow_keys(conn)?)
}

/// A key with its version as the tag that `If-Match` takes; a new one with the key itself.
fn tagged(status: u16, shown: &ShownKey, secret: Option<&str>) -> Reply {
    let mut value = json!(shown);
    if let (Some(secret), Value::Object(fields)) = (secret, &mut value) {
        fields.insert("key".to_owned(), json!(secret));
    }
    let mut reply = super::json(status, &value);
    let tag = shown.version.as_ref().and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok());
    reply.headers_mut().extend(tag.map(|tag| (ETAG, tag)));
    reply
}

fn unknown(name: &str) -> ApiError {
    ApiError::new(404, "no_such_key", format!("there is no key `{name}`"))
}
