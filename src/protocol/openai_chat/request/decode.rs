//! Reading a client's chat request.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::decode_messages::decode_messages;
use super::decode_tools::decode_tools;
use crate::chat::{ChatRequest, Effort, Extra, OutputFormat, Reasoning};
use crate::protocol::envelope::Envelope;
use crate::protocol::{DecodeError, Protocol};

/// Fields of a chat request that the chat model has. What is not here rides along in `extra`.
const KNOWN: Known = Known(&[
    "messages",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "parallel_tool_calls",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
]);

/// Fields that chat and prompt completions share.
const SHARED: [&str; 13] = [
    "model",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "logit_bias",
    "stop",
    "n",
    "user",
];

/// The fields of one endpoint, beside the shared ones.
pub(in super::super) struct Known(pub(in super::super) &'static [&'static str]);

/// Reads `POST /v1/chat/completions`. The model's name is left to routing.
pub(in super::super) fn decode(body: &[u8]) -> Result<ChatRequest, DecodeError> {
    empty_is_eof(body)?;
    let envelope = Envelope::parse(body)?;
    let mut request = decode_shared(&envelope, &KNOWN)?;
    request.messages = decode_messages(envelope.get("messages"), &mut request.unread)?;
    decode_tools(&envelope, &mut request)?;
    request.parallel_tool_calls = envelope.read("parallel_tool_calls")?;
    if envelope.read::<bool>("logprobs")? == Some(true) {
        request.logprobs = Some(envelope.read("top_logprobs")?.unwrap_or(0));
    }
    request.format = decode_format(&envelope, &mut request.extra)?;
    request.reasoning = decode_reasoning(&envelope, &mut request.extra)?;
    Ok(request)
}

/// Ollama's word for an empty body, which its clients know.
pub(in super::super) fn empty_is_eof(body: &[u8]) -> Result<(), DecodeError> {
    if body.trim_ascii().is_empty() { Err(DecodeError::bad_request("EOF")) } else { Ok(()) }
}

/// Reads what chat and prompt completions share, and keeps what neither knows.
pub(in super::super) fn decode_shared(envelope: &Envelope<'_>, known: &Known) -> Result<ChatRequest, DecodeError> {
    let mut request = ChatRequest {
        stream: envelope.read("stream")?.unwrap_or(false),
        max_tokens: decode_max_tokens(envelope)?,
        stop: envelope.read::<OneOrMany>("stop")?.map(OneOrMany::into_vec).unwrap_or_default(),
        choices: envelope.read("n")?,
        end_user: envelope.read("user")?,
        extra: decode_extra(envelope, known)?,
        ..ChatRequest::default()
    };
    let sampling = &mut request.sampling;
    sampling.temperature = envelope.read("temperature")?;
    sampling.top_p = envelope.read("top_p")?;
    sampling.frequency_penalty = envelope.read("frequency_penalty")?;
    sampling.presence_penalty = envelope.read("presence_penalty")?;
    sampling.seed = envelope.read("seed")?;
    sampling.logit_bias = envelope.read("logit_bias")?;
    // Extensions of vLLM, OpenRouter and others. They stay in `extra` too, so that a provider of this format gets them
    // as they were written, while other formats find them where they look.
    sampling.top_k = envelope.read("top_k")?;
    sampling.min_p = envelope.read("min_p")?;
    sampling.repeat_penalty = match envelope.read("repetition_penalty")? {
        Some(penalty) => Some(penalty),
        None => envelope.read("repeat_penalty")?,
    };
    Ok(request)
}

/// The newer name wins. Some clients write −1 for "no limit".
fn decode_max_tokens(envelope: &Envelope<'_>) -> Result<Option<u64>, DecodeError> {
    let tokens: Option<i64> = match envelope.read("max_completion_tokens")? {
        Some(tokens) => Some(tokens),
        None => envelope.read("max_tokens")?,
    };
    Ok(tokens.and_then(|tokens| u64::try_from(tokens).ok()))
}

