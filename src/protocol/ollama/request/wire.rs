//! The body of `/api/chat` as it goes to an Ollama server. What is empty is left out: absent and `null` mean the same there.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

/// The body.
#[derive(Serialize)]
pub(super) struct WireRequest<'a> {
    pub(super) model: &'a str,
    pub(super) messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<WireTool<'a>>,
    /// Always written: an absent `stream` means yes.
    pub(super) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) think: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keep_alive: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_logprobs: Option<u8>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) options: Map<String, Value>,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
}

/// A message: one text, pictures beside it.
#[derive(Serialize, Default)]
pub(super) struct WireMessage<'a> {
    pub(super) role: &'static str,
    pub(super) content: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) thinking: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) images: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_call_id: Option<&'a str>,
}

/// A call the model made earlier.
#[derive(Serialize)]
pub(super) struct WireCall<'a> {
    pub(super) id: &'a str,
    pub(super) function: WireCallFunction<'a>,
}

/// What was called; `arguments` is always an object.
#[derive(Serialize)]
pub(super) struct WireCallFunction<'a> {
    pub(super) index: usize,
    pub(super) name: &'a str,
    pub(super) arguments: Box<RawValue>,
}

/// A tool on offer.
#[derive(Serialize)]
pub(super) struct WireTool<'a> {
    pub(super) r#type: &'static str,
    pub(super) function: WireFunction<'a>,
}

/// Its name and the schema of its arguments.
#[derive(Serialize)]
pub(super) struct WireFunction<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    pub(super) parameters: Cow<'a, Value>,
}
