//! A router tried out: it really chooses, and nothing is remembered of it but the bill of its designator.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::reply::Reply;
use super::super::{Request, Shared};
use super::entries::{judge, unreadable};
use super::error::ApiError;
use super::{ROOT, body};
use crate::catalog::Catalog;
use crate::chat::{ChatRequest, Message, Role};
use crate::config::Definition;
use crate::entry_kind::EntryKind;
use crate::protocol::ClientFormat;
use crate::routing::{Resolved, RouteError, resolve};

/// What to choose for: a prompt or a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trial {
    /// A question.
    prompt: Option<String>,
    /// A whole request: the body of an OpenAI chat.
    request: Option<Box<RawValue>>,
    /// The router as it would be, to try a change before it is saved.
    router: Option<Box<RawValue>>,
}

/// Has the router choose for a prompt or a request.
pub(super) async fn choose(shared: &Arc<Shared>, name: String, request: Request) -> Result<Reply, ApiError> {
    let endpoint = format!("{ROOT}routers/NAME/resolve");
    let text = body(&request.headers, request.body).await?;
    let trial: Trial =
        serde_json::from_slice(&text).map_err(|error| ApiError::new(400, "unreadable", error.to_string()))?;
    let request = match (trial.prompt, trial.request) {
        (Some(prompt), None) => {
            ChatRequest { messages: vec![Message::text(Role::User, prompt)], ..ChatRequest::default() }
        }
        (None, Some(request)) => ClientFormat::OpenAiChat
            .codec()
            .read_request(request.get().as_bytes())
            .map_err(|error| ApiError::new(400, "unreadable", error.to_string()))?,
        (None, None) | (Some(_), Some(_)) => {
            let message = "send `prompt`, a text, or `request`, the body of an OpenAI chat";
            return Err(ApiError::new(400, "unreadable", message));
        }
    };
    let catalog = match trial.router {
        None => shared.catalog.load_full(),
        Some(router) => changed(shared, &name, &router).await?,
    };
    let at = match resolve(&catalog, &name) {
        Ok(Resolved::Router(at)) => at,
        Ok(Resolved::Model(_)) | Err(RouteError::NotFound { .. }) => {
            return Err(ApiError::new(404, "no_such_router", format!("there is no router `{name}`")));
        }
        Err(error) => return Err(ApiError::new(422, "invalid", error.to_string())),
    };
    match Box::pin(shared.relay.try_out(&catalog, at, &name, &endpoint, &request)).await {
        Ok((resolution, decision)) => Ok(super::json(200, &json!({ "decision": decision, "steps": resolution.steps }))),
        Err(error @ RouteError::NoCandidate { .. }) => Err(ApiError::new(422, "no_candidate", error.to_string())),
        Err(error) => Err(ApiError::new(422, "invalid", error.to_string())),
    }
}

/// The catalog as it would be, had the router been saved; refused as a save would be.
async fn changed(shared: &Arc<Shared>, name: &str, router: &RawValue) -> Result<Arc<Catalog>, ApiError> {
    let definition = Definition::read(EntryKind::Router, router.get().as_bytes())
        .map_err(|error| unreadable(EntryKind::Router, &error))?;
    let (shared, name) = (shared.clone(), name.to_owned());
    let store = shared.store.clone();
    let judged = store.run(move |_| {
        let judged = judge(&shared, &name, &definition);
        Ok(judged.map(|_| Arc::new(shared.in_force.with_change(EntryKind::Router, &name, Some(&definition)))))
    });
    judged.await?
}
