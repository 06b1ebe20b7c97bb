//! Writing `messages`, bent to what the provider insists on.

use std::borrow::Cow;

use super::super::tool_ids;
use super::message_out::{AudioOut, CallFunction, CallOut, Content, MessageOut, PartOut, file_out, image_out};
use super::tool_results::CallHistory;
use crate::chat::{ChatRequest, Message, Part, Reasoning, Role, ToolCall, ToolResult};
use crate::protocol::{EncodeError, ModelProfile, Quirks, ToolIds};

/// The conversation as the provider wants it.
pub(super) fn encode_messages<'a>(
    request: &'a ChatRequest,
    profile: &'a ModelProfile,
) -> Result<Vec<MessageOut<'a>>, EncodeError> {
    let quirks = &profile.quirks;
    let mut writer =
        Writer { request, quirks, history: CallHistory::default(), out: Vec::new(), follow_up: Vec::new() };
    for message in &request.messages {
        writer.message(message);
    }
    writer.flush_follow_up();
    let mut messages = writer.out;
    if quirks.merge_roles {
        merge_neighbours(&mut messages);
    }
    if messages.is_empty() {
        return Err(EncodeError::new("messages", "there is nothing to send: every message is empty"));
    }
    Ok(messages)
}

struct Writer<'a> {
    request: &'a ChatRequest,
    quirks: &'a Quirks,
    history: CallHistory<'a>,
    out: Vec<MessageOut<'a>>,
    /// What tool results hold and tool messages cannot: images, and results of calls nobody remembers.
    /// Nothing may stand between the results of one turn, so it follows them in a user message.
    follow_up: Vec<PartOut<'a>>,
}

impl<'a> Writer<'a> {
    fn message(&mut self, message: &'a Message) {
        let mut draft = MessageOut::new(self.role(message.role));
        let mut parts = Vec::new();
        let mut reasoning = String::new();
        let mut refusal = String::new();
        for part in &message.parts {
            match part {
                Part::Text(text) if text.text.is_empty() => {}
                Part::Text(text) => parts.push(PartOut::Text { text: Cow::Borrowed(&text.text) }),
                Part::Image(image) => parts.push(image_out(image)),
                Part::Audio { data, format } => {
                    parts.push(PartOut::InputAudio { input_audio: AudioOut { data, format } });
                }
                Part::File(file) => parts.push(file_out(file)),
                Part::Reasoning(part) => reasoning.push_str(&part.text),
                Part::Refusal(text) => refusal.push_str(text),
                Part::ToolCall(call) => {
                    self.history.called(call);
                    draft.tool_calls.push(self.call(call));
                }
                Part::ToolResult(result) => self.result(result),
            }
        }
        draft.refusal = (!refusal.is_empty()).then_some(Cow::Owned(refusal));
        let says_nothing = parts.is_empty() && draft.tool_calls.is_empty() && draft.refusal.is_none();
        if says_nothing {
            return;
        }
        if !parts.is_empty() {
            draft.content = Some(self.content(parts));
        }
        if !self.quirks.strip_names {
            draft.name = message.name.as_deref();
        }
        if self.quirks.replay_reasoning && message.role == Role::Assistant {
            draft.reasoning_content = self.replayed(reasoning);
        }
        self.flush_follow_up();
        self.out.push(draft);
    }

    fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Developer if self.quirks.supports_developer_role => "developer",
            Role::System | Role::Developer => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }

    fn content(&self, parts: Vec<PartOut<'a>>) -> Content<'a> {
        Content { parts, join_texts: self.quirks.text_content_only_string }
    }

    /// DeepSeek refuses an assistant message without its thinking once it thinks; a space is accepted
    /// where the client kept nothing.
    fn replayed(&self, reasoning: String) -> Option<Cow<'a, str>> {
        match (reasoning.is_empty(), self.request.reasoning) {
            (false, _) => Some(Cow::Owned(reasoning)),
            (true, Some(Reasoning::Off)) => None,
            (true, Some(Reasoning::On | Reasoning::Effort(_) | Reasoning::Budget(_)) | None) => {
                Some(Cow::Borrowed(" "))
            }
        }
    }

    fn call(&self, call: &'a ToolCall) -> CallOut<'a> {
        let (name, arguments) = (call.name.as_str(), call.arguments.as_str());
        // An empty text is not JSON, and providers parse what is replayed to them.
        let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
        CallOut { id: self.id(&call.id), r#type: "function", function: CallFunction { name, arguments } }
    }

    fn id(&self, id: &'a str) -> Cow<'a, str> {
        match self.quirks.tool_ids {
            ToolIds::Any => Cow::Borrowed(id),
            ToolIds::Alnum9 => Cow::Owned(tool_ids::alnum9(id)),
        }
    }

    fn result(&mut self, result: &'a ToolResult) {
        let mut parts = Vec::new();
        if result.is_error {
            parts.push(PartOut::Text { text: Cow::Borrowed("The tool failed.") });
        }
        for part in &result.content {
            match part {
                Part::Text(text) => parts.push(PartOut::Text { text: Cow::Borrowed(&text.text) }),
                Part::Image(image) => {
                    self.follow_up.push(PartOut::Text { text: Cow::Borrowed("Image returned by the tool:") });
                    self.follow_up.push(image_out(image));
                }
                // Results hold texts and images.
                Part::Audio { .. }
                | Part::File(_)
                | Part::Reasoning(_)
                | Part::Refusal(_)
                | Part::ToolCall(_)
                | Part::ToolResult(_) => {}
            }
        }
        let Some(id) = self.history.answered(result) else { return self.orphan(result, parts) };
        let mut draft = MessageOut::new("tool");
        draft.tool_call_id = Some(self.id(id));
        draft.content = Some(self.content(parts));
        self.out.push(draft);
    }

    /// A result without its call (the history was cut) would be refused as a tool message; its text still matters.
    fn orphan(&mut self, result: &ToolResult, parts: Vec<PartOut<'a>>) {
        let heading = match &result.name {
            Some(name) => format!("Result of the tool {name}:"),
            None => "Result of a tool:".to_owned(),
        };
        self.follow_up.push(PartOut::Text { text: Cow::Owned(heading) });
        self.follow_up.extend(parts);
    }

    fn flush_follow_up(&mut self) {
        if self.follow_up.is_empty() {
            return;
        }
        let parts = std::mem::take(&mut self.follow_up);
        let mut draft = MessageOut::new("user");
        draft.content = Some(self.content(parts));
        self.out.push(draft);
    }
}

/// Merges neighbouring messages of one role by joining their lists. Tool messages stay apart: each answers one call.
fn merge_neighbours(messages: &mut Vec<MessageOut<'_>>) {
    let mut merged: Vec<MessageOut<'_>> = Vec::with_capacity(messages.len());
    for message in messages.drain(..) {
        match merged.last_mut() {
            Some(last) if last.role == message.role && message.role != "tool" => {
                if let Some(content) = message.content {
                    last.content.get_or_insert_default().parts.extend(content.parts);
                    last.content.get_or_insert_default().join_texts = content.join_texts;
                }
                last.tool_calls.extend(message.tool_calls);
                last.reasoning_content = last.reasoning_content.take().or(message.reasoning_content);
                last.refusal = last.refusal.take().or(message.refusal);
            }
            Some(_) | None => merged.push(message),
        }
    }
    *messages = merged;
}
