//! Ollama's model management, passed to the instance that holds (or shall hold) the model.
//! For models of other providers it answers what an Ollama server would: they are there already, and cannot be removed.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use http::Method;
use http::header::CONTENT_TYPE;
use tokio::sync::Notify;
use warp::Reply as _;

use super::caller::{Caller, new_request_id};
use super::reply::{self, Failure, Reply};
use super::{Request, Shared};
use crate::catalog::{Catalog, Provider};
use crate::listener::collect;
use crate::protocol::envelope::Envelope;
use crate::protocol::ollama::management::{self, CopyRequest, Manage, ManageRequest};
use crate::protocol::{ClientFormat, DecodeError, Protocol, ollama};
use crate::providers::{Payload, TransportError, ollama_endpoint};
use crate::relay::UpstreamError;
use crate::routing::{ResolvedBy, settle};

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

/// Where a model lives.
enum Home {
    /// On this Ollama instance, under this name.
    Instance(Arc<Provider>, String),
    /// At another kind of provider, whose id is given.
    Elsewhere(String),
    /// Nowhere we know of.
    Unknown,
}

/// `POST /api/pull`.
pub(super) async fn pull(shared: &Shared, request: Request) -> Reply {
    guarded(request, async |request, id| {
        let (body, ask) = read(shared, request, id, Manage::Pull).await?;
        let catalog = shared.catalog.load_full();
        let stream = ask.stream;
        match home(&catalog, &ask.model).or_first_instance(&catalog, &ask.model) {
            Home::Instance(provider, name) => pass(shared, &provider, Method::POST, "pull", &body, &name).await,
            Home::Elsewhere(_) if stream => {
                let digest = ollama::digest(&ollama::display_name(&ask.model));
                Ok(reply::bytes(200, NDJSON, management::pull_present(&digest, 0)))
            }
            Home::Elsewhere(_) => Ok(reply::bytes(200, JSON, management::SUCCESS)),
            Home::Unknown if stream => Ok(reply::bytes(200, NDJSON, management::pull_not_found())),
            Home::Unknown => {
                let message = management::PULL_NOT_FOUND.to_owned();
                Err(DecodeError { status: 500, message, param: None }.into())
            }
        }
    })
    .await
}

/// `POST /api/push`.
pub(super) async fn push(shared: &Shared, request: Request) -> Reply {
    guarded(request, async |request, id| {
        let (body, ask) = read(shared, request, id, Manage::Push).await?;
        let (provider, name) = on_an_instance(shared, &ask.model, "pushed", Manage::Push.not_found(&ask.model))?;
        pass(shared, &provider, Method::POST, "push", &body, &name).await
    })
    .await
}

/// `POST /api/create`.
pub(super) async fn create(shared: &Shared, request: Request) -> Reply {
    guarded(request, async |request, id| {
        let (body, ask) = read(shared, request, id, Manage::Create).await?;
        let catalog = shared.catalog.load_full();
        match home(&catalog, &ask.model).or_first_instance(&catalog, &ask.model) {
            Home::Instance(provider, name) => pass(shared, &provider, Method::POST, "create", &body, &name).await,
            Home::Elsewhere(_) | Home::Unknown => Err(no_instance()),
        }
    })
    .await
}

/// `POST /api/copy`.
pub(super) async fn copy(shared: &Shared, request: Request) -> Reply {
    guarded(request, async |request, id| {
        let caller = Caller::of(shared, &request, id)?;
        let body = collect(&request.headers, request.body, shared.policy.max_body_bytes).await?;
        let ask = CopyRequest::decode(&body)?;
        permit(&caller, &ask.source)?;
        let (provider, name) = on_an_instance(shared, &ask.source, "copied", ask.not_found())?;
        let mut envelope = Envelope::parse(&body)?;
        envelope.set("source", json_text(&name));
        send(shared, &provider, Method::POST, "copy", Payload::Json(Bytes::from(envelope.to_vec()))).await
    })
    .await
}

/// `DELETE /api/delete`.
pub(super) async fn delete(shared: &Shared, request: Request) -> Reply {
    guarded(request, async |request, id| {
        let (body, ask) = read(shared, request, id, Manage::Delete).await?;
        let (provider, name) = on_an_instance(shared, &ask.model, "deleted", Manage::Delete.not_found(&ask.model))?;
        pass(shared, &provider, Method::DELETE, "delete", &body, &name).await
    })
    .await
}

/// `HEAD` and `POST /api/blobs/DIGEST`.
pub(super) async fn blob(shared: &Shared, request: Request, digest: &str) -> Reply {
    let digest = digest.to_owned();
    guarded(request, async |request, id| {
        Caller::of(shared, &request, id)?;
        if !is_digest(&digest) {
            return Err(DecodeError::bad_request("invalid digest format").into());
        }
        let catalog = shared.catalog.load_full();
        let Some(provider) = first_instance(&catalog) else {
            return if request.method == Method::HEAD { Ok(reply::empty(404)) } else { Err(no_instance()) };
        };
        let payload = if request.method == Method::HEAD {
            Payload::Empty
        } else {
            Payload::Stream(Box::pin(request.body.map(|chunk| chunk.map_err(std::io::Error::other))))
        };
        send(shared, &provider, request.method, &format!("blobs/{digest}"), payload).await
    })
    .await
}

