//! Writing a chat request for a provider.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::quirks::{ANY_OBJECT_SCHEMA, max_tokens_name, refuse_without};
use super::body::Body;
use super::encode_messages::encode_messages;
use super::encode_tools::{encode_choice, encode_tools};
use crate::chat::{ChatRequest, Effort, OutputFormat, Part, Reasoning};
use crate::protocol::{EncodeError, Encoded, ModelProfile, Protocol, offered_tools};

/// OpenAI takes at most four stop texts.
const MAX_STOPS: usize = 4;

/// Writes `POST /chat/completions`.
pub(in super::super) fn encode(request: &ChatRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
    refuse_what_cannot_be_carried(request, profile)?;
    offered_tools::check(request, profile)?;
    let mut body = Body::new(profile);
    body.field("messages", &encode_messages(request, profile)?);
    if !request.tools.is_empty() {
        body.field("tools", &encode_tools(&request.tools));
        body.optional("tool_choice", request.tool_choice.as_ref().map(|choice| encode_choice(choice, profile)));
        body.optional("parallel_tool_calls", request.parallel_tool_calls);
    }
    encode_limits(request, profile, &mut body);
    encode_sampling(request, &mut body);
    encode_format(request, profile, &mut body);
    let extra = own_fields(request);
    // OpenRouter's own object says all that `reasoning_effort` could.
    if !extra.is_some_and(|fields| fields.contains_key("reasoning")) {
        encode_reasoning(request, profile, &mut body);
    }
    if let Some(n_alternatives) = request.logprobs {
        body.field("logprobs", &true);
        body.optional("top_logprobs", Some(n_alternatives).filter(|n| *n > 0));
    }
    body.optional("user", request.end_user.as_ref());
    for (name, value) in extra.into_iter().flatten().filter(|(name, _)| *name != "stream_options") {
        body.field(name, value);
    }
    if request.stream {
        body.field("stream", &true);
        if profile.quirks.stream_usage {
            body.field("stream_options", &stream_options(extra));
        }
    }
    Ok(body.finish())
}

/// What would make the answer one of a different kind is refused before the provider is asked.
fn refuse_what_cannot_be_carried(request: &ChatRequest, profile: &ModelProfile) -> Result<(), EncodeError> {
    let abilities = &profile.capabilities;
    let model = &profile.id;
    if request.suffix.is_some() {
        return Err(EncodeError::new(
            "suffix",
            format!("`{model}` is reached as a chat, which cannot fill in the middle"),
        ));
    }
    let needed = [
        ("n", request.choices.is_some_and(|n| n > 1)),
        ("tools", !request.tools.is_empty()),
        ("response_format", request.format.is_some()),
    ];
    for (name, _) in needed.into_iter().filter(|(_, needed)| *needed) {
        refuse_without(profile, name)?;
    }
    let schema = match request.format {
        Some(OutputFormat::Schema { .. }) => true,
        Some(OutputFormat::Json) => profile.quirks.no_json_object,
        None => false,
    };
    if abilities.json_schema == Some(false) && schema {
        return Err(EncodeError::new("response_format", format!("`{model}` cannot follow a JSON schema")));
    }
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        match part {
            Part::Image(_) if abilities.vision == Some(false) => {
                return Err(EncodeError::new("messages", format!("`{model}` cannot see images")));
            }
            Part::Audio { .. } if abilities.audio == Some(false) => {
                return Err(EncodeError::new("messages", format!("`{model}` cannot hear sound")));
            }
            Part::Image(_)
            | Part::Audio { .. }
            | Part::Text(_)
            | Part::File(_)
            | Part::Reasoning(_)
            | Part::Refusal(_)
            | Part::ToolCall(_)
            | Part::ToolResult(_) => {}
        }
    }
    Ok(())
}

/// The fields the client wrote in this very protocol.
fn own_fields(request: &ChatRequest) -> Option<&Map<String, Value>> {
    (request.extra.protocol == Protocol::OpenAi.as_str()).then_some(&request.extra.fields)
}

