//! The catalogue: a list to search in, and everything about one model. Changes go the way of all entries.

use std::sync::Arc;

use http::HeaderValue;
use http::header::ETAG;

use super::super::Shared;
use super::super::models::{About, Asked, select, uses};
use super::super::reply::Reply;
use super::error::ApiError;
use super::shown::{from_the_database, tagged};
use crate::clock::UnixMillis;
use crate::entry_kind::EntryKind;
use crate::store::entries;

/// A page of models.
pub(super) async fn list(shared: &Arc<Shared>, query: &str) -> Result<Reply, ApiError> {
    let wrong = |message: String| ApiError::new(400, "query", message);
    let asked = Asked::read(query).map_err(wrong)?;
    shared
        .with_database(move |shared, conn| {
            let uses = uses(conn, UnixMillis::now())?;
            let selection = select(&shared.catalog.load(), &asked, &uses).map_err(wrong)?;
            Ok(super::json(200, &selection))
        })
        .await
}

/// One of them, by its whole name; the tag is the version of what is said of it here.
pub(super) async fn get(shared: &Arc<Shared>, name: String) -> Result<Reply, ApiError> {
    shared
        .with_database(move |shared, conn| {
            let catalog = shared.catalog.load_full();
            let known = catalog.split_prefix(&name).and_then(|(provider, id)| catalog.model(&provider.id, id));
            let Some(model) = known else {
                // Of a provider that is no more; it can still be deleted.
                let stored = entries::get(conn, EntryKind::Model, &name)?;
                return stored.map(|stored| tagged(200, &from_the_database(shared, &stored))).ok_or_else(|| {
                    let message = format!(
                        "no model is called `{name}`; its name begins with its provider's, as `openai/gpt-4o` does"
                    );
                    ApiError::new(404, "no_such_model", message)
                });
            };
            let about = About::read(&catalog, model, shared.listed(model).as_ref(), conn, UnixMillis::now())?;
            let mut reply = super::json(200, &about);
            let tag = about.entry.and_then(|said| HeaderValue::from_str(&format!("\"{}\"", said.version)).ok());
            reply.headers_mut().extend(tag.map(|tag| (ETAG, tag)));
            Ok(reply)
        })
        .await
}