/// Keeps what the chat model does not know. The one field of it that we look into ourselves must have its type.
fn decode_extra(envelope: &Envelope<'_>, known: &Known) -> Result<Extra, DecodeError> {
    let stream_options: Option<Map<String, Value>> = envelope.read("stream_options")?;
    if let Some(switch) = stream_options.as_ref().and_then(|options| options.get("include_usage"))
        && !(switch.is_boolean() || switch.is_null())
    {
        return Err(DecodeError::field("stream_options", "`stream_options.include_usage` must be true or false"));
    }
    let mut fields = Map::new();
    for key in envelope.keys().filter(|key| !SHARED.contains(key) && !known.0.contains(key)) {
        if let Some(value) = envelope.read::<Value>(key)? {
            fields.insert(key.to_owned(), value);
        }
    }
    let protocol = if fields.is_empty() { "" } else { Protocol::OpenAi.as_str() };
    Ok(Extra { protocol, fields })
}

/// `stop`: a text or a list of texts.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

#[derive(Deserialize)]
struct WireFormat {
    r#type: String,
    json_schema: Option<WireSchema>,
}

#[derive(Deserialize)]
struct WireSchema {
    name: Option<String>,
    description: Option<String>,
    schema: Option<Value>,
    strict: Option<bool>,
}

/// Formats we do not know (Perplexity's `regex`) stay in `extra`.
fn decode_format(envelope: &Envelope<'_>, extra: &mut Extra) -> Result<Option<OutputFormat>, DecodeError> {
    let Some(format) = envelope.read::<WireFormat>("response_format")? else { return Ok(None) };
    let decoded = match (format.r#type.as_str(), format.json_schema) {
        ("text", _) => None,
        ("json_object", _) => Some(OutputFormat::Json),
        ("json_schema", Some(wire)) => Some(OutputFormat::Schema {
            name: wire.name,
            description: wire.description,
            schema: wire.schema.unwrap_or_else(|| Value::Object(Map::new())),
            strict: wire.strict,
        }),
        ("json_schema", None) => {
            return Err(DecodeError::field("response_format", "`response_format.json_schema` is missing"));
        }
        (_, _) => return Ok(None),
    };
    forget(extra, "response_format");
    Ok(decoded)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireReasoning {
    effort: Option<String>,
    max_tokens: Option<u64>,
    enabled: Option<bool>,
}

/// `reasoning.effort` (the object wins, as at Ollama) or `reasoning_effort`. An object that says more than the effort
/// also stays in `extra`, for OpenRouter.
fn decode_reasoning(envelope: &Envelope<'_>, extra: &mut Extra) -> Result<Option<Reasoning>, DecodeError> {
    let object = envelope.read::<WireReasoning>("reasoning")?.unwrap_or_default();
    let says_only_effort = extra
        .fields
        .get("reasoning")
        .and_then(Value::as_object)
        .is_some_and(|fields| fields.keys().all(|key| key == "effort"));
    if says_only_effort {
        forget(extra, "reasoning");
    }
    let word = match object.effort {
        Some(word) => Some(word),
        None => envelope.read("reasoning_effort")?,
    };
    if let Some(word) = word.filter(|word| !word.is_empty()) {
        return decode_effort(&word).map(Some);
    }
    Ok(match (object.enabled, object.max_tokens) {
        (Some(false), _) => Some(Reasoning::Off),
        (_, Some(tokens)) => Some(Reasoning::Budget(tokens)),
        (Some(true), None) => Some(Reasoning::On),
        (None, None) => None,
    })
}

fn decode_effort(word: &str) -> Result<Reasoning, DecodeError> {
    let effort = match word {
        "none" => return Ok(Reasoning::Off),
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::XHigh,
        "max" | "ultra" => Effort::Max,
        other => {
            return Err(DecodeError::field("reasoning_effort", format!("invalid reasoning value: {other:?}")));
        }
    };
    Ok(Reasoning::Effort(effort))
}

fn forget(extra: &mut Extra, field: &str) {
    // `shift_remove` keeps the order of the others.
    extra.fields.shift_remove(field);
    if extra.fields.is_empty() {
        extra.protocol = "";
    }
}