fn encode_limits(request: &ChatRequest, profile: &ModelProfile, body: &mut Body<'_>) {
    if let Some(wanted) = request.max_tokens {
        let allowed = profile.max_output.map_or(wanted, |most| wanted.min(most));
        let name = max_tokens_name(&profile.quirks);
        body.field(name, &allowed);
        if body.sends(name) && allowed < wanted {
            body.warn(format!("max_tokens clamped to {allowed}"));
        }
    }
    if !request.stop.is_empty() {
        body.field("stop", &request.stop[..request.stop.len().min(MAX_STOPS)]);
        if body.sends("stop") && request.stop.len() > MAX_STOPS {
            body.warn(format!("stop cut to {MAX_STOPS}"));
        }
    }
    if let Some(n) = request.choices
        && (n != 1 || body.sends("n"))
    {
        body.field("n", &n);
    }
}

fn encode_sampling(request: &ChatRequest, body: &mut Body<'_>) {
    let sampling = &request.sampling;
    body.clamped("temperature", sampling.temperature, (0.0, 2.0));
    body.clamped("top_p", sampling.top_p, (0.0, 1.0));
    body.clamped("frequency_penalty", sampling.frequency_penalty, (-2.0, 2.0));
    body.clamped("presence_penalty", sampling.presence_penalty, (-2.0, 2.0));
    body.optional("seed", sampling.seed);
    body.optional("logit_bias", sampling.logit_bias.as_ref());
    // Not of this format: they are sent only if the client itself wrote them in it, and then as it wrote them.
    let extra = own_fields(request);
    let foreign: [(bool, &[&str]); 3] = [
        (sampling.top_k.is_some(), &["top_k"]),
        (sampling.min_p.is_some(), &["min_p"]),
        (sampling.repeat_penalty.is_some(), &["repeat_penalty", "repetition_penalty"]),
    ];
    for (is_set, names) in foreign {
        if is_set && !extra.is_some_and(|fields| names.iter().any(|name| fields.contains_key(*name))) {
            body.warn(names[0]);
        }
    }
}

#[derive(Serialize)]
struct SchemaFormat<'a> {
    r#type: &'static str,
    json_schema: Schema<'a>,
}

#[derive(Serialize)]
struct Schema<'a> {
    /// OpenAI requires a name; other protocols have none.
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct PlainFormat {
    r#type: &'static str,
}

fn encode_format(request: &ChatRequest, profile: &ModelProfile, body: &mut Body<'_>) {
    match &request.format {
        None => {}
        Some(OutputFormat::Json) if profile.quirks.no_json_object => {
            body.optional("response_format", serde_json::from_str::<&RawValue>(ANY_OBJECT_SCHEMA).ok());
        }
        Some(OutputFormat::Json) => body.field("response_format", &PlainFormat { r#type: "json_object" }),
        Some(OutputFormat::Schema { name, description, schema, strict }) => {
            let name = name.as_deref().unwrap_or("answer");
            let json_schema = Schema { name, description: description.as_deref(), schema, strict: *strict };
            body.field("response_format", &SchemaFormat { r#type: "json_schema", json_schema });
        }
    }
}

/// Thinking off must be said where a model might think: for many, silence means "on".
fn encode_reasoning(request: &ChatRequest, profile: &ModelProfile, body: &mut Body<'_>) {
    let Some(reasoning) = request.reasoning else { return };
    let word = match reasoning {
        Reasoning::On => return,
        Reasoning::Off => "none",
        Reasoning::Effort(effort) => effort_word(effort),
        Reasoning::Budget(..2048) => "low",
        Reasoning::Budget(2048..8192) => "medium",
        Reasoning::Budget(8192..) => "high",
    };
    if profile.capabilities.reasoning != Some(false) {
        body.field("reasoning_effort", word);
    } else if reasoning != Reasoning::Off {
        body.warn("reasoning_effort");
    }
}

fn effort_word(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh => "xhigh",
        Effort::Max => "max",
    }
}

/// Usage is always asked for; what else the client put there stays.
fn stream_options(extra: Option<&Map<String, Value>>) -> Map<String, Value> {
    let asked = extra.and_then(|fields| fields.get("stream_options")).and_then(Value::as_object);
    let mut options = asked.cloned().unwrap_or_default();
    options.insert("include_usage".to_owned(), Value::Bool(true));
    options
}
