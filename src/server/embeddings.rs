//! Embeddings on both faces.

use smol_str::SmolStr;

use super::caller::{Caller, new_request_id};
use super::reply::{self, Failure, Reply};
use super::{Request, Shared};
use crate::listener::collect;
use crate::protocol::envelope::Envelope;
use crate::protocol::ollama::{self, Endpoint, LoadState};
use crate::protocol::{DecodeError, EmbedFormat, ReasoningField, ReplyContext};
use crate::relay::EmbedCall;
use crate::routing::{RouteError, settle};

/// `POST /v1/embeddings`, `/api/embed`, `/api/embeddings`.
pub(super) async fn embed(shared: &Shared, request: Request, format: EmbedFormat) -> Reply {
    let id = new_request_id();
    match answer(shared, request, format, id.clone()).await {
        Ok(reply) => reply,
        Err(failure) => {
            let mut error = failure.to_api_error(&id);
            if let Failure::Route(RouteError::NotFound { asked, .. }) = &failure {
                error.message = Endpoint::Embed.not_found(asked).message;
            }
            reply::failure(format.face(), &failure, &error)
        }
    }
}

async fn answer(shared: &Shared, request: Request, format: EmbedFormat, id: String) -> Result<Reply, Failure> {
    let caller = Caller::of(shared, &request, id)?;
    let endpoint = request.path;
    let bytes = collect(&request.headers, request.body, shared.policy.max_body_bytes).await?;
    let name = model_name(format, &bytes)?;
    let (embed, encoding) = format.decode_request(&bytes)?;
    let catalog = shared.catalog.load_full();
    let resolution = settle(&catalog, &name)?;
    let mut draft = caller.draft(&endpoint, &name, false, embed.end_user.clone());
    caller.route(&mut draft, &resolution)?;
    draft.client_protocol = SmolStr::new_static(format.protocol().as_str());
    let context = ReplyContext {
        request_id: caller.id.clone(),
        model: name,
        started: caller.started,
        include_usage: true,
        tools_offered: false,
        reasoning_as: ReasoningField::default(),
    };
    if let (true, Some(endpoint)) = (embed.inputs.is_empty(), ollama_endpoint(format)) {
        // Nothing to embed: it asks only that the model be loaded.
        let body = ollama::load_reply(endpoint, &context.model, caller.started, LoadState::Loaded);
        return Ok(reply::bytes(200, format.face().content_types().whole, body));
    }
    let call = EmbedCall { format, request: &embed, encoding, route: &resolution.route, context, body: &bytes, draft };
    let answer = shared.relay.embed(call).await?;
    Ok(reply::answer(answer, &caller.id, &resolution.resolved_by.to_string(), None))
}

/// The endpoint of Ollama's a request came to, if it was one of its.
fn ollama_endpoint(format: EmbedFormat) -> Option<Endpoint> {
    match format {
        EmbedFormat::OpenAi => None,
        EmbedFormat::Ollama => Some(Endpoint::Embed),
        EmbedFormat::OllamaLegacy => Some(Endpoint::Embeddings),
    }
}

fn model_name(format: EmbedFormat, body: &[u8]) -> Result<String, DecodeError> {
    let Some(endpoint) = ollama_endpoint(format) else {
        if body.trim_ascii().is_empty() {
            return Err(DecodeError::bad_request("EOF"));
        }
        let model = Envelope::parse(body)?.read::<String>("model")?.unwrap_or_default();
        if model.trim().is_empty() {
            Endpoint::Embeddings.check_name("")?;
        }
        return Ok(model);
    };
    let model = ollama::head(body, endpoint)?.model;
    if model.is_empty() {
        endpoint.check_name(&model)?;
    }
    Ok(model)
}
