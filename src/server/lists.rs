//! What clients ask before they chat: which models there are, which are loaded, what one can do.
//! Everything comes from memory, because clients ask on nearly every prompt and give up after two seconds;
//! only the details of a model on a real Ollama instance are asked from that instance.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::Method;
use http::header::USER_AGENT;
use serde::Serialize;
use serde_json::Value;

use super::caller::{Caller, new_request_id};
use super::reply::{self, Failure, Reply};
use super::{Request, Shared};
use crate::auth::Principal;
use crate::catalog::{Catalog, Listed, Model};
use crate::clock::UnixNanos;
use crate::listener::collect;
use crate::protocol::ollama::lists::{self, Details, PsEntry, Show, TagEntry};
use crate::protocol::ollama::management::Manage;
use crate::protocol::{ApiError, ClientFormat, DecodeError, Protocol, ollama};
use crate::providers::{Payload, ollama_endpoint};
use crate::relay::UpstreamError;
use crate::routing::{RouteError, settle};

/// Open WebUI turns each part into a number; Copilot wants at least 0.6.4. This is the contract we follow.
const OLLAMA_VERSION: &str = "0.33.0";
const OLLAMA_JSON: &str = "application/json; charset=utf-8";
const OPENAI_JSON: &str = "application/json";
const MAX_SHOW_BYTES: usize = 32 << 20;

/// The two long lists as every unrestricted caller sees them, written once per catalog.
#[derive(Debug, Default)]
pub(super) struct Rendered(ArcSwapOption<RenderedLists>);

#[derive(Debug)]
struct RenderedLists {
    catalog: Arc<Catalog>,
    tags: Bytes,
    models: Bytes,
}

impl Rendered {
    fn of(&self, catalog: &Arc<Catalog>) -> Arc<RenderedLists> {
        if let Some(lists) = self.0.load_full()
            && Arc::ptr_eq(&lists.catalog, catalog)
        {
            return lists;
        }
        let everyone = Principal::default();
        let lists = Arc::new(RenderedLists {
            catalog: catalog.clone(),
            tags: Bytes::from(render_tags(catalog, &everyone)),
            models: Bytes::from(render_models(catalog, &everyone)),
        });
        self.0.store(Some(lists.clone()));
        lists
    }
}

/// `GET /api/version`.
pub(super) fn version() -> Reply {
    reply::bytes(200, OLLAMA_JSON, lists::version(OLLAMA_VERSION))
}

/// `GET /api/tags`.
pub(super) fn tags(shared: &Shared, request: &Request) -> Reply {
    let id = new_request_id();
    match Caller::of(shared, request, id.clone()) {
        Ok(caller) => {
            let catalog = shared.catalog.load_full();
            let body = if caller.principal.is_restricted() {
                Bytes::from(render_tags(&catalog, &caller.principal))
            } else {
                shared.rendered.of(&catalog).tags.clone()
            };
            reply::bytes(200, OLLAMA_JSON, body)
        }
        Err(failure) => reply::failure(ClientFormat::OllamaChat.codec(), &failure, &failure.to_api_error(&id)),
    }
}

/// `GET /v1/models`.
pub(super) fn models(shared: &Shared, request: &Request) -> Reply {
    let id = new_request_id();
    match Caller::of(shared, request, id.clone()) {
        Ok(caller) => {
            let catalog = shared.catalog.load_full();
            let body = if caller.principal.is_restricted() {
                Bytes::from(render_models(&catalog, &caller.principal))
            } else {
                shared.rendered.of(&catalog).models.clone()
            };
            reply::bytes(200, OPENAI_JSON, body)
        }
        Err(failure) => reply::failure(ClientFormat::OpenAiChat.codec(), &failure, &failure.to_api_error(&id)),
    }
}

