//! Tokens that scripts show instead of the password.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::super::access::TokenError;
use super::super::reply::{self, Reply};
use super::super::{Request, Shared};
use super::{ApiError, read};
use crate::store::admin;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
}

/// All of them; the tokens themselves are not stored.
pub(super) async fn list(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    let tokens = shared.store.run(admin::tokens).await?;
    let shown = tokens.into_iter().map(|token| {
        json!({
            "name": token.name,
            "shown_prefix": token.shown_prefix,
            "created_ms": token.created,
            "last_used_ms": token.last_used,
        })
    });
    Ok(super::json(200, &json!({ "tokens": shown.collect::<Vec<_>>() })))
}

/// Makes one and shows it, this once.
pub(super) async fn create(shared: &Arc<Shared>, request: Request) -> Result<Reply, ApiError> {
    let NewToken { name } = read(request).await?;
    let (token, stored) = shared.access.create_token(name).await.map_err(|error| match error {
        TokenError::Name => ApiError::new(422, "invalid", error.to_string()),
        TokenError::Exists(_) => ApiError::new(409, "exists", error.to_string()),
        TokenError::Store(error) => error.into(),
    })?;
    tracing::info!(token.name = %stored.name, "admin token made");
    let shown = json!({ "name": stored.name, "token": token.expose(), "created_ms": stored.created });
    Ok(super::json(201, &shown))
}

/// Takes one back.
pub(super) async fn revoke(shared: &Arc<Shared>, name: String) -> Result<Reply, ApiError> {
    if !shared.access.revoke_token(name.clone()).await? {
        return Err(ApiError::new(404, "no_such_token", format!("there is no token `{name}`")));
    }
    tracing::info!(token.name = %name, "admin token revoked");
    Ok(reply::bytes(204, "application/json", ""))
}
