//! Small requests for the tests of this folder.

use serde_json::Value;

use super::request;
use crate::chat::{ChatRequest, Message, Part, Role, Tool, ToolCall, ToolKind, ToolResult};
use crate::protocol::ModelProfile;

pub(super) fn profile(id: &str) -> ModelProfile {
    ModelProfile { id: id.into(), ..ModelProfile::default() }
}

pub(super) fn said(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, ..ChatRequest::default() }
}

pub(super) fn hello() -> ChatRequest {
    said(vec![Message::text(Role::User, "hello")])
}

pub(super) fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, name: None }
}

pub(super) fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into(), signature: None })
}

pub(super) fn result(id: Option<&str>, name: Option<&str>, text: &str) -> Part {
    Part::ToolResult(ToolResult {
        call_id: id.map(Into::into),
        name: name.map(Into::into),
        content: vec![Part::text(text)],
        is_error: false,
    })
}

pub(super) fn tool(name: &str, parameters: Option<Value>) -> Tool {
    Tool {
        name: name.into(),
        description: Some("does it".into()),
        parameters,
        strict: None,
        kind: ToolKind::Function,
        cache_control: None,
    }
}

pub(super) fn sent_to(id: &str, request: &ChatRequest) -> (Value, Vec<String>) {
    let encoded = request::encode(request, &profile(id)).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded.warnings)
}

pub(super) fn sent(request: &ChatRequest) -> Value {
    sent_to("gemini-2.5-flash", request).0
}

pub(super) fn refused(request: &ChatRequest) -> String {
    request::encode(request, &profile("gemini-2.5-flash")).unwrap_err().param
}