/// `GET /v1/models/NAME`.
pub(super) fn model(shared: &Shared, request: &Request, name: &str) -> Reply {
    let id = new_request_id();
    let found = Caller::of(shared, request, id.clone()).and_then(|caller| {
        let resolution = settle(&shared.catalog.load(), name)?;
        if caller.principal.may_use(name) { Ok(resolution) } else { Err(Failure::Forbidden(name.to_owned())) }
    });
    match found {
        Ok(resolution) => {
            let model = &resolution.route.first;
            let entry = ModelEntry::new(name, Some(model.as_ref()), model.created);
            reply::bytes(200, OPENAI_JSON, json(&entry))
        }
        Err(failure) => {
            let mut error = failure.to_api_error(&id);
            if let Failure::Route(RouteError::NotFound { .. }) = failure {
                // Word for word what Ollama's own OpenAI face answers.
                error = ApiError {
                    message: format!("model '{}' not found", ollama::display_name(name)),
                    code: None,
                    param: None,
                    ..error
                };
            }
            reply::failure(ClientFormat::OpenAiChat.codec(), &failure, &error)
        }
    }
}

/// `GET /api/ps`.
pub(super) fn ps(shared: &Shared, request: &Request) -> Reply {
    let id = new_request_id();
    let caller = match Caller::of(shared, request, id.clone()) {
        Ok(caller) => caller,
        Err(failure) => return reply::failure(ClientFormat::OllamaChat.codec(), &failure, &failure.to_api_error(&id)),
    };
    let catalog = shared.catalog.load();
    let entries: Vec<PsEntry> = shared
        .residents
        .list(caller.started)
        .into_iter()
        .filter(|(name, _)| caller.principal.may_use(name))
        .map(|(name, until)| {
            let model = settle(&catalog, &name).ok().map(|resolution| resolution.route.first);
            let entry = tag_entry(&name, model.as_deref(), None);
            PsEntry {
                name: entry.name,
                size: entry.size,
                digest: entry.digest,
                details: entry.details,
                expires_at: until,
                size_vram: 0,
                context_length: model.and_then(|model| model.profile.context_length).unwrap_or_default(),
            }
        })
        .collect();
    reply::bytes(200, OLLAMA_JSON, lists::ps(&entries))
}

/// `POST /api/show`.
pub(super) async fn show(shared: &Shared, request: Request) -> Reply {
    let id = new_request_id();
    match describe(shared, request, id.clone()).await {
        Ok(body) => reply::bytes(200, OLLAMA_JSON, body),
        Err(failure) => reply::failure(ClientFormat::OllamaChat.codec(), &failure, &failure.to_api_error(&id)),
    }
}

async fn describe(shared: &Shared, request: Request, id: String) -> Result<Vec<u8>, Failure> {
    let caller = Caller::of(shared, &request, id)?;
    let agent = request.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let bytes = collect(&request.headers, request.body, shared.policy.max_body_bytes).await?;
    let name = Manage::Show.decode(&bytes)?.model;
    if !caller.principal.may_use(&name) {
        return Err(Failure::Forbidden(name));
    }
    let catalog = shared.catalog.load_full();
    let resolution = match settle(&catalog, &name) {
        Err(RouteError::NotFound { .. }) => return Err(Manage::Show.not_found(&name).into()),
        other => other?,
    };
    let model = resolution.route.first;
    if model.provider.protocol != Protocol::Ollama {
        return Ok(show_entry(&name, &model).to_vec());
    }
    let mut shown = ask_instance(shared, &model).await?;
    if agent.starts_with("GitHubCopilotChat/")
        && let Some(info) = shown.get_mut("model_info").and_then(Value::as_object_mut)
    {
        // Copilot shows this as the model's label and expects the name it asked for.
        info.insert("general.basename".to_owned(), Value::from(name));
    }
    Ok(json(&shown))
}

