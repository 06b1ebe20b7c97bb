//! Ollama instances: what they have, what they run, and what can be done about it. Nothing is known of them by heart: each
//! is asked when somebody looks, and one that is dead holds up nobody but whoever asks for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::reply::{self, Reply};
use super::super::{Request, Shared};
use super::entries::unknown;
use super::providers::address;
use super::{ApiError, read};
use crate::catalog::{Provider, ProviderOrigin, ProviderState};
use crate::entry_kind::EntryKind;
use crate::protocol::Protocol;
use crate::providers::{InstanceError, Payload, ollama_endpoint};

/// How long an instance may take to say what it has.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long it may take to delete or unload something.
const WORK_PATIENCE: Duration = Duration::from_secs(30);
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// What is to be done something with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    model: String,
}

/// All instances, as they are configured; none is asked.
pub(super) fn list(shared: &Arc<Shared>) -> Reply {
    let shown: Vec<_> = instances(shared)
        .iter()
        .map(|provider| {
            json!({
                "name": provider.id,
                "address": address(&provider.base_url),
                "enabled": provider.state != ProviderState::Disabled,
            })
        })
        .collect();
    super::json(200, &json!({ "instances": shown }))
}

/// Those that somebody has configured.
pub(in crate::admin) fn instances(shared: &Shared) -> Vec<Arc<Provider>> {
    let catalog = shared.catalog.load();
    let ours = catalog.providers().iter().filter(|one| one.protocol == Protocol::Ollama);
    ours.filter(|one| one.origin != ProviderOrigin::BuiltIn).cloned().collect()
}

/// What one of them says of itself now. One that does not answer is an answer, too.
pub(super) async fn look(shared: &Arc<Shared>, name: &str) -> Result<Reply, ApiError> {
    let provider = instance(shared, name)?;
    let ask = async |endpoint: &str| {
        let transport = shared.relay.transport();
        let answer = transport.ask_instance(&provider, (Method::GET, endpoint), None, PATIENCE).await?;
        serde_json::from_slice::<Value>(&answer)
            .map_err(|_| InstanceError::Unreachable("what answers there is no Ollama server".to_owned()))
    };
    let (version, tags, running) = tokio::join!(ask("version"), ask("tags"), ask("ps"));
    let known = json!({ "name": provider.id, "address": address(&provider.base_url) });
    let shown = match tags {
        Ok(tags) => json!({
            "reachable": true,
            "version": version.ok().and_then(|answer| answer.get("version").cloned()),
            "models": list_of(&tags, model),
            // Servers that speak Ollama's format need not have it.
            "running": running.map_or_else(|_| Vec::new(), |running| list_of(&running, running_model)),
        }),
        Err(error) => json!({ "reachable": false, "reason": error.to_string() }),
    };
    Ok(super::json(200, &joined(known, shown)))
}

/// Has an instance fetch a model, and hands its progress through as it comes. Whoever leaves ends the pull; Ollama keeps
/// what it has got, and goes on from there next time.
pub(super) async fn pull(shared: &Arc<Shared>, name: &str, request: Request) -> Result<Reply, ApiError> {
    let provider = instance(shared, name)?;
    let wish = wish(request).await?;
    let body = Bytes::from(json!({ "model": wish.model, "stream": true }).to_string());
    let url = ollama_endpoint(&provider, "pull");
    let sent = shared.relay.transport().send_patiently(&provider, Method::POST, url, Payload::Json(body)).await;
    let response = sent.map_err(|error| refused(&provider, &InstanceError::Unreachable(error.message)))?;
    let status = response.status;
    if status != 200 {
        let body = response.body.collect(MAX_REFUSAL_BYTES, PATIENCE).await.unwrap_or_default();
        let message = provider.protocol.codec().decode_error(status, &body).message;
        return Err(refused(&provider, &InstanceError::Refused { status, message }));
    }
    tracing::info!(provider.id = %provider.id, model.id = %wish.model, "pull begun on the admin listener");
    let done = Done(shared.clone());
    Ok(reply::stream(response.body.map(move |chunk| {
        let _ = &done;
        chunk.unwrap_or_else(|error| Bytes::from(format!("{}\n", json!({ "error": error.to_string() }))))
    })))
}

