//! Answers to clients: a stream line by line, or one whole object.

use serde_json::Value;

use crate::chat::{ChatResponse, Choice, Event, FinishReason, Part, ToolCall, Usage};
use crate::clock::{Timing, UnixNanos};
use crate::protocol::ollama::error;
use crate::protocol::{ApiError, EventEncoder, ReplyContext};

use super::line::{Done, Line, LineHead, Metrics, Shape};

/// Writes one NDJSON line per event. Tool calls are collected and leave in one line, because Ollama's are always whole.
/// Of several alternative answers only the first is shown: the format has room for one.
pub(in crate::protocol::ollama) struct Encoder {
    shape: Shape,
    head: LineHead,
    calls: Vec<ToolCall>,
    finish: FinishReason,
    usage: Usage,
}

impl Encoder {
    pub(in crate::protocol::ollama) fn new(shape: Shape, context: &ReplyContext) -> Self {
        let head = LineHead::new(&context.model);
        Self { shape, head, calls: Vec::new(), finish: FinishReason::Stop, usage: Usage::default() }
    }

    fn line(&mut self, line: &Line<'_>, now: UnixNanos, out: &mut Vec<u8>) {
        line.write(self.shape, self.head.at(now), out);
        out.push(b'\n');
    }

    fn call(&mut self, index: u32) -> Option<&mut ToolCall> {
        usize::try_from(index).ok().and_then(|index| self.calls.get_mut(index))
    }
}

impl EventEncoder for Encoder {
    fn push(&mut self, event: &Event<'_>, now: UnixNanos, out: &mut Vec<u8>) {
        match event {
            Event::Text { choice: 0, text } | Event::Refusal { choice: 0, text } => {
                self.line(&Line { text, ..Line::default() }, now, out);
            }
            Event::Reasoning { choice: 0, text } => {
                self.line(&Line { thinking: text, ..Line::default() }, now, out);
            }
            Event::Logprobs { choice: 0, content } => {
                self.line(&Line { logprobs: content, ..Line::default() }, now, out);
            }
            Event::ToolCallStart { choice: 0, index: _, id, name, signature: _ } => self.calls.push(ToolCall {
                id: id.to_string(),
                name: name.to_string(),
                arguments: String::new(),
                signature: None,
            }),
            Event::ToolCallArguments { choice: 0, index, fragment } => {
                if let Some(call) = self.call(*index) {
                    call.arguments.push_str(fragment);
                }
            }
            Event::Finish { choice: 0, reason, native: _ } => self.finish = *reason,
            Event::Usage(usage) => self.usage.clone_from(usage),
            // The model's name is the client's own, and there is no place for signatures and sources;
            // other choices than the first are not shown.
            Event::Start(_)
            | Event::ReasoningSignature { .. }
            | Event::RedactedReasoning { .. }
            | Event::Citations(_)
            | Event::Text { .. }
            | Event::Refusal { .. }
            | Event::Reasoning { .. }
            | Event::Logprobs { .. }
            | Event::ToolCallStart { .. }
            | Event::ToolCallArguments { .. }
            | Event::Finish { .. } => {}
        }
    }

    fn finish(&mut self, timing: Timing, out: &mut Vec<u8>) {
        let calls = std::mem::take(&mut self.calls);
        if !calls.is_empty() {
            self.line(&Line { tool_calls: &calls, ..Line::default() }, timing.ended, out);
        }
        let done = Some(done(self.finish, timing, &self.usage));
        self.line(&Line { done, ..Line::default() }, timing.ended, out);
    }

    fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        error::encode_line(error, out);
    }
}

/// Writes a whole answer as one object.
pub(in crate::protocol::ollama) fn whole(
    shape: Shape,
    context: &ReplyContext,
    response: &ChatResponse,
    timing: Timing,
) -> Vec<u8> {
    let nothing = Choice::default();
    let choice = response.choices.first().unwrap_or(&nothing);
    // As Ollama does: without tools in the request there is nobody to run a call.
    let calls: Vec<ToolCall> = if context.tools_offered { choice.tool_calls().cloned().collect() } else { Vec::new() };
    let logprobs: &[Value] = &choice.logprobs;
    let line = Line {
        text: &text(choice),
        thinking: &choice.reasoning(),
        tool_calls: &calls,
        logprobs,
        done: Some(done(choice.finish.unwrap_or(FinishReason::Stop), timing, &response.usage)),
    };
    let mut out = Vec::with_capacity(512 + line.text.len() + line.thinking.len());
    line.write(shape, LineHead::new(&context.model).at(timing.ended), &mut out);
    out
}

fn done(reason: FinishReason, timing: Timing, usage: &Usage) -> Done {
    let reason = match reason {
        FinishReason::Length => "length",
        // Ollama says `stop` after tool calls too, and has no word for a filter.
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::ContentFilter => "stop",
    };
    Done { reason, metrics: Some(Metrics::new(timing, usage.prompt_total(), usage.completion_total())) }
}

/// The answer's text; a refusal is text here.
fn text(choice: &Choice) -> String {
    choice
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.text.as_str()),
            Part::Refusal(text) => Some(text.as_str()),
            Part::Image(_)
            | Part::Audio { .. }
            | Part::File(_)
            | Part::Reasoning(_)
            | Part::ToolCall(_)
            | Part::ToolResult(_) => None,
        })
        .collect()
}
