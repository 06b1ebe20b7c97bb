//! Messages to `systemInstruction` and `contents`.
//!
//! Gemini's rules: turns alternate between `user` and `model` and begin with `user`; nothing is empty; and a turn with
//! function calls is followed directly by one with exactly as many responses, each with its function's name.

use std::borrow::Cow;

use super::calls::{self, OpenCall};
use super::generation::Generation;
use super::media;
use super::wire::{Content, Part, PartContent, Role};
use crate::chat::{self, ChatRequest, Message, Part as ChatPart, ToolResult};
use crate::protocol::tool_names::ToolNames;
use crate::protocol::{EncodeError, ModelProfile};

/// What stands in for a user turn the client did not write.
const MINIMAL_TURN: &str = ".";

/// The conversation as Gemini wants it.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) system_instruction: Option<Content<'a>>,
    pub(super) contents: Vec<Content<'a>>,
}

/// Writes the conversation.
pub(super) fn encode<'a>(
    request: &'a ChatRequest,
    profile: &'a ModelProfile,
    generation: Option<Generation>,
    names: &'a ToolNames,
    warnings: &mut Vec<String>,
) -> Result<Conversation<'a>, EncodeError> {
    let leading = request.messages.iter().take_while(|message| is_system(message)).count();
    let (system, turns) = request.messages.split_at(leading);
    let system = system_text(system);

    let mut writer = Writer { profile, generation, names, contents: Vec::new() };
    let mut open = Vec::new();
    for turn in turns.chunk_by(|one, next| is_assistant(one) == is_assistant(next)) {
        if turn.iter().any(is_assistant) {
            open = writer.model_turn(turn)?;
        } else {
            writer.user_turn(turn, std::mem::take(&mut open))?;
        }
    }
    writer.user_turn(&[], open)?;

    let mut contents = writer.contents;
    if contents.first().is_some_and(|first| first.role == Some(Role::Model)) {
        contents.insert(0, Content { role: Some(Role::User), parts: vec![text(MINIMAL_TURN)] });
        warnings.push("a user turn was put before the first assistant turn".to_owned());
    }
    match (contents.is_empty(), system.is_empty()) {
        (true, true) => Err(EncodeError::new("messages", "there is nothing to send: every message is empty")),
        // Contents must not be empty: instructions alone are what the user says.
        (true, false) => {
            let parts = vec![text(system)];
            Ok(Conversation { system_instruction: None, contents: vec![Content { role: Some(Role::User), parts }] })
        }
        (false, true) => Ok(Conversation { system_instruction: None, contents }),
        (false, false) => {
            let instruction = Content { role: None, parts: vec![text(system)] };
            Ok(Conversation { system_instruction: Some(instruction), contents })
        }
    }
}

fn is_system(message: &Message) -> bool {
    matches!(message.role, chat::Role::System | chat::Role::Developer)
}

fn is_assistant(message: &Message) -> bool {
    message.role == chat::Role::Assistant
}

/// The texts of the leading instructions, a blank line between them.
fn system_text(messages: &[Message]) -> String {
    let parts = messages.iter().flat_map(|message| &message.parts);
    parts.filter_map(calls::plain_text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Part<'a> {
    PartContent::Text(text.into()).into()
}

struct Writer<'a> {
    profile: &'a ModelProfile,
    generation: Option<Generation>,
    names: &'a ToolNames,
    contents: Vec<Content<'a>>,
}

impl<'a> Writer<'a> {
    /// Adds parts to the conversation, to the last turn when it has the same role.
    fn push(&mut self, role: Role, parts: Vec<Part<'a>>) {
        if parts.is_empty() {
            return;
        }
        match self.contents.last_mut() {
            Some(last) if last.role == Some(role) => last.parts.extend(parts),
            Some(_) | None => self.contents.push(Content { role: Some(role), parts }),
        }
    }

    /// Writes neighbouring assistant messages as one turn; returns the calls that wait for their results.
    fn model_turn(&mut self, messages: &'a [Message]) -> Result<Vec<OpenCall<'a>>, EncodeError> {
        let mut parts = Vec::new();
        let mut open = Vec::new();
        for part in messages.iter().flat_map(|message| &message.parts) {
            if let ChatPart::ToolCall(call) = part {
                open.push(OpenCall::new(call, self.names));
                parts.push(calls::function_call(call, self.names));
            } else {
                self.speak(part, &mut parts)?;
            }
        }
        calls::sign_first(&mut parts, self.generation);
        self.push(Role::Model, parts);
        Ok(open)
    }

    /// Writes everything between two assistant turns as one turn: first the result of each open call, in the order of
    /// the calls, then the pictures those results hold, then what was said.
    fn user_turn(&mut self, messages: &'a [Message], mut open: Vec<OpenCall<'a>>) -> Result<(), EncodeError> {
        let mut said = Vec::new();
        for part in messages.iter().flat_map(|message| &message.parts) {
            if let ChatPart::ToolResult(result) = part {
                if !calls::claim(&mut open, result) {
                    self.orphan(result, &mut said)?;
                }
            } else {
                self.speak(part, &mut said)?;
            }
        }
        let mut parts: Vec<_> = open.iter().map(OpenCall::response).collect();
        for result in open.iter().filter_map(OpenCall::result) {
            self.attachments(result, &mut parts)?;
        }
        parts.append(&mut said);
        self.push(Role::User, parts);
        Ok(())
    }

    /// A result nobody waits for becomes something the user says: the API refuses more responses than calls.
    fn orphan(&self, result: &'a ToolResult, out: &mut Vec<Part<'a>>) -> Result<(), EncodeError> {
        let name = result.name.as_deref().unwrap_or("unknown");
        out.push(text(format!("Result of the tool `{name}`: {}", calls::result_text(result))));
        self.attachments(result, out)
    }

    fn attachments(&self, result: &'a ToolResult, out: &mut Vec<Part<'a>>) -> Result<(), EncodeError> {
        result
            .content
            .iter()
            .filter(|part| calls::plain_text(part).is_none())
            .try_for_each(|part| self.speak(part, out))
    }

    /// Appends what a part outside the exchange of calls and results becomes, possibly nothing.
    fn speak(&self, part: &'a ChatPart, out: &mut Vec<Part<'a>>) -> Result<(), EncodeError> {
        let capabilities = self.profile.capabilities;
        let content = match part {
            ChatPart::Text(said) if said.text.is_empty() => return Ok(()),
            ChatPart::Text(said) => PartContent::Text((&said.text).into()),
            ChatPart::Refusal(said) if said.is_empty() => return Ok(()),
            ChatPart::Refusal(said) => PartContent::Text(said.into()),
            ChatPart::Image(image) => media::image(image, capabilities)?,
            ChatPart::Audio { data, format } => media::audio(data, format, capabilities)?,
            ChatPart::File(file) => media::file(file)?,
            // Thought summaries are not taken back, only the signatures that stand on calls. Calls and results are
            // written by the turns; elsewhere (a result within a result) they mean nothing.
            ChatPart::Reasoning(_) | ChatPart::ToolCall(_) | ChatPart::ToolResult(_) => return Ok(()),
        };
        out.push(content.into());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
