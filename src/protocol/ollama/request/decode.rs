//! The bodies of `/api/chat` and `/api/generate` as chat requests.

use serde_json::Value;

use crate::chat::{ChatRequest, Extra, Message, Part, Role, Tool, ToolKind};
use crate::protocol::ollama::go_json::{self, Fields};
use crate::protocol::ollama::settings::{Settings, top_logprobs};
use crate::protocol::ollama::{Endpoint, options};
use crate::protocol::{DecodeError, Protocol};

use super::messages;

/// Keys that are read into the chat model, or that only mean something to a model's own template (`template`, `raw`,
/// `context`). All others are kept for an Ollama server, which may know more than we do.
const MODELLED: [&str; 18] = [
    "model",
    "name",
    "messages",
    "tools",
    "stream",
    "format",
    "keep_alive",
    "options",
    "think",
    "logprobs",
    "top_logprobs",
    "prompt",
    "suffix",
    "system",
    "images",
    "template",
    "raw",
    "context",
];

/// Reads the body of `/api/chat`.
pub(in crate::protocol::ollama) fn chat(body: &[u8]) -> Result<ChatRequest, DecodeError> {
    let text = go_json::text(body)?;
    let fields = Fields::parse(text, Endpoint::Chat.go_type())?;
    let mut request = shared(&fields)?;
    request.messages = messages::decode(&fields)?;
    request.tools = tools(&fields)?;
    Ok(request)
}

/// Reads the body of `/api/generate`: the prompt becomes one user message, `system` one before it.
pub(in crate::protocol::ollama) fn generate(body: &[u8]) -> Result<ChatRequest, DecodeError> {
    let text = go_json::text(body)?;
    let fields = Fields::parse(text, Endpoint::Generate.go_type())?;
    let mut request = shared(&fields)?;
    if let Some(system) = fields.filled("system")? {
        request.messages.push(Message::text(Role::System, system));
    }
    let prompt = fields.filled("prompt")?.map(Part::text);
    let images = messages::images(&fields)?;
    let parts: Vec<Part> = prompt.into_iter().chain(images).collect();
    request.suffix = fields.filled("suffix")?.map(Into::into);
    if !parts.is_empty() || request.suffix.is_some() {
        request.messages.push(Message { role: Role::User, parts, name: None });
    }
    Ok(request)
}

fn shared(fields: &Fields<'_>) -> Result<ChatRequest, DecodeError> {
    let settings = Settings::new(fields)?;
    let alternatives = top_logprobs(fields)?;
    let mut request = ChatRequest {
        // Ollama streams unless told not to.
        stream: fields.boolean("stream")?.unwrap_or(true),
        reasoning: settings.think()?,
        format: settings.format()?,
        keep_alive: settings.keep_alive()?,
        logprobs: fields.boolean("logprobs")?.filter(|wanted| *wanted).map(|_| alternatives),
        ..ChatRequest::default()
    };
    let others = options::decode(fields.map("options")?.unwrap_or_default(), &mut request)?;
    let mut extra = fields.others(&MODELLED)?;
    if !others.is_empty() {
        extra.insert("options".to_owned(), Value::Object(others));
    }
    // Always tagged, even when empty: the encoder tells by it that defaults are Ollama's own.
    request.extra = Extra { protocol: Protocol::Ollama.as_str(), fields: extra };
    Ok(request)
}

fn tools(fields: &Fields<'_>) -> Result<Vec<Tool>, DecodeError> {
    fields
        .objects("tools", "api.Tools", "ChatRequest.tools")?
        .into_iter()
        .map(|tool| {
            let function = tool.object("function", "ChatRequest.tools.function")?;
            let Some(function) = function else { return Ok(None) };
            Ok(Some(Tool {
                name: function.string("name")?.unwrap_or_default().into_owned(),
                description: function.string("description")?.map(Into::into),
                parameters: function.map("parameters")?.map(Value::Object),
                strict: None,
                kind: ToolKind::Function,
                cache_control: None,
            }))
        })
        // A tool that is no function is not known to Ollama either.
        .filter_map(Result::transpose)
        .collect()
}
