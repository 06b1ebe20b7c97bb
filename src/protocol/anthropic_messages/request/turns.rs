//! Turns as lists of content blocks, with every tool call answered where Anthropic wants its answer.
//!
//! All results of a model's turn open the user's next turn, in the order of the calls. A call without a result gets one
//! that says so, a result without a call becomes text: both happen when clients shorten long conversations, and either
//! would be a 400.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::{RawValue, to_raw_value};

use super::conversation::{Spoken, is_blank};
use super::media;
use crate::chat::{Part, ReasoningPart, Text, ToolCall, ToolResult};
use crate::protocol::anthropic_messages::wire::{Block, Turn, TurnRole};
use crate::protocol::tool_names::{NameRule, ToolNames};
use crate::protocol::{EncodeError, ModelProfile};

/// What opens a conversation whose first word is the model's.
const OPENING: &str = ".";

/// Writes the turns.
///
/// # Errors
/// When a part cannot be carried, or the model shall continue its own words and cannot.
pub(super) fn encode<'a>(
    spoken: Vec<Spoken<'a>>,
    names: &ToolNames,
    profile: &ModelProfile,
    warnings: &mut Vec<String>,
) -> Result<Vec<Turn<'a>>, EncodeError> {
    let mut turns = Vec::with_capacity(spoken.len() + 2);
    if spoken.first().is_some_and(|first| first.role == TurnRole::Assistant) {
        turns.push(Turn { role: TurnRole::User, content: vec![text(OPENING)] });
        warnings.push("messages: a user turn was put before the first assistant message".to_owned());
    }
    let mut encoder = Encoder { names, vision: profile.capabilities.vision != Some(false), ids: HashSet::new() };
    let mut calls = Vec::new();
    for turn in spoken {
        let content = match turn.role {
            TurnRole::Assistant => encoder.assistant(&turn.parts, &mut calls),
            TurnRole::User => encoder.user(&turn.parts, std::mem::take(&mut calls))?,
        };
        turns.push(Turn { role: turn.role, content });
    }
    if calls.is_empty() {
        end_with_user_or_prefill(&mut turns, profile)?;
    } else {
        turns.push(Turn { role: TurnRole::User, content: encoder.user(&[], calls)? });
    }
    Ok(turns)
}

/// A trailing assistant turn is the beginning of the answer. It may not end with whitespace.
fn end_with_user_or_prefill(turns: &mut [Turn<'_>], profile: &ModelProfile) -> Result<(), EncodeError> {
    let Some(Turn { role: TurnRole::Assistant, content }) = turns.last_mut() else { return Ok(()) };
    if profile.capabilities.prefill == Some(false) {
        let message = format!("model `{}` cannot continue an assistant message; end with a user message", profile.id);
        return Err(EncodeError::new("messages", message));
    }
    if let Some(Block::Text { text, .. }) = content.last_mut() {
        *text = match std::mem::take(text) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_end()),
            Cow::Owned(text) => Cow::Owned(text.trim_end().to_owned()),
        };
    }
    Ok(())
}

/// A tool call that waits for its result.
struct OpenCall<'a> {
    call: &'a ToolCall,
    wire_id: String,
    result: Option<Block<'a>>,
}

struct Encoder<'n> {
    names: &'n ToolNames,
    vision: bool,
    /// Ids given to calls so far: they must be unique in the whole conversation.
    ids: HashSet<String>,
}

