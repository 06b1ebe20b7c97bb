//! Decisions of smart routers, as they were made.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use serde_json::json;

use super::super::Shared;
use super::super::reply::Reply;
use super::error::ApiError;
use crate::clock::UnixMillis;
use crate::tracking;

/// How many are shown when nobody says, and how many at most.
const USUAL: u32 = 50;
const MOST: u32 = 1_000;

/// The newest ones: of a `router`, `before` a moment in Unix milliseconds, at most `limit`.
pub(super) async fn list(shared: &Arc<Shared>, query: &str) -> Result<Reply, ApiError> {
    let mut router = None;
    let (mut before, mut limit) = (UnixMillis(i64::MAX), USUAL);
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let wrong = |expected: &str| ApiError::new(400, "query", format!("`{key}` is {expected}, not `{value}`"));
        match key {
            "router" => {
                let text = percent_decode_str(value).decode_utf8().map_err(|_| wrong("a name in UTF-8"))?;
                router = Some(text.trim().to_owned());
            }
            "before" => before = UnixMillis(value.parse().map_err(|_| wrong("a time in Unix milliseconds"))?),
            "limit" => {
                let number = value.parse().ok().filter(|number| (1..=MOST).contains(number));
                limit = number.ok_or_else(|| wrong("a number from 1 to 1000"))?;
            }
            _ => {
                return Err(ApiError::new(
                    400,
                    "query",
                    format!("there is `router`, `before` and `limit`, not `{key}`"),
                ));
            }
        }
    }
    shared
        .with_database(move |shared, conn| {
            // Decisions keep the name as the router has it; whoever asks may write it otherwise.
            let catalog = shared.catalog.load();
            let spelled = router.as_deref().map(|name| catalog.routers().get(name).map_or(name, |found| &found.name));
            let decisions = tracking::recent_decisions(conn, spelled, before, limit)?;
            Ok(super::json(200, &json!({ "decisions": decisions })))
        })
        .await
}

/// The one made for a request.
pub(super) async fn get(shared: &Arc<Shared>, request_id: String) -> Result<Reply, ApiError> {
    shared
        .with_database(move |_, conn| match tracking::decision(conn, &request_id)? {
            Some(decision) => Ok(super::json(200, &decision)),
            None => {
                let message = format!("no router has decided a request `{request_id}`");
                Err(ApiError::new(404, "no_such_decision", message))
            }
        })
        .await
}