/// Deletes a model's files.
pub(super) async fn delete(shared: &Arc<Shared>, name: &str, request: Request) -> Result<Reply, ApiError> {
    let provider = instance(shared, name)?;
    let wish = wish(request).await?;
    let body = json!({ "model": wish.model });
    let asked =
        shared.relay.transport().ask_instance(&provider, (Method::DELETE, "delete"), Some(&body), WORK_PATIENCE);
    asked.await.map_err(|error| refused(&provider, &error))?;
    tracing::info!(provider.id = %provider.id, model.id = %wish.model, "model deleted on the admin listener");
    shared.in_force.instances_changed();
    Ok(reply::bytes(204, "application/json", ""))
}

/// Takes a running model out of memory; the next request to it loads it again.
pub(super) async fn unload(shared: &Arc<Shared>, name: &str, request: Request) -> Result<Reply, ApiError> {
    let provider = instance(shared, name)?;
    let wish = wish(request).await?;
    let body = json!({ "model": wish.model, "keep_alive": 0, "stream": false });
    let asked =
        shared.relay.transport().ask_instance(&provider, (Method::POST, "generate"), Some(&body), WORK_PATIENCE);
    asked.await.map_err(|error| refused(&provider, &error))?;
    Ok(reply::bytes(204, "application/json", ""))
}

/// Tells discovery that an instance may have other models now, once its answer has ended.
struct Done(Arc<Shared>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.in_force.instances_changed();
    }
}

async fn wish(request: Request) -> Result<Wish, ApiError> {
    let wish: Wish = read(request).await?;
    let model = wish.model.trim().to_owned();
    if model.is_empty() {
        return Err(ApiError::new(422, "invalid", "name a model, like qwen3:4b"));
    }
    Ok(Wish { model })
}

/// The instance of a name.
fn instance(shared: &Shared, name: &str) -> Result<Arc<Provider>, ApiError> {
    let provider = shared.catalog.load().provider(name).cloned().ok_or_else(|| unknown(EntryKind::Provider, name))?;
    if provider.protocol != Protocol::Ollama {
        let message = format!("the provider `{}` is no Ollama instance", provider.id);
        return Err(ApiError::new(409, "no_instance", message));
    }
    if !provider.is_ready() {
        let message = format!("the instance `{}` is switched off, or has no address", provider.id);
        return Err(ApiError::new(409, "not_ready", message));
    }
    Ok(provider)
}

fn refused(provider: &Provider, error: &InstanceError) -> ApiError {
    let id = &provider.id;
    match error {
        InstanceError::Unreachable(reason) => {
            ApiError::new(502, "unreachable", format!("the instance `{id}` does not answer: {reason}"))
        }
        InstanceError::Refused { status: 404, message } => ApiError::new(404, "no_such_model", message.clone()),
        InstanceError::Refused { status, message } => {
            ApiError::new(502, "instance", format!("the instance `{id}` answered with status {status}: {message}"))
        }
    }
}

fn list_of(answer: &Value, shown: impl Fn(&Value) -> Value) -> Vec<Value> {
    answer.get("models").and_then(Value::as_array).into_iter().flatten().map(shown).collect()
}

/// A model on the instance's disk.
fn model(entry: &Value) -> Value {
    let detail = |key: &str| entry.pointer(&format!("/details/{key}")).filter(|value| **value != "").cloned();
    json!({
        "name": name(entry),
        "size": entry.get("size"),
        "modified": entry.get("modified_at"),
        "family": detail("family"),
        "parameters": detail("parameter_size"),
        "quantisation": detail("quantization_level"),
    })
}

/// A model in the instance's memory.
fn running_model(entry: &Value) -> Value {
    json!({
        "name": name(entry),
        "size": entry.get("size"),
        "vram": entry.get("size_vram"),
        "expires": entry.get("expires_at"),
    })
}

fn name(entry: &Value) -> Option<&Value> {
    entry.get("model").or_else(|| entry.get("name"))
}

fn joined(mut one: Value, other: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (one.as_object_mut(), other) {
        fields.extend(more);
    }
    one
}
