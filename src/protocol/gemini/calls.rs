//! Function calls of earlier turns and the results that belong to them.

use serde_json::Value;

use super::generation::{self, Generation};
use super::wire::{FunctionCall, FunctionResponse, Json, Part, PartContent};
use crate::chat::{Part as ChatPart, ToolCall, ToolResult};
use crate::protocol::tool_names::ToolNames;

/// Stands in for a signature on calls another model made. Documented by Google ("Thought signatures", FAQ) for history
/// that comes from elsewhere; the model reasons a little worse for it, while a missing signature is a 400.
const FOREIGN_SIGNATURE: &str = "skip_thought_signature_validator";

/// A call that waits for its result.
#[derive(Debug)]
pub(super) struct OpenCall<'a> {
    call: &'a ToolCall,
    /// The function's name on the wire.
    name: &'a str,
    result: Option<&'a ToolResult>,
}

impl<'a> OpenCall<'a> {
    pub(super) fn new(call: &'a ToolCall, names: &'a ToolNames) -> Self {
        Self { call, name: names.to_wire(&call.name), result: None }
    }

    /// The result that was found for the call.
    pub(super) fn result(&self) -> Option<&'a ToolResult> {
        self.result
    }

    /// The response; a call without a result gets one that says so, since the numbers must match.
    pub(super) fn response(&self) -> Part<'a> {
        let response = match self.result {
            Some(result) => result_object(result),
            None => Json::wrapped("error", "no result was given"),
        };
        PartContent::FunctionResponse(FunctionResponse { id: &self.call.id, name: self.name, response }).into()
    }
}

/// Gives a result to the call it belongs to: by id, without one by name, without a name to the next that waits.
/// `false`: none waits for it.
pub(super) fn claim<'a>(open: &mut [OpenCall<'a>], result: &'a ToolResult) -> bool {
    let id = result.call_id.as_deref().filter(|id| !id.is_empty());
    let name = result.name.as_deref().filter(|name| !name.is_empty());
    let belongs = |waiting: &OpenCall<'_>| match (id, name) {
        (Some(id), _) => waiting.call.id == id,
        (None, Some(name)) => waiting.call.name == name,
        (None, None) => true,
    };
    match open.iter_mut().find(|waiting| waiting.result.is_none() && belongs(waiting)) {
        Some(waiting) => {
            waiting.result = Some(result);
            true
        }
        None => false,
    }
}

/// A call of the history. Its signature goes back on the part it came on.
pub(super) fn function_call<'a>(call: &'a ToolCall, names: &'a ToolNames) -> Part<'a> {
    Part {
        content: PartContent::FunctionCall(FunctionCall {
            id: &call.id,
            name: names.to_wire(&call.name),
            args: arguments(&call.arguments),
        }),
        thought_signature: call.signature.as_deref(),
    }
}

/// The arguments as an object, whatever the model or the client wrote.
fn arguments(text: &str) -> Json<'_> {
    match text.trim() {
        "" | "null" => Json::Made(Value::Object(serde_json::Map::new())),
        trimmed => Json::object(trimmed).unwrap_or_else(|| Json::wrapped("input", text)),
    }
}

/// Since Gemini 3 the first call of each step must be signed.
pub(super) fn sign_first(parts: &mut [Part<'_>], generation: Option<Generation>) {
    if generation.is_none_or(|generation| generation < generation::THREE) {
        return;
    }
    let first = parts.iter_mut().find(|part| matches!(part.content, PartContent::FunctionCall(_)));
    if let Some(first) = first {
        first.thought_signature.get_or_insert(FOREIGN_SIGNATURE);
    }
}

/// The text of a text part.
pub(super) fn plain_text(part: &ChatPart) -> Option<&str> {
    match part {
        ChatPart::Text(text) => Some(&text.text),
        ChatPart::Refusal(text) => Some(text),
        ChatPart::Image(_)
        | ChatPart::Audio { .. }
        | ChatPart::File(_)
        | ChatPart::Reasoning(_)
        | ChatPart::ToolCall(_)
        | ChatPart::ToolResult(_) => None,
    }
}

/// The texts of a result, one per line.
pub(super) fn result_text(result: &ToolResult) -> String {
    result.content.iter().filter_map(plain_text).collect::<Vec<_>>().join("\n")
}

/// A result as the object the API insists on.
fn result_object(result: &ToolResult) -> Json<'_> {
    if result.is_error {
        return Json::wrapped("error", &result_text(result));
    }
    if let [ChatPart::Text(text)] = result.content.as_slice()
        && !reads_as_reference(&text.text)
        && let Some(object) = Json::object(text.text.trim())
    {
        return object;
    }
    Json::wrapped("result", &result_text(result))
}

/// Keys such as `$ref` or `$defs` inside a result are taken for references by the API (and refused), so such a result
/// travels as text.
fn reads_as_reference(json: &str) -> bool {
    // Only texts with a dollar sign, plain or escaped, need a closer look.
    (json.contains('$') || json.contains("\\u0024"))
        && serde_json::from_str::<Value>(json).is_ok_and(|value| has_dollar_key(&value))
}

fn has_dollar_key(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, value)| key.starts_with('$') || has_dollar_key(value)),
        Value::Array(items) => items.iter().any(has_dollar_key),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
