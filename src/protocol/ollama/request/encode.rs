//! A chat request as the body of an Ollama server's `/api/chat`.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use crate::chat::{
    ChatRequest, Effort, ImageSource, KeepAlive, Message, OutputFormat, Part, Reasoning, Role, ToolChoice, ToolResult,
};
use crate::protocol::ollama::arguments;
use crate::protocol::{EncodeError, Encoded, ModelProfile, Protocol, offered_tools};

use super::wire::{WireCall, WireCallFunction, WireFunction, WireMessage, WireRequest, WireTool};

/// Writes the request.
pub(in crate::protocol::ollama) fn encode(
    request: &ChatRequest,
    profile: &ModelProfile,
) -> Result<Encoded, EncodeError> {
    refuse(request)?;
    offered_tools::check(request, profile)?;
    let mut warnings = Vec::new();
    let body = WireRequest {
        model: &profile.id,
        messages: messages(&request.messages)?,
        tools: tools(request, &mut warnings),
        stream: request.stream,
        format: request.format.as_ref().map(format),
        think: think(request.reasoning, profile, &mut warnings),
        keep_alive: request.keep_alive.and_then(keep_alive),
        logprobs: request.logprobs.map(|_| true),
        top_logprobs: request.logprobs.filter(|top| *top > 0),
        options: options(request, profile, &mut warnings),
        extra: extra(request),
    };
    if request.parallel_tool_calls == Some(false) {
        warnings.push("parallel_tool_calls".to_owned());
    }
    Ok(Encoded { body: serde_json::to_vec(&body).expect("a request always serialises into memory"), warnings })
}

/// What Ollama has no word for and would silently do otherwise.
fn refuse(request: &ChatRequest) -> Result<(), EncodeError> {
    if request.choices.is_some_and(|choices| choices > 1) {
        return Err(EncodeError::new("n", "an Ollama server gives one answer per request; n must be 1"));
    }
    if request.suffix.is_some() {
        return Err(EncodeError::new("suffix", "a chat with an Ollama server has no suffix"));
    }
    match &request.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Function(_)) if !request.tools.is_empty() => {
            Err(EncodeError::new("tool_choice", "an Ollama server cannot be made to call a tool"))
        }
        Some(ToolChoice::Required | ToolChoice::Function(_) | ToolChoice::Auto | ToolChoice::None) | None => Ok(()),
    }
}

fn messages(messages: &[Message]) -> Result<Vec<WireMessage<'_>>, EncodeError> {
    let mut wire = Vec::with_capacity(messages.len());
    // Results of OpenAI clients name their call by id only; Ollama's templates want the tool's name.
    let mut names: Vec<(&str, &str)> = Vec::new();
    for message in messages {
        let mut current = WireMessage { role: role(message.role), ..WireMessage::default() };
        for part in &message.parts {
            match part {
                Part::ToolCall(call) => {
                    names.push((&call.id, &call.name));
                    current.tool_calls.push(WireCall {
                        id: &call.id,
                        function: WireCallFunction {
                            index: current.tool_calls.len(),
                            name: &call.name,
                            arguments: arguments::object(&call.arguments),
                        },
                    });
                }
                Part::ToolResult(result) => wire.push(tool_result(result, &names)?),
                Part::Reasoning(reasoning) => join(&mut current.thinking, &reasoning.text),
                Part::Text(_) | Part::Refusal(_) | Part::Image(_) | Part::Audio { .. } | Part::File(_) => {
                    add_content(&mut current, part)?;
                }
            }
        }
        let says_nothing = current.content.is_empty()
            && current.thinking.is_empty()
            && current.images.is_empty()
            && current.tool_calls.is_empty();
        if !says_nothing {
            wire.push(current);
        }
    }
    Ok(wire)
}

fn tool_result<'a>(result: &'a ToolResult, names: &[(&str, &'a str)]) -> Result<WireMessage<'a>, EncodeError> {
    let call_id = result.call_id.as_deref();
    let called = || names.iter().rev().find(|(id, _)| Some(*id) == call_id).map(|(_, name)| *name);
    let mut message = WireMessage {
        role: "tool",
        tool_name: result.name.as_deref().or_else(called),
        tool_call_id: call_id,
        ..WireMessage::default()
    };
    for part in &result.content {
        add_content(&mut message, part)?;
    }
    if result.is_error {
        message.content = format!("error: {}", message.content).into();
    }
    Ok(message)
}

/// Adds what is shown to the model as text or picture.
fn add_content<'a>(message: &mut WireMessage<'a>, part: &'a Part) -> Result<(), EncodeError> {
    match part {
        Part::Text(text) => join(&mut message.content, &text.text),
        Part::Refusal(text) => join(&mut message.content, text),
        Part::Image(image) => match &image.source {
            ImageSource::Base64 { data, .. } => message.images.push(data),
            ImageSource::Url(_) => {
                return Err(EncodeError::new(
                    "messages",
                    "image URLs are not currently supported, please use base64 encoded data instead",
                ));
            }
        },
        Part::Audio { .. } => return Err(EncodeError::new("messages", "an Ollama server takes no sound")),
        Part::File(_) => return Err(EncodeError::new("messages", "an Ollama server takes no files")),
        // Calls and results stand beside the content, thinking is for the model's own turns.
        Part::Reasoning(_) | Part::ToolCall(_) | Part::ToolResult(_) => {}
    }
    Ok(())
}

/// Ollama has one text per message: several become lines.
fn join<'a>(text: &mut Cow<'a, str>, more: &'a str) {
    if text.is_empty() {
        *text = Cow::Borrowed(more);
    } else if !more.is_empty() {
        let text = text.to_mut();
        text.push('\n');
        text.push_str(more);
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

fn tools<'a>(request: &'a ChatRequest, warnings: &mut Vec<String>) -> Vec<WireTool<'a>> {
    // There is no other way to forbid calls than not to offer tools.
    if request.tool_choice == Some(ToolChoice::None) {
        return Vec::new();
    }
    if request.tools.iter().any(|tool| tool.strict == Some(true)) {
        warnings.push("tools.strict".to_owned());
    }
    let wire = |tool: &'a crate::chat::Tool| WireTool {
        r#type: "function",
        function: WireFunction {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters: match &tool.parameters {
                Some(schema) => Cow::Borrowed(schema),
                None => Cow::Owned(serde_json::json!({"type": "object", "properties": {}})),
            },
        },
    };
    request.tools.iter().map(wire).collect()
}

