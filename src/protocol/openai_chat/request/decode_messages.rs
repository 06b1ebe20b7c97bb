//! Reading `messages` (OpenAI Chat Completions, "Messages"; the deprecated `function` forms included).

use std::fmt;

use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::tool_ids;
use crate::chat::{
    CacheControl, File, FileSource, Image, ImageSource, Message, Part, ReasoningPart, Role, Text, ToolCall, ToolResult,
    Unread,
};
use crate::protocol::{DecodeError, Protocol};

#[derive(Deserialize)]
struct WireMessage {
    role: String,
    content: Option<WireContent>,
    name: Option<String>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<WireCall>>,
    function_call: Option<WireFunction>,
    tool_call_id: Option<String>,
    audio: Option<serde::de::IgnoredAny>,
}

enum WireContent {
    Text(String),
    Parts(Vec<WirePart>),
}

/// By hand, because serde's untagged enums keep a copy of everything until they know what it is: a copy of every prompt.
impl<'de> Deserialize<'de> for WireContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrParts;

        impl<'de> Visitor<'de> for TextOrParts {
            type Value = WireContent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`content` as a string or a list of parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(WireContent::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(WireContent::Parts)
            }
        }

        deserializer.deserialize_any(TextOrParts)
    }
}

/// A part of any type: which fields it needs depends on `type`.
#[derive(Deserialize)]
struct WirePart {
    r#type: String,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<WireImage>,
    input_audio: Option<WireAudio>,
    file: Option<WireFile>,
    cache_control: Option<WireCacheControl>,
}

/// Many clients send the address alone.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`image_url` must be an object with `url`, or a string")]
enum WireImage {
    Url(String),
    Object { url: String, detail: Option<String> },
}

#[derive(Deserialize)]
struct WireAudio {
    data: String,
    format: String,
}

#[derive(Deserialize)]
struct WireFile {
    file_id: Option<String>,
    file_data: Option<String>,
    filename: Option<String>,
}

/// Anthropic's cache mark, as its clients send it through OpenAI-format servers.
#[derive(Deserialize)]
pub(super) struct WireCacheControl {
    ttl: Option<String>,
}

#[derive(Deserialize)]
struct WireCall {
    id: Option<String>,
    function: Option<WireFunction>,
    custom: Option<WireFunction>,
    extra_content: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct WireFunction {
    name: String,
    /// Text that may not be JSON. Objects are taken as well: some clients replay what they parsed.
    #[serde(alias = "input")]
    arguments: Option<Box<RawValue>>,
}

impl WireCacheControl {
    pub(super) fn decode(&self) -> CacheControl {
        CacheControl { one_hour: self.ttl.as_deref() == Some("1h") }
    }
}

/// Reads the conversation. Parts and calls of kinds that are not known are left out, and the first one noted.
pub(super) fn decode_messages(raw: Option<&str>, unread: &mut Option<Unread>) -> Result<Vec<Message>, DecodeError> {
    let raw = raw.filter(|raw| *raw != "null").unwrap_or("[]");
    let wire: Vec<WireMessage> = serde_json::from_str(raw).map_err(|error| at_fault(raw, &error))?;
    if wire.is_empty() {
        return Err(DecodeError::field("messages", "[] is too short - 'messages'"));
    }
    let mut messages = Vec::with_capacity(wire.len());
    // The newest call of the deprecated form: a message of role `function` answers it by name alone.
    let mut legacy_call: Option<(String, String)> = None;
    for (at, message) in wire.into_iter().enumerate() {
        messages.push(decode_message(at, message, &mut legacy_call, unread)?);
    }
    Ok(messages)
}

/// Finds the message that broke the type, which the parser names by column only.
fn at_fault(raw: &str, error: &serde_json::Error) -> DecodeError {
    let Ok(messages) = serde_json::from_str::<Vec<&RawValue>>(raw) else {
        return DecodeError::field("messages", format!("`messages` has the wrong type: {error}"));
    };
    let fault = messages
        .iter()
        .enumerate()
        .find_map(|(at, message)| serde_json::from_str::<WireMessage>(message.get()).err().map(|error| (at, error)));
    match fault {
        Some((at, error)) => DecodeError::field(format!("messages[{at}]"), format!("invalid message {at}: {error}")),
        None => DecodeError::field("messages", format!("`messages` has the wrong type: {error}")),
    }
}

fn decode_message(
    at: usize,
    message: WireMessage,
    legacy_call: &mut Option<(String, String)>,
    unread: &mut Option<Unread>,
) -> Result<Message, DecodeError> {
    let role = match message.role.as_str() {
        "system" => Role::System,
        "developer" => Role::Developer,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        other => {
            return Err(DecodeError::field(format!("messages[{at}].role"), format!("unknown role {other:?}")));
        }
    };
    let says_something_else = role == Role::Assistant
        && (message.tool_calls.is_some()
            || message.function_call.is_some()
            || message.refusal.is_some()
            || message.audio.is_some()
            || message.reasoning_content.is_some()
            || message.reasoning.is_some());
    if message.content.is_none() && !says_something_else {
        let param = format!("messages[{at}].content");
        return Err(DecodeError::field(param, "invalid message content type: <nil>"));
    }
    let content = decode_content(at, message.content, unread)?;
    if role == Role::Tool {
        let legacy = legacy_call.take().filter(|(name, _)| message.name.as_ref() == Some(name)).map(|(_, id)| id);
        let result = ToolResult {
            call_id: message.tool_call_id.filter(|id| !id.is_empty()).or(legacy),
            name: message.name,
            content,
            is_error: false,
        };
        return Ok(Message { role, parts: vec![Part::ToolResult(result)], name: None });
    }
    let mut parts = Vec::new();
    if let Some(text) = message.reasoning_content.or(message.reasoning).filter(|text| !text.is_empty()) {
        parts.push(Part::Reasoning(ReasoningPart { text, ..ReasoningPart::default() }));
    }
    parts.extend(content);
    parts.extend(message.refusal.filter(|text| !text.is_empty()).map(Part::Refusal));
    for (number, call) in message.tool_calls.into_iter().flatten().enumerate() {
        match decode_call(at, number, call) {
            Some(call) => parts.push(Part::ToolCall(call)),
            None => {
                let place = format!("messages[{at}].tool_calls[{number}]");
                leave_out(unread, &place, "a tool call needs `function` or `custom`".to_owned());
            }
        }
    }
    if let Some(function) = message.function_call {
        let call = decode_function(at, 0, None, function);
        *legacy_call = Some((call.name.clone(), call.id.clone()));
        parts.push(Part::ToolCall(call));
    }
    Ok(Message { role, parts, name: message.name })
}

/// Notes what was left out, unless something before it was.
pub(super) fn leave_out(unread: &mut Option<Unread>, place: &str, message: String) {
    unread.get_or_insert_with(|| Unread { protocol: Protocol::OpenAi.as_str(), place: place.to_owned(), message });
}

/// `None`: of a kind that is not known.
fn decode_call(at: usize, number: usize, call: WireCall) -> Option<ToolCall> {
    let function = call.function.or(call.custom)?;
    let signature = call
        .extra_content
        .as_ref()
        .and_then(|extra| extra.pointer("/google/thought_signature")?.as_str())
        .map(str::to_owned);
    Some(ToolCall { signature, ..decode_function(at, number, call.id, function) })
}

fn decode_function(at: usize, number: usize, id: Option<String>, function: WireFunction) -> ToolCall {
    let seed = format!("message {at}");
    let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| tool_ids::invent(&seed, 0, number, &function.name));
    let arguments = function.arguments.as_deref().map(super::super::wire::text_or_json).unwrap_or_default();
    ToolCall { id, arguments: arguments.into_owned(), name: function.name, signature: None }
}

