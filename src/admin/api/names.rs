//! Names, and what they are names of: those that can be asked for, to complete one; all of them, to find one's way.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use serde_with_macros::skip_serializing_none;
use url::form_urlencoded;

use super::super::Shared;
use super::super::reply::Reply;
use super::error::ApiError;
use crate::catalog::{Catalog, Listed, ListedKind, ProviderOrigin};
use crate::entry_kind::EntryKind;
use crate::store::keys;

/// How many are given at most.
const MOST: usize = 5_000;

/// What can be asked for: what is given where no kind is named.
const CALLABLE: [&str; 4] = ["router", "alias", "model", "redirect"];
/// What else has a name.
const OTHERS: [&str; 2] = ["provider", "key"];

/// A name and what it is.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
struct Name {
    name: String,
    /// One of [`CALLABLE`] or [`OTHERS`].
    kind: &'static str,
    /// The model it leads to, as `provider/model`; a router's is its fallback. Absent: none at the moment.
    model: Option<String>,
    description: Option<String>,
}

impl Name {
    fn plain(name: &str, kind: &'static str) -> Self {
        Self { name: name.to_owned(), kind, model: None, description: None }
    }
}

/// Routers, aliases and models that can be called, then redirects, providers that somebody has configured, and keys in
/// use: those that have `q` in them, of the kinds in `kind`, at most `limit`.
pub(super) async fn list(shared: &Arc<Shared>, query: &str) -> Result<Reply, ApiError> {
    let (mut part, mut kinds, mut limit) = (String::new(), CALLABLE.to_vec(), MOST);
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let wrong = |expected: &str| ApiError::new(400, "query", format!("`{key}` is {expected}, not `{value}`"));
        match &*key {
            "q" => part = value.trim().to_lowercase(),
            "kind" => {
                let known = |word: &str| CALLABLE.into_iter().chain(OTHERS).find(|known| *known == word.trim());
                let words: Option<_> = value.split(',').map(known).collect();
                kinds = words
                    .ok_or_else(|| wrong("some of `router`, `alias`, `model`, `redirect`, `provider` and `key`"))?;
            }
            "limit" => {
                let number = value.parse().ok().filter(|number| (1..=MOST).contains(number));
                limit = number.ok_or_else(|| wrong("a number from 1 to 5000"))?;
            }
            _ => return Err(ApiError::new(400, "query", format!("there is `q`, `kind` and `limit`, not `{key}`"))),
        }
    }
    let catalog = shared.catalog.load();
    let listed = catalog.listing().iter().map(|listed| shown(&catalog, listed));
    let redirects = catalog.redirects().iter().map(|redirect| Name {
        name: redirect.name.clone(),
        kind: EntryKind::Redirect.word(),
        model: None,
        description: Some(format!("→ {}", redirect.entry.target)),
    });
    let configured = catalog.providers().iter().filter(|provider| provider.origin != ProviderOrigin::BuiltIn);
    let providers = configured.map(|provider| Name::plain(&provider.id, EntryKind::Provider.word()));
    let keys = if kinds.contains(&"key") { keys_in_use(shared).await? } else { Vec::new() };
    let keys = keys.iter().map(|name| Name::plain(name, "key"));
    let fits = |name: &Name| kinds.contains(&name.kind) && name.name.to_lowercase().contains(&part);
    let names: Vec<_> = listed.chain(redirects).chain(providers).chain(keys).filter(fits).take(limit).collect();
    Ok(super::json(200, &json!({ "names": names })))
}

/// The names of keys that were not revoked, wherever they were made.
async fn keys_in_use(shared: &Arc<Shared>) -> Result<Vec<String>, ApiError> {
    let mut names: Vec<_> = shared.in_force.configured_keys().iter().map(|key| key.name.clone()).collect();
    let stored = shared.store.run(keys::list).await?;
    names.extend(stored.into_iter().filter(|key| key.revoked.is_none()).map(|key| key.name));
    Ok(names)
}

fn shown(catalog: &Catalog, listed: &Listed) -> Name {
    let (kind, description) = match listed.kind {
        ListedKind::Router => {
            let router = catalog.routers().get(&listed.name);
            ("router", router.and_then(|router| router.entry.description.clone()))
        }
        ListedKind::Alias => {
            let alias = catalog.aliases().get(&listed.name);
            ("alias", alias.and_then(|alias| alias.entry.description.clone()))
        }
        ListedKind::Model => ("model", None),
    };
    Name { name: listed.name.clone(), kind, model: listed.model.as_ref().map(|model| model.name()), description }
}