/// The details of a model, from the Ollama instance that has it.
async fn ask_instance(shared: &Shared, model: &Model) -> Result<Value, Failure> {
    let provider = &model.provider;
    let transport = shared.relay.transport();
    let payload = Payload::Json(Bytes::from(json(&serde_json::json!({ "model": model.profile.id }))));
    let url = ollama_endpoint(provider, "show");
    let response = transport
        .send(provider, Method::POST, url, payload)
        .await
        .map_err(|error| UpstreamError::transport(provider, &error))?;
    let status = response.status;
    let idle = transport.timeouts().idle;
    let body = response
        .body
        .collect(MAX_SHOW_BYTES, idle)
        .await
        .map_err(|error| UpstreamError::transport(provider, &error))?;
    if status != 200 {
        let error = provider.protocol.codec().decode_error(status, &body);
        return Err(UpstreamError::provider(provider, error, None).into());
    }
    serde_json::from_slice(&body).map_err(|error| {
        let message = format!("provider `{}` sent something that is not JSON: {error}", provider.id);
        DecodeError { status: 502, message, param: None }.into()
    })
}

fn show_entry(name: &str, model: &Model) -> Show {
    let entry = tag_entry(name, Some(model), None);
    Show {
        name: entry.name,
        architecture: model.provider.id.clone(),
        basename: name.to_owned(),
        context_length: model.profile.context_length,
        embedding_length: None,
        details: entry.details,
        capabilities: lists::capability_names(model.profile.kind, &model.profile.capabilities),
        modified_at: entry.modified_at,
        remote_model: None,
        remote_host: None,
    }
}

fn render_tags(catalog: &Catalog, caller: &Principal) -> Vec<u8> {
    let entries: Vec<TagEntry> = visible(catalog, caller)
        .map(|listed| tag_entry(&listed.name, listed.model.as_deref(), listed.created))
        .collect();
    lists::tags(&entries)
}

fn render_models(catalog: &Catalog, caller: &Principal) -> Vec<u8> {
    let data: Vec<ModelEntry<'_>> = visible(catalog, caller)
        .map(|listed| ModelEntry::new(&listed.name, listed.model.as_deref(), listed.created))
        .collect();
    json(&ModelList { object: "list", data })
}

fn visible<'a>(catalog: &'a Catalog, caller: &Principal) -> impl Iterator<Item = &'a Listed> {
    catalog.listing().iter().filter(|listed| caller.may_use(&listed.name))
}

/// A model as Ollama lists it. One on an Ollama instance keeps what the instance says of it.
fn tag_entry(name: &str, model: Option<&Model>, created: Option<i64>) -> TagEntry {
    let Some(model) = model else { return TagEntry::remote(name, seconds(created)) };
    if let Some(listed) = &model.ollama {
        let entry = TagEntry::from_listed(name, listed);
        // Clients keep one model per digest, so another name for the same model needs another digest.
        let is_alias = !name.eq_ignore_ascii_case(&model.name());
        return if is_alias { TagEntry { digest: ollama::digest(&entry.name), ..entry } } else { entry };
    }
    TagEntry {
        details: Details {
            family: model.provider.id.clone(),
            families: Some(vec![model.provider.id.clone()]),
            context_length: model.profile.context_length,
            ..Details::default()
        },
        capabilities: lists::capability_names(model.profile.kind, &model.profile.capabilities),
        ..TagEntry::remote(name, seconds(created.or(model.created)))
    }
}

fn seconds(created: Option<i64>) -> UnixNanos {
    UnixNanos(created.unwrap_or_default().saturating_mul(1_000_000_000))
}

#[derive(Serialize)]
struct ModelList<'a> {
    object: &'static str,
    data: Vec<ModelEntry<'a>>,
}

#[derive(Serialize)]
struct ModelEntry<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'a str,
}

impl<'a> ModelEntry<'a> {
    fn new(name: &'a str, model: Option<&'a Model>, created: Option<i64>) -> Self {
        let owned_by = match model {
            // Ollama's own namespace.
            Some(model) if model.provider.protocol == Protocol::Ollama => "library",
            Some(model) => &model.provider.id,
            None => "llm-relay",
        };
        let created = created.or(model.and_then(|model| model.created)).unwrap_or_default();
        Self { id: name, object: "model", created, owned_by }
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|_| b"{}".to_vec())
}
