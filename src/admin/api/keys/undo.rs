//! Taking back what was done to a key. What was revoked stays revoked: whoever revokes a key relies on it.

use serde_json::json;

use super::super::super::Shared;
use super::super::super::keys::{self, Terms};
use super::super::super::reply::{self, Reply};
use super::super::error::ApiError;
use super::{in_use, judge_change, put_into_force, tagged};
use crate::clock::UnixMillis;
use crate::store::history::{self, Author, Change};
use crate::store::keys::{self as stored_keys, StoredKey};
use crate::store::{Conn, StoreError};

/// Puts back the tags, models and expiry of before a change, or revokes the key that it made.
pub(in super::super) fn undo(
    shared: &Shared,
    conn: &mut Conn<'_>,
    id: &str,
    change: &Change,
    force: bool,
    who: &Author,
) -> Result<Reply, ApiError> {
    let name = &change.name;
    if change.became.is_none() {
        let message = format!("the key `{name}` was revoked, and a revoked key cannot come back: make another one");
        return Err(ApiError::new(409, "revoked", message));
    }
    let now = UnixMillis::now();
    let current = in_use(shared, conn, id)?;
    // What is newer stands in the way first: it may be the reason for whatever else is wrong.
    if !force && !stands(conn, change, &current)? {
        return Err(changed_since(shared, conn, id, name, now));
    }
    let back = change.was.as_deref().map(|was| earlier(shared, &current, was, now)).transpose()?;
    let is_done = conn.transaction(|tx| {
        // Another process may have been quicker by a moment.
        let Some(found) = stored_keys::find(tx, id)? else { return Ok(false) };
        if !force && !stands(tx, change, &found)? {
            return Ok(false);
        }
        match &back {
            Some(back) => stored_keys::change(tx, back, who),
            None => stored_keys::revoke(tx, id, now, who),
        }
    })?;
    if !is_done {
        return Err(changed_since(shared, conn, id, name, now));
    }
    let Some(back) = back else {
        put_into_force(shared, conn, &current, "revoked")?;
        return Ok(reply::bytes(204, "application/json", ""));
    };
    put_into_force(shared, conn, &back, "changed")?;
    Ok(tagged(200, &keys::one(shared, conn, back, now)?, None))
}

/// What is said when the key is no longer as the change has left it; when it is gone, that.
fn changed_since(shared: &Shared, conn: &mut Conn<'_>, id: &str, name: &str, now: UnixMillis) -> ApiError {
    let current = in_use(shared, conn, id).and_then(|current| Ok(keys::one(shared, conn, current, now)?));
    match current {
        Ok(current) => {
            let message = format!(
                "the key `{name}` has been changed since; `current` is what it says now, `\"force\": true` undoes it all"
            );
            ApiError::new(409, "changed_since", message).with("current", json!(current))
        }
        Err(error) => error,
    }
}

/// Whether the key is as the change has left it, and nothing has changed it since.
fn stands(conn: &mut Conn<'_>, change: &Change, current: &StoredKey) -> Result<bool, StoreError> {
    let is_newest = history::newest(conn, change)?.is_some_and(|newest| newest.id == change.id);
    Ok(is_newest && change.became.as_deref() == Some(&current.terms()))
}

/// The key as it was, judged like a change: an end that has passed meanwhile cannot come back, unless it is the one it has.
fn earlier(shared: &Shared, current: &StoredKey, was: &str, now: UnixMillis) -> Result<StoredKey, ApiError> {
    let mut terms: Terms = serde_json::from_str(was).map_err(|error| {
        let message = format!("what the key `{}` was before cannot be read: {error}", current.name);
        ApiError::new(422, "invalid", message).with("problems", json!([]))
    })?;
    judge_change(shared, &mut terms, current, now)?;
    let Terms { tags, models, expires_ms } = terms;
    Ok(StoredKey { tags, models, expires: expires_ms.map(UnixMillis), ..current.clone() })
}