/// Runs a handler and writes its failure in Ollama's shape.
async fn guarded<F: AsyncFnOnce(Request, String) -> Result<Reply, Failure>>(request: Request, handle: F) -> Reply {
    let id = new_request_id();
    match handle(request, id.clone()).await {
        Ok(reply) => reply,
        Err(failure) => reply::failure(ClientFormat::OllamaChat.codec(), &failure, &failure.to_api_error(&id)),
    }
}

async fn read(
    shared: &Shared,
    request: Request,
    id: String,
    endpoint: Manage,
) -> Result<(Bytes, ManageRequest), Failure> {
    let caller = Caller::of(shared, &request, id)?;
    let body = collect(&request.headers, request.body, shared.policy.max_body_bytes).await?;
    let ask = endpoint.decode(&body)?;
    permit(&caller, &ask.model)?;
    Ok((body, ask))
}

fn permit(caller: &Caller, name: &str) -> Result<(), Failure> {
    if caller.principal.may_use(name) { Ok(()) } else { Err(Failure::Forbidden(name.to_owned())) }
}

fn home(catalog: &Catalog, name: &str) -> Home {
    match settle(catalog, name) {
        // The default model is a guess about what is meant; nothing may be deleted on a guess.
        Ok(resolution) if resolution.resolved_by != ResolvedBy::Default => {
            let model = resolution.route.first;
            if model.provider.protocol == Protocol::Ollama {
                Home::Instance(model.provider.clone(), model.profile.id.clone())
            } else {
                Home::Elsewhere(model.provider.id.clone())
            }
        }
        Ok(_) | Err(_) => Home::Unknown,
    }
}

impl Home {
    /// A model nobody has goes to the first instance.
    fn or_first_instance(self, catalog: &Catalog, name: &str) -> Self {
        match self {
            Self::Unknown => match first_instance(catalog) {
                Some(provider) => Self::Instance(provider, name.to_owned()),
                None => Self::Unknown,
            },
            known => known,
        }
    }
}

/// The instance that holds a model, for what can be done only there.
fn on_an_instance(
    shared: &Shared,
    name: &str,
    what: &str,
    missing: DecodeError,
) -> Result<(Arc<Provider>, String), Failure> {
    let catalog = shared.catalog.load();
    // A model that was copied or created a moment ago is not in the lists yet; the instance knows.
    match home(&catalog, name).or_first_instance(&catalog, name) {
        Home::Instance(provider, name) => Ok((provider, name)),
        Home::Elsewhere(provider) => {
            let message = format!("model '{name}' is served by provider `{provider}` and cannot be {what}");
            Err(DecodeError::bad_request(message).into())
        }
        Home::Unknown => Err(missing.into()),
    }
}

fn first_instance(catalog: &Catalog) -> Option<Arc<Provider>> {
    catalog.providers().iter().find(|provider| provider.protocol == Protocol::Ollama && provider.is_ready()).cloned()
}

fn no_instance() -> Failure {
    DecodeError::bad_request("no Ollama instance is configured to hold models (setting OLLAMA_BASE_URL)").into()
}

/// Passes a body on, with the instance's own name for the model.
async fn pass(
    shared: &Shared,
    provider: &Provider,
    method: Method,
    endpoint: &str,
    body: &Bytes,
    name: &str,
) -> Result<Reply, Failure> {
    let mut envelope = Envelope::parse(body)?;
    envelope.remove("name");
    envelope.set("model", json_text(name));
    send(shared, provider, method, endpoint, Payload::Json(Bytes::from(envelope.to_vec()))).await
}

/// Sends to an instance and hands its answer through as it comes.
async fn send(
    shared: &Shared,
    provider: &Provider,
    method: Method,
    endpoint: &str,
    payload: Payload,
) -> Result<Reply, Failure> {
    let url = ollama_endpoint(provider, endpoint);
    let response = shared
        .relay
        .transport()
        .send_patiently(provider, method, url, payload)
        .await
        .map_err(|error| UpstreamError::transport(provider, &error))?;
    let content_type = response.headers.get(CONTENT_TYPE).cloned();
    let done = Done(shared.instances_changed.clone());
    // A pull takes as long as it takes; what breaks off becomes Ollama's own error line.
    let body = response.body.map(move |chunk| {
        let _ = &done;
        chunk.or_else(broken_off)
    });
    let mut reply = warp::reply::stream(body).into_response();
    *reply.status_mut() = http::StatusCode::from_u16(response.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    if let Some(content_type) = content_type {
        reply.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(reply)
}

/// Tells discovery that an instance may have other models now, once its answer has ended.
struct Done(Arc<Notify>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn broken_off(error: TransportError) -> Result<Bytes, std::convert::Infallible> {
    Ok(Bytes::from(format!("{}\n", serde_json::json!({ "error": error.to_string() }))))
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn is_digest(digest: &str) -> bool {
    digest
        .strip_prefix("sha256")
        .and_then(|rest| rest.strip_prefix([':', '-']))
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
