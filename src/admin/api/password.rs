//! The admin password.

use std::sync::Arc;

use http::header::RETRY_AFTER;
use serde::Deserialize;

use super::super::access::{Refusal, Verdict, Who};
use super::super::reply::{self, Reply};
use super::super::{Request, Shared};
use super::{ApiError, read};
use crate::secret::Secret;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    old: String,
    new: String,
}

/// Changes it; every login but this one ends.
pub(super) async fn change(shared: &Arc<Shared>, request: Request, who: &Who) -> Result<Reply, ApiError> {
    let client = request.client(&shared.policy);
    let Change { old, new } = read(request).await?;
    let changed = shared.access.change_password(Secret::new(old), Secret::new(new), who, client).await?;
    changed.map_err(refused)?;
    tracing::info!(client.address = %client, "admin password changed");
    Ok(reply::bytes(204, "application/json", ""))
}

fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Variable => {
            let message = "ADMIN_PASSWORD says what the password is: change it there and start again";
            ApiError::new(409, "managed_by_environment", message)
        }
        Refusal::Length => {
            ApiError::new(422, "password_length", "the new password needs 10 characters, and has 1024 bytes at most")
        }
        Refusal::Old(Verdict::Throttled(wait)) => {
            let seconds = (wait.as_secs() + 1).to_string();
            ApiError::new(429, "too_many_attempts", "too many wrong passwords; wait a minute")
                .header(RETRY_AFTER, &seconds)
        }
        Refusal::Old(Verdict::Wrong | Verdict::Unknown | Verdict::Expired { .. } | Verdict::Admitted(_)) => {
            ApiError::new(403, "wrong_password", "`old` is not the password")
        }
    }
}