impl Encoder<'_> {
    fn assistant<'a>(&mut self, parts: &[&'a Part], calls: &mut Vec<OpenCall<'a>>) -> Vec<Block<'a>> {
        let mut blocks = Vec::with_capacity(parts.len());
        for &part in parts {
            match part {
                Part::Text(part) => blocks.push(marked_text(part)),
                Part::Refusal(refusal) => blocks.push(text(refusal)),
                Part::Reasoning(reasoning) => blocks.extend(thinking(reasoning)),
                Part::ToolCall(call) => {
                    let wire_id = self.unique_id(&call.id);
                    let name = Cow::Owned(self.names.to_wire(&call.name).to_owned());
                    blocks.push(Block::ToolUse { id: wire_id.clone(), name, input: input(&call.arguments) });
                    calls.push(OpenCall { call, wire_id, result: None });
                }
                // `Conversation` leaves none of these to the model.
                Part::Image(_) | Part::Audio { .. } | Part::File(_) | Part::ToolResult(_) => {}
            }
        }
        // A turn with thinking must begin with it. Merging messages can put words in front; order is kept otherwise.
        if blocks.first().is_some_and(|first| !is_thinking(first)) {
            blocks.sort_by_key(|block| !is_thinking(block));
        }
        blocks
    }

    fn user<'a>(&self, parts: &[&'a Part], mut calls: Vec<OpenCall<'a>>) -> Result<Vec<Block<'a>>, EncodeError> {
        let mut rest = Vec::with_capacity(parts.len());
        for &part in parts {
            if let Part::ToolResult(result) = part {
                match open_call(&mut calls, result) {
                    Some(open) => open.result = Some(self.tool_result(open.wire_id.clone(), result)?),
                    None => {
                        rest.push(text(orphan_heading(result)));
                        self.add_content(&result.content, &mut rest)?;
                    }
                }
            } else {
                self.add(part, &mut rest)?;
            }
        }
        let mut blocks: Vec<_> = calls.into_iter().map(OpenCall::into_result).collect();
        blocks.append(&mut rest);
        Ok(blocks)
    }

    fn tool_result<'a>(&self, tool_use_id: String, result: &'a ToolResult) -> Result<Block<'a>, EncodeError> {
        let mut content = Vec::with_capacity(result.content.len());
        self.add_content(&result.content, &mut content)?;
        // A cache mark belongs to the result as a whole.
        let mut cache_control = None;
        for block in &mut content {
            if let Block::Text { cache_control: mark, .. } = block {
                cache_control = mark.take().or(cache_control);
            }
        }
        Ok(Block::ToolResult { tool_use_id, content, is_error: result.is_error, cache_control })
    }

    fn add_content<'a>(&self, parts: &'a [Part], blocks: &mut Vec<Block<'a>>) -> Result<(), EncodeError> {
        parts.iter().try_for_each(|part| self.add(part, blocks))
    }

    /// Adds what a user or a tool can say.
    fn add<'a>(&self, part: &'a Part, blocks: &mut Vec<Block<'a>>) -> Result<(), EncodeError> {
        let block = match part {
            Part::Text(part) if is_blank(&part.text) => return Ok(()),
            Part::Text(part) => marked_text(part),
            Part::Refusal(refusal) => text(refusal),
            Part::Image(image) => media::image(image)?,
            Part::File(file) => media::file(file)?,
            Part::Audio { .. } => {
                return Err(EncodeError::new(
                    "messages",
                    "Anthropic models cannot hear: `input_audio` is not possible",
                ));
            }
            // Only the model thinks and calls, and results do not nest.
            Part::Reasoning(_) | Part::ToolCall(_) | Part::ToolResult(_) => return Ok(()),
        };
        if !self.vision && matches!(block, Block::Image { .. }) {
            return Err(EncodeError::new("messages", "this model cannot see images"));
        }
        blocks.push(block);
        Ok(())
    }

    fn unique_id(&mut self, id: &str) -> String {
        let id = NameRule::ANTHROPIC.conform(id).into_owned();
        let mut unique = id.clone();
        let mut copy = 1;
        while !self.ids.insert(unique.clone()) {
            copy += 1;
            unique = format!("{id}_{copy}");
        }
        unique
    }
}

impl<'a> OpenCall<'a> {
    fn into_result(self) -> Block<'a> {
        self.result.unwrap_or_else(|| Block::ToolResult {
            tool_use_id: self.wire_id,
            content: vec![text("no result: the conversation goes on without it")],
            is_error: true,
            cache_control: None,
        })
    }
}

/// The call a result answers: by id, else by name, else the first that is open (older Ollama clients say neither).
fn open_call<'c, 'a>(calls: &'c mut [OpenCall<'a>], result: &ToolResult) -> Option<&'c mut OpenCall<'a>> {
    calls.iter_mut().filter(|open| open.result.is_none()).find(|open| match (&result.call_id, &result.name) {
        (Some(id), _) => open.call.id == *id,
        (None, Some(name)) => open.call.name == *name,
        (None, None) => true,
    })
}

fn orphan_heading(result: &ToolResult) -> String {
    match &result.name {
        Some(name) => format!("Result of an earlier call of the tool `{name}`:"),
        None => "Result of an earlier tool call:".to_owned(),
    }
}

/// Signed and redacted thinking goes back byte for byte: it is checked against its signature.
fn thinking(reasoning: &ReasoningPart) -> Option<Block<'_>> {
    match (&reasoning.redacted, &reasoning.signature) {
        (Some(data), _) => Some(Block::RedactedThinking { data }),
        (None, Some(signature)) => Some(Block::Thinking { thinking: &reasoning.text, signature }),
        (None, None) => None,
    }
}

fn is_thinking(block: &Block<'_>) -> bool {
    match block {
        Block::Thinking { .. } | Block::RedactedThinking { .. } => true,
        Block::Text { .. }
        | Block::Image { .. }
        | Block::Document { .. }
        | Block::ToolUse { .. }
        | Block::ToolResult { .. } => false,
    }
}

/// The arguments of a call as the object they must be. What is no object is wrapped, so that nothing is lost.
fn input(arguments: &str) -> Cow<'_, RawValue> {
    let trimmed = arguments.trim();
    let object = if trimmed.is_empty() || trimmed == "null" { "{}" } else { trimmed };
    match serde_json::from_str::<&RawValue>(object) {
        Ok(raw) if object.starts_with('{') => Cow::Borrowed(raw),
        Ok(_) | Err(_) => {
            let wrapped = to_raw_value(&serde_json::json!({ "input": arguments }));
            Cow::Owned(wrapped.expect("an object of one string always serialises"))
        }
    }
}

pub(super) fn marked_text(text: &Text) -> Block<'_> {
    Block::Text { text: Cow::Borrowed(&text.text), cache_control: text.cache_control.map(Into::into) }
}

pub(super) fn text<'a>(text: impl Into<Cow<'a, str>>) -> Block<'a> {
    Block::Text { text: text.into(), cache_control: None }
}

#[cfg(test)]
mod tests;