fn format(format: &OutputFormat) -> Cow<'_, Value> {
    match format {
        OutputFormat::Json => Cow::Owned("json".into()),
        OutputFormat::Schema { schema, .. } => Cow::Borrowed(schema),
    }
}

/// Ollama's levels are low, medium, high and max; models without levels take any of them as "yes".
fn think(reasoning: Option<Reasoning>, profile: &ModelProfile, warnings: &mut Vec<String>) -> Option<Value> {
    let level = match reasoning? {
        Reasoning::Off => return Some(false.into()),
        Reasoning::On => true.into(),
        Reasoning::Effort(Effort::Minimal | Effort::Low) => "low".into(),
        Reasoning::Effort(Effort::Medium) => "medium".into(),
        Reasoning::Effort(Effort::High) => "high".into(),
        Reasoning::Effort(Effort::XHigh | Effort::Max) => "max".into(),
        // The bounds budgets have everywhere else in the relay's translations.
        Reasoning::Budget(..2048) => "low".into(),
        Reasoning::Budget(2048..8192) => "medium".into(),
        Reasoning::Budget(8192..) => "high".into(),
    };
    if profile.capabilities.reasoning == Some(false) {
        // Ollama answers 400 to any wish for thinking, but thinking only makes an answer better, not another one.
        warnings.push("reasoning_effort".to_owned());
        return None;
    }
    Some(level)
}

/// Seconds as a number, whole where they are whole; negative is forever.
fn keep_alive(keep_alive: KeepAlive) -> Option<Number> {
    match keep_alive {
        KeepAlive::Forever => Some((-1).into()),
        KeepAlive::Seconds(seconds) => serde_json::from_str(&seconds.to_string()).ok(),
    }
}

fn options(request: &ChatRequest, profile: &ModelProfile, warnings: &mut Vec<String>) -> Map<String, Value> {
    let sampling = &request.sampling;
    let wanted: [(&str, &str, Option<Value>); 11] = [
        ("temperature", "temperature", sampling.temperature.map(Into::into)),
        ("top_p", "top_p", sampling.top_p.map(Into::into)),
        ("top_k", "top_k", sampling.top_k.map(Into::into)),
        ("min_p", "min_p", sampling.min_p.map(Into::into)),
        ("frequency_penalty", "frequency_penalty", sampling.frequency_penalty.map(Into::into)),
        ("presence_penalty", "presence_penalty", sampling.presence_penalty.map(Into::into)),
        ("repeat_penalty", "repeat_penalty", sampling.repeat_penalty.map(Into::into)),
        ("seed", "seed", sampling.seed.map(Into::into)),
        ("max_tokens", "num_predict", request.max_tokens.map(Into::into)),
        ("stop", "stop", (!request.stop.is_empty()).then(|| request.stop.clone().into())),
        ("logit_bias", "", sampling.logit_bias.clone().map(Into::into)),
    ];
    let refused = |param: &str| profile.quirks.unsupported_params.iter().any(|refused| refused == param);
    let mut options = Map::new();
    for (param, option, value) in wanted {
        let Some(value) = value else { continue };
        if option.is_empty() || refused(param) {
            warnings.push(param.to_owned());
        } else {
            options.insert(option.to_owned(), value);
        }
    }
    // Clients of the OpenAI face expect OpenAI's defaults, which Ollama's own OpenAI face also sets.
    if request.extra.protocol != Protocol::Ollama.as_str() {
        for param in ["temperature", "top_p"].into_iter().filter(|param| !refused(param)) {
            options.entry(param).or_insert(Value::from(1.0));
        }
    }
    if let Some(Value::Object(others)) = own_fields(request).and_then(|fields| fields.get("options")) {
        options.extend(others.clone());
    }
    options
}

fn extra(request: &ChatRequest) -> Map<String, Value> {
    let mut fields = own_fields(request).cloned().unwrap_or_default();
    fields.shift_remove("options");
    fields
}

/// Fields that came from an Ollama client and so mean something to an Ollama server.
fn own_fields(request: &ChatRequest) -> Option<&Map<String, Value>> {
    (request.extra.protocol == Protocol::Ollama.as_str()).then_some(&request.extra.fields)
}
