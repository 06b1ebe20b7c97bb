//! The log: a list to search in, and everything that is known of one request.

use std::sync::Arc;

use serde_json::json;

use super::super::Shared;
use super::super::reply::Reply;
use super::super::requests::{Texts, Whole};
use super::error::ApiError;
use crate::clock::UnixMillis;
use crate::tracking::{self, Cursor};

/// A page of records, newest first, and the cursors of the pages beside it.
pub(super) async fn list(shared: &Arc<Shared>, query: &str) -> Result<Reply, ApiError> {
    let asked = Texts::read(query).understand(UnixMillis::now());
    let asked = asked.map_err(|wrong| ApiError::new(400, "query", wrong))?;
    shared
        .with_database(move |_, conn| {
            let page = tracking::search(conn, &asked.search, &asked.place, asked.limit)?;
            let text = |cursor: &Option<Cursor>| cursor.as_ref().map(tracking::cursor_to_text);
            let body = json!({
                "requests": page.rows,
                "next": text(&page.older),
                "previous": text(&page.newer),
                "looked_at": page.looked_at,
            });
            Ok(super::json(200, &body))
        })
        .await
}

/// One of them.
pub(super) async fn get(shared: &Arc<Shared>, id: String) -> Result<Reply, ApiError> {
    shared
        .with_database(move |_, conn| match Whole::read(conn, &id)? {
            Some(whole) => Ok(super::json(200, &whole)),
            None => Err(ApiError::new(404, "no_such_request", format!("there is no record of a request `{id}`"))),
        })
        .await
}