fn decode_content(
    at: usize,
    content: Option<WireContent>,
    unread: &mut Option<Unread>,
) -> Result<Vec<Part>, DecodeError> {
    let wire = match content {
        None => return Ok(Vec::new()),
        Some(WireContent::Text(text)) if text.is_empty() => return Ok(Vec::new()),
        Some(WireContent::Text(text)) => return Ok(vec![Part::text(text)]),
        Some(WireContent::Parts(parts)) => parts,
    };
    let mut parts = Vec::with_capacity(wire.len());
    for (number, part) in wire.into_iter().enumerate() {
        parts.extend(decode_part(&format!("messages[{at}].content[{number}]"), part, unread)?);
    }
    Ok(parts)
}

/// `None`: of a kind that is not known.
fn decode_part(place: &str, part: WirePart, unread: &mut Option<Unread>) -> Result<Option<Part>, DecodeError> {
    let missing = |field: &str| DecodeError::field(place, format!("invalid message format: `{field}` is missing"));
    Ok(Some(match part.r#type.as_str() {
        "text" | "input_text" | "output_text" => Part::Text(Text {
            text: part.text.ok_or_else(|| missing("text"))?,
            cache_control: part.cache_control.map(|mark| mark.decode()),
        }),
        "refusal" => Part::Refusal(part.refusal.ok_or_else(|| missing("refusal"))?),
        "image_url" => decode_image(place, part.image_url.ok_or_else(|| missing("image_url"))?)?,
        "input_audio" => {
            let audio = part.input_audio.ok_or_else(|| missing("input_audio"))?;
            Part::Audio { data: audio.data, format: audio.format }
        }
        "file" => decode_file(place, part.file.ok_or_else(|| missing("file"))?)?,
        other => {
            leave_out(unread, place, format!("invalid message format: unknown part type {other:?}"));
            return Ok(None);
        }
    }))
}

fn decode_image(place: &str, image: WireImage) -> Result<Part, DecodeError> {
    let (url, detail) = match image {
        WireImage::Url(url) => (url, None),
        WireImage::Object { url, detail } => (url, detail),
    };
    let source = if let Some((media_type, data)) = data_url(&url) {
        ImageSource::Base64 {
            media_type: Some(media_type.to_owned()).filter(|name| !name.is_empty()),
            data: data.to_owned(),
        }
    } else if url.starts_with("https://") || url.starts_with("http://") {
        ImageSource::Url(url)
    } else {
        let message = "invalid image input: expected an http(s) address or a base64 data URL";
        return Err(DecodeError::field(place, message));
    };
    Ok(Part::Image(Image { source, detail }))
}

fn decode_file(place: &str, file: WireFile) -> Result<Part, DecodeError> {
    let source = match (file.file_data, file.file_id) {
        (Some(url), _) => {
            let (media_type, data) =
                data_url(&url).ok_or_else(|| DecodeError::field(place, "`file_data` must be a base64 data URL"))?;
            FileSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
        }
        (None, Some(id)) => FileSource::Id(id),
        (None, None) => return Err(DecodeError::field(place, "a file needs `file_data` or `file_id`")),
    };
    Ok(Part::File(File { source, filename: file.filename }))
}

/// Media type (without parameters, possibly empty) and base64 of a `data:` URL.
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let head = head.strip_suffix(";base64")?;
    Some((head.split(';').next().unwrap_or_default(), data))
}
