//! Tokens that scripts show instead of the password.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::super::access::TokenError;
use super::super::reply::{self, Reply};
use super::super::{Request, Shared};
use super::{ApiError, read};
use crate::clock::UnixMillis;
use crate::config::Problem;
use crate::store::admin;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    #[serde(default)]
    expires_ms: Option<i64>,
}

/// All of them; the tokens themselves are not stored.
pub(super) async fn list(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    let tokens = shared.store.run(admin::tokens).await?;
    let shown = tokens.into_iter().map(|token| {
        json!({
            "name": token.name,
            "shown_prefix": token.shown_prefix,
            "created_ms": token.created,
            "expires_ms": token.expires,
            "last_used_ms": token.last_used,
        })
    });
    Ok(super::json(200, &json!({ "tokens": shown.collect::<Vec<_>>() })))
}

/// Makes one and shows it, this once.
pub(super) async fn create(shared: &Arc<Shared>, request: Request) -> Result<Reply, ApiError> {
    let NewToken { name, expires_ms } = read(request).await?;
    let expires = expires_ms.map(UnixMillis);
    let (token, stored) = shared.access.create_token(name, expires).await.map_err(|error| match error {
        TokenError::Name => invalid(&error, "name", error.to_string()),
        TokenError::Expiry(problem) => invalid(&error, "expires_ms", problem),
        TokenError::Exists(_) => ApiError::new(409, "exists", error.to_string()),
        TokenError::Store(error) => error.into(),
    })?;
    tracing::info!(token.name = %stored.name, "admin token made");
    let shown = json!({
        "name": stored.name,
        "token": token.expose(),
        "created_ms": stored.created,
        "expires_ms": stored.expires,
    });
    Ok(super::json(201, &shown))
}

/// What is wrong with a new token, and the field that it is about.
fn invalid(error: &TokenError, place: &str, problem: impl Into<String>) -> ApiError {
    ApiError::new(422, "invalid", error.to_string()).with("problems", json!([Problem::error(place, problem)]))
}

/// Takes one back.
pub(super) async fn revoke(shared: &Arc<Shared>, name: String) -> Result<Reply, ApiError> {
    if !shared.access.revoke_token(name.clone()).await? {
        return Err(ApiError::new(404, "no_such_token", format!("there is no token `{name}`")));
    }
    tracing::info!(token.name = %name, "admin token revoked");
    Ok(reply::bytes(204, "application/json", ""))
}
