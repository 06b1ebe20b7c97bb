//! Chats and prompt completions: read just enough to route, resolve the name, hand over to the relay.

use bytes::Bytes;
use smol_str::SmolStr;

use super::caller::{Caller, new_request_id};
use super::reply::{self, Failure, Reply};
use super::{Request, Shared};
use crate::catalog::{Catalog, Model};
use crate::chat::ChatRequest;
use crate::clock::UnixNanos;
use crate::listener::collect;
use crate::protocol::envelope::Envelope;
use crate::protocol::ollama::{self, Endpoint, LoadState};
use crate::protocol::{ClientFormat, DecodeError, Protocol, ReasoningField, ReplyContext};
use crate::relay::{Call, Choosing};
use crate::routing::{AtRouter, Resolution, Resolved, RouteError, resolve};
use crate::tracking::UsageRecord;

/// What must be known of a request before it can be routed.
struct Ask<'a> {
    model: String,
    stream: bool,
    include_usage: bool,
    tools_offered: bool,
    end_user: Option<String>,
    /// The top level, where it has been read (OpenAI's bodies).
    envelope: Option<Envelope<'a>>,
    /// Ollama's own first look.
    ollama: Option<(Endpoint, ollama::Head)>,
}

/// `POST /api/chat`, `/api/generate`, `/v1/chat/completions`, `/v1/completions`.
pub(super) async fn chat(shared: &Shared, request: Request, format: ClientFormat) -> Reply {
    let id = new_request_id();
    match answer(shared, request, format, id.clone()).await {
        Ok(reply) => reply,
        Err(failure) => {
            let mut error = failure.to_api_error(&id);
            if let Failure::Route(RouteError::NotFound { asked, near }) = &failure {
                error.message = not_found(asked, near);
            }
            reply::failure(format.codec(), &failure, &error)
        }
    }
}

/// The words Ollama's clients look for, with names that are close.
fn not_found(asked: &str, near: &[String]) -> String {
    let message = Endpoint::Chat.not_found(asked).message;
    if near.is_empty() { message } else { format!("{message}, did you mean {}?", near.join(" or ")) }
}

async fn answer(shared: &Shared, request: Request, format: ClientFormat, id: String) -> Result<Reply, Failure> {
    let caller = Caller::of(shared, &request, id)?;
    let endpoint = request.path;
    let bytes = collect(&request.headers, request.body, shared.policy.max_body_bytes).await?;
    let mut ask = read(format, &bytes)?;
    let catalog = shared.catalog.load_full();
    let resolved = resolve(&catalog, &ask.model)?;
    let mut draft = caller.draft(&endpoint, &ask.model, ask.stream, ask.end_user.take());
    draft.client_protocol = SmolStr::new_static(format.protocol().as_str());
    let (resolution, decoded) = match resolved {
        Resolved::Model(resolution) => (resolution, None),
        Resolved::Router(at) => match &mut ask.ollama {
            // Nothing to answer, so there is nothing to choose by.
            Some((_, head)) if head.unloads() || head.loads() => (at.settle()?, None),
            head => {
                if let Some((_, head)) = head {
                    // Not an ability a candidate must have: who thinks is preferred, and the others answer too.
                    head.think = None;
                }
                // Boxed: most requests name a model, and shall not carry the room for this.
                let (resolution, decoded) =
                    Box::pin(choose(shared, format, &bytes, &caller, &catalog, at, &mut draft)).await?;
                (resolution, Some(decoded))
            }
        },
    };
    caller.route(&mut draft, &resolution)?;
    draft.prompt = shared.keeping.load().kept(draft.decision.is_some(), &bytes);
    if let Some((endpoint, head)) = &ask.ollama
        && let Some(reply) = ollama_answers_itself(shared, head, *endpoint, &resolution, caller.started)?
    {
        return Ok(reply);
    }
    let model = &resolution.route.first;
    let context = ReplyContext {
        request_id: caller.id.clone(),
        model: ask.model,
        started: caller.started,
        include_usage: ask.include_usage,
        tools_offered: ask.tools_offered,
        reasoning_as: shared.policy.reasoning_field.unwrap_or(match model.provider.protocol {
            // Ollama's own OpenAI face calls it so, and its clients look for it.
            Protocol::Ollama => ReasoningField::Reasoning,
            Protocol::OpenAi | Protocol::Anthropic | Protocol::Gemini => ReasoningField::ReasoningContent,
        }),
    };
    let router_cause = draft.decision.as_ref().map(|decision| decision.cause);
    let call = Call {
        format,
        body: &bytes,
        envelope: ask.envelope,
        decoded,
        route: &resolution.route,
        stream: ask.stream,
        context,
        draft,
    };
    let answer = shared.relay.run(call).await?;
    Ok(reply::answer(answer, &caller.id, &resolution.resolved_by.to_string(), router_cause))
}

