//! Messages of a client's request.

use crate::chat::{Image, ImageSource, Message, Part, ReasoningPart, Role, ToolCall, ToolResult};
use crate::protocol::DecodeError;
use crate::protocol::ollama::arguments::call_id;
use crate::protocol::ollama::go_json::Fields;

/// A call whose result has not come yet.
struct OpenCall {
    id: String,
    name: String,
}

/// Reads `messages`. Ids that clients leave out are invented, and tool results without name or id
/// (Home Assistant sends neither) are given those of the calls before them, in order.
pub(super) fn decode(fields: &Fields<'_>) -> Result<Vec<Message>, DecodeError> {
    let mut open = Vec::new();
    let messages = fields.objects("messages", "[]api.Message", "ChatRequest.messages")?;
    messages.iter().zip(0_u32..).map(|(fields, at)| message(fields, at, &mut open)).collect()
}

fn message(fields: &Fields<'_>, at: u32, open: &mut Vec<OpenCall>) -> Result<Message, DecodeError> {
    let role = role(&fields.string("role")?.unwrap_or_default());
    let thinking = fields
        .filled("thinking")?
        .map(|text| Part::Reasoning(ReasoningPart { text: text.into_owned(), ..ReasoningPart::default() }));
    let text = fields.filled("content")?.map(Part::text);
    let images = images(fields)?;
    let calls = tool_calls(fields, at)?;
    if role == Role::Tool {
        let content = text.into_iter().chain(images).collect();
        let result = Part::ToolResult(tool_result(fields, content, open)?);
        return Ok(Message { role, parts: vec![result], name: None });
    }
    if !calls.is_empty() {
        *open = calls.iter().map(|call| OpenCall { id: call.id.clone(), name: call.name.clone() }).collect();
    }
    let parts = thinking.into_iter().chain(text).chain(images).chain(calls.into_iter().map(Part::ToolCall)).collect();
    Ok(Message { role, parts, name: None })
}

/// Ollama takes any role and leaves it to the template; what is none of ours is somebody speaking to the model.
fn role(name: &str) -> Role {
    match name.to_ascii_lowercase().as_str() {
        "system" => Role::System,
        "developer" => Role::Developer,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        _ => Role::User,
    }
}

/// Reads a list of pictures: bare standard base64, without the `data:` prefix of URLs.
pub(super) fn images(fields: &Fields<'_>) -> Result<Vec<Part>, DecodeError> {
    let mut parts = Vec::new();
    for raw in fields.list("images", "[]api.ImageData")? {
        if !raw.starts_with('"') {
            return Err(fields.wrong_type("images", raw, "api.ImageData"));
        }
        let data: String = serde_json::from_str::<String>(raw)
            .map_err(|error| DecodeError::field("images", format!("invalid image: {error}")))?;
        // Go's decoder skips line breaks, which MIME encoders put in.
        let data = if data.contains(['\r', '\n']) { data.replace(['\r', '\n'], "") } else { data };
        if let Some(at) = base64_fault(&data) {
            return Err(DecodeError::field("images", format!("illegal base64 data at input byte {at}")));
        }
        if !data.is_empty() {
            parts.push(Part::Image(Image { source: ImageSource::Base64 { media_type: None, data }, detail: None }));
        }
    }
    Ok(parts)
}

/// Where a text stops being padded standard base64. Nothing is decoded: pictures are large and sent on as they are.
fn base64_fault(data: &str) -> Option<usize> {
    let padding = data.bytes().rev().take(2).take_while(|byte| *byte == b'=').count();
    let body = &data.as_bytes()[..data.len() - padding];
    let fault = body.iter().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')));
    fault.or_else(|| (!data.len().is_multiple_of(4)).then_some(data.len()))
}

fn tool_calls(fields: &Fields<'_>, message: u32) -> Result<Vec<ToolCall>, DecodeError> {
    let message = message.to_string();
    fields
        .objects("tool_calls", "[]api.ToolCall", "ChatRequest.messages.tool_calls")?
        .into_iter()
        .zip(0_u32..)
        .map(|(call, index)| {
            let id = call.filled("id")?;
            let function = call.object("function", "ChatRequest.messages.tool_calls.function")?;
            let (name, arguments) = match &function {
                Some(function) => (function.string("name")?.unwrap_or_default(), arguments(function)?),
                None => ("".into(), "{}".to_owned()),
            };
            // The place in the conversation makes the id, so it is the same on every later turn.
            let id = id.map_or_else(|| call_id(&["history", &message, &name], index), Into::into);
            Ok(ToolCall { id, name: name.into_owned(), arguments, signature: None })
        })
        .collect()
}

fn arguments(function: &Fields<'_>) -> Result<String, DecodeError> {
    match function.raw("arguments") {
        None => Ok("{}".to_owned()),
        Some(raw) if raw.starts_with('{') => Ok(raw.to_owned()),
        Some(raw) => {
            let mut error = function.wrong_type("arguments", raw, "api.ToolCallFunctionArguments");
            error.message.push_str(": value looks like object, but can't find closing '}' symbol");
            Err(error)
        }
    }
}

fn tool_result(fields: &Fields<'_>, content: Vec<Part>, open: &mut Vec<OpenCall>) -> Result<ToolResult, DecodeError> {
    let mut call_id: Option<String> = fields.filled("tool_call_id")?.map(Into::into);
    let mut name: Option<String> = fields.filled("tool_name")?.map(Into::into);
    let answered = open.iter().position(|call| match (&call_id, &name) {
        (Some(id), _) => call.id == *id,
        (None, Some(name)) => call.name == *name,
        (None, None) => true,
    });
    if let Some(at) = answered {
        let call = open.remove(at);
        call_id.get_or_insert(call.id);
        name.get_or_insert(call.name);
    }
    Ok(ToolResult { call_id, name, content, is_error: false })
}
