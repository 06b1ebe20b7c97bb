//! Where a name leads: now, or were something changed.

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::super::reply::Reply;
use super::super::way::Way;
use super::super::{Request, Shared};
use super::entries::unreadable;
use super::error::ApiError;
use crate::config::Definition;
use crate::entry_kind::EntryKind;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// As a client would write it.
    name: String,
    /// A change that is not made.
    with: Option<Change>,
}

/// A change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    kind: EntryKind,
    name: String,
    /// What it would say; `null`: it would be deleted.
    entry: Option<Box<RawValue>>,
}

/// Follows a name.
pub(super) async fn follow(shared: &Arc<Shared>, request: Request) -> Result<Reply, ApiError> {
    let asked = if request.method == Method::POST {
        super::read(request).await?
    } else {
        let mut pairs = form_urlencoded::parse(request.query.as_bytes());
        let name = pairs.find_map(|(key, value)| (key == "name").then(|| value.into_owned()));
        let name = name.ok_or_else(|| ApiError::new(400, "query", "say which `name` to follow"))?;
        Asked { name, with: None }
    };
    let change = asked.with.map(|change| {
        let entry = change.entry.map(|entry| Definition::read(change.kind, entry.get().as_bytes()));
        let entry = entry.transpose().map_err(|error| unreadable(change.kind, &error))?;
        Ok::<_, ApiError>((change.kind, change.name, entry))
    });
    let change = change.transpose()?;
    // Building a catalog takes a moment: not on a thread that serves others.
    let answer = move |shared: &Shared| match &change {
        Some((kind, name, entry)) => {
            Way::of(&shared.in_force.with_change(*kind, name.trim(), entry.as_ref()), &asked.name)
        }
        None => Way::of(&shared.catalog.load(), &asked.name),
    };
    shared.with_database(move |shared, _| Ok(super::json(200, &answer(shared)))).await
}