/// Has a smart router choose, and notes in the record how. The request has to be read for it; whoever translates it later
/// need not read it again.
async fn choose(
    shared: &Shared,
    format: ClientFormat,
    body: &Bytes,
    caller: &Caller,
    catalog: &Catalog,
    at: AtRouter<'_>,
    draft: &mut UsageRecord,
) -> Result<(Resolution, ChatRequest), Failure> {
    // What the chat model cannot hold does not keep a request from a model that takes it as it is.
    let request = format.codec().read_request(body)?;
    draft.tags = caller.tags(at.tags())?;
    let names = [at.alias().map(str::to_owned), Some(at.router().name.clone())];
    let may_use_router = names.iter().flatten().any(|name| caller.principal.may_use(name));
    let may_use = |name: &str, model: &Model| {
        may_use_router || caller.principal.may_use(name) || caller.principal.may_use(&model.name())
    };
    let choosing = Choosing {
        catalog,
        request: &request,
        draft,
        session: caller.session.as_deref(),
        may_use: &may_use,
        remembers: true,
    };
    let (resolution, decision) = shared.relay.choose(at, choosing).await?;
    draft.decision = Some(Box::new(decision));
    Ok((resolution, request))
}

fn read(format: ClientFormat, body: &Bytes) -> Result<Ask<'_>, DecodeError> {
    match format {
        ClientFormat::OpenAiChat | ClientFormat::OpenAiCompletions => read_openai(format, body),
        ClientFormat::OllamaChat => read_ollama(Endpoint::Chat, body),
        ClientFormat::OllamaGenerate => read_ollama(Endpoint::Generate, body),
    }
}

fn read_ollama(endpoint: Endpoint, body: &Bytes) -> Result<Ask<'_>, DecodeError> {
    let head = ollama::head(body, endpoint)?;
    if head.model.is_empty() {
        endpoint.check_name(&head.model)?;
    }
    Ok(Ask {
        model: head.model.clone(),
        stream: head.stream.unwrap_or(true),
        include_usage: true,
        tools_offered: head.offers_tools,
        end_user: None,
        envelope: None,
        ollama: Some((endpoint, head)),
    })
}

fn read_openai(format: ClientFormat, body: &Bytes) -> Result<Ask<'_>, DecodeError> {
    if body.trim_ascii().is_empty() {
        // Ollama's word for an empty body on this face.
        return Err(DecodeError::bad_request("EOF"));
    }
    let envelope = Envelope::parse(body)?;
    if let Some(twice) = envelope.duplicate() {
        return Err(DecodeError::field(twice, format!("`{twice}` stands twice in the body")));
    }
    let model = envelope.read::<String>("model")?.unwrap_or_default();
    // Ollama's OpenAI face says what the native endpoint behind it says.
    let endpoint = match format {
        ClientFormat::OpenAiCompletions | ClientFormat::OllamaGenerate => Endpoint::Generate,
        ClientFormat::OpenAiChat | ClientFormat::OllamaChat => Endpoint::Chat,
    };
    if model.trim().is_empty() {
        endpoint.check_name("")?;
    }
    if endpoint == Endpoint::Chat {
        match envelope.get("messages") {
            None | Some("null" | "[]") => {
                return Err(DecodeError::field("messages", "[] is too short - 'messages'"));
            }
            // Enough to tell a mix-up from a conversation; what is wrong inside is found where it is read.
            Some(list) if list.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{')) => {}
            Some(_) => return Err(DecodeError::field("messages", "`messages` must be a list of objects")),
        }
    }
    let stream_options = envelope.read::<StreamOptions>("stream_options")?;
    Ok(Ask {
        model,
        stream: envelope.read("stream")?.unwrap_or(false),
        include_usage: stream_options.and_then(|options| options.include_usage).unwrap_or(false),
        tools_offered: envelope.get("tools").is_some_and(|tools| tools.len() > 2 && tools != "null"),
        end_user: envelope.read("user")?,
        envelope: Some(envelope),
        ollama: None,
    })
}

#[derive(serde::Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// What an Ollama server checks and answers before it generates: abilities of the model, loading and unloading.
/// A model on a real Ollama instance is left to that instance.
fn ollama_answers_itself(
    shared: &Shared,
    head: &ollama::Head,
    endpoint: Endpoint,
    resolution: &Resolution,
    now: UnixNanos,
) -> Result<Option<Reply>, DecodeError> {
    let model = &resolution.route.first;
    let elsewhere = model.provider.protocol != Protocol::Ollama;
    if !head.unloads() {
        ollama::check(head, &model.profile.capabilities, model.profile.kind, &head.model, endpoint)?;
    }
    shared.residents.touch(&listed_name(resolution), head.keep_alive, now);
    let state = match (elsewhere, head.unloads(), head.loads()) {
        (true, true, _) => LoadState::Unloaded,
        (true, false, true) => LoadState::Loaded,
        (true, false, false) | (false, _, _) => return Ok(None),
    };
    let body = ollama::load_reply(endpoint, &head.model, now, state);
    let content_type = ClientFormat::OllamaChat.codec().content_types().whole;
    Ok(Some(reply::bytes(200, content_type, body)))
}

/// The name under which lists show what a name resolved to.
pub(super) fn listed_name(resolution: &Resolution) -> String {
    let name = resolution.router.clone().or_else(|| resolution.alias.clone());
    ollama::display_name(&name.unwrap_or_else(|| resolution.route.first.name()))
}
