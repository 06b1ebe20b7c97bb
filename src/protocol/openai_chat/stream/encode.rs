//! Writing a streamed chat answer for an OpenAI client.
//!
//! Chunks are written straight into the buffer, one per event. Finish reasons and usage wait for the end: whether the
//! answer ended well is known only then, and after an error no finish reason may have been sent.

use super::super::response::{answer_id, finish_word};
use super::super::sources::{addresses, annotations};
use super::super::usage::UsageOut;
use super::super::{error, json};
use super::frame::{ChunkFrame, DONE};
use crate::chat::{Citation, Event, FinishReason, Start};
use crate::clock::{Timing, UnixNanos};
use crate::protocol::{ApiError, EventEncoder, ReasoningField, ReplyContext};

/// Writes `chat.completion.chunk`s.
#[derive(Debug)]
pub(in super::super) struct ChatEncoder {
    context: ReplyContext,
    /// Made with the first chunk: by then the upstream has said its names, if it says them at all.
    frame: Option<ChunkFrame>,
    choices: Vec<ChoiceState>,
    citations: Vec<Citation>,
    usage: Option<UsageOut>,
}

#[derive(Debug)]
struct ChoiceState {
    index: u32,
    /// Per tool call: arguments have been sent.
    calls: Vec<bool>,
    finish: Option<FinishReason>,
}

/// The field of the delta that carries a text.
#[derive(Debug, Clone, Copy)]
enum TextField {
    Content,
    Reasoning(ReasoningField),
    Refusal,
}

impl ChatEncoder {
    pub(in super::super) fn new(context: ReplyContext) -> Self {
        Self { context, frame: None, choices: Vec::new(), citations: Vec::new(), usage: None }
    }

    fn start(&mut self, start: &Start<'_>) {
        let id = answer_id("chatcmpl-", start.id.as_deref(), &self.context);
        self.frame = Some(ChunkFrame::new("chat.completion.chunk", &id, start, &self.context));
    }

    /// The choice's place in `choices`, and whether it is new: then its first delta carries the role.
    fn choice(&mut self, index: u32) -> (usize, bool) {
        match self.choices.iter().position(|state| state.index == index) {
            Some(at) => (at, false),
            None => {
                self.choices.push(ChoiceState { index, calls: Vec::new(), finish: None });
                (self.choices.len() - 1, true)
            }
        }
    }

    /// Begins a chunk; what follows are the fields of the delta. `filler` is the content beside the role
    /// when the first delta carries something else.
    fn open_delta(&mut self, choice: u32, filler: &str, out: &mut Vec<u8>) -> usize {
        if self.frame.is_none() {
            self.start(&Start::default());
        }
        let (at, first) = self.choice(choice);
        if let Some(frame) = &self.frame {
            frame.open_choice(choice, out);
        }
        out.extend_from_slice(b",\"delta\":{");
        if first {
            out.extend_from_slice(b"\"role\":\"assistant\",");
            out.extend_from_slice(filler.as_bytes());
        }
        at
    }

    /// Ends a chunk that did not end its choice.
    fn close_delta(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"},\"logprobs\":null,\"finish_reason\":null}");
        self.close(out);
    }

    fn close(&self, out: &mut Vec<u8>) {
        if let Some(frame) = &self.frame {
            frame.close(out);
        }
    }

    fn text(&mut self, choice: u32, field: TextField, text: &str, out: &mut Vec<u8>) {
        let filler = match field {
            TextField::Content => "",
            TextField::Reasoning(_) | TextField::Refusal => "\"content\":\"\",",
        };
        self.open_delta(choice, filler, out);
        let names: &[&str] = match field {
            TextField::Content => &["\"content\":"],
            TextField::Refusal => &["\"refusal\":"],
            TextField::Reasoning(ReasoningField::ReasoningContent) => &["\"reasoning_content\":"],
            TextField::Reasoning(ReasoningField::Reasoning) => &["\"reasoning\":"],
            TextField::Reasoning(ReasoningField::Both) => &["\"reasoning_content\":", ",\"reasoning\":"],
        };
        for name in names {
            out.extend_from_slice(name.as_bytes());
            json::write(out, text);
        }
        self.close_delta(out);
    }

    /// The first fragment of a call: the only one with id, type and name.
    fn call_start(&mut self, choice: u32, index: u32, call: (&str, &str, Option<&str>), out: &mut Vec<u8>) {
        let (id, name, signature) = call;
        let at = self.open_delta(choice, "\"content\":null,", out);
        let calls = &mut self.choices[at].calls;
        calls.resize(calls.len().max(index as usize + 1), false);
        out.extend_from_slice(b"\"tool_calls\":[{\"index\":");
        json::write(out, &index);
        out.extend_from_slice(b",\"id\":");
        json::write(out, id);
        out.extend_from_slice(b",\"type\":\"function\",\"function\":{\"name\":");
        json::write(out, name);
        out.extend_from_slice(b",\"arguments\":\"\"}");
        if let Some(signature) = signature {
            out.extend_from_slice(b",\"extra_content\":{\"google\":{\"thought_signature\":");
            json::write(out, signature);
            out.extend_from_slice(b"}}");
        }
        out.extend_from_slice(b"}]");
        self.close_delta(out);
    }

    fn call_arguments(&mut self, choice: u32, index: u32, fragment: &str, out: &mut Vec<u8>) {
        let at = self.open_delta(choice, "\"content\":null,", out);
        if let Some(sent) = self.choices[at].calls.get_mut(index as usize) {
            *sent = true;
        }
        out.extend_from_slice(b"\"tool_calls\":[{\"index\":");
        json::write(out, &index);
        out.extend_from_slice(b",\"function\":{\"arguments\":");
        json::write(out, fragment);
        out.extend_from_slice(b"}}]");
        self.close_delta(out);
    }

    fn logprobs(&mut self, choice: u32, content: &[serde_json::Value], out: &mut Vec<u8>) {
        self.open_delta(choice, "", out);
        out.extend_from_slice(b"\"content\":\"\"},\"logprobs\":{\"content\":");
        json::write(out, content);
        out.extend_from_slice(b",\"refusal\":null},\"finish_reason\":null}");
        self.close(out);
    }

    /// What ends a choice: `{}` for calls that got no arguments (an empty text is not JSON), then the finish reason.
    fn end_choice(&mut self, at: usize, out: &mut Vec<u8>) {
        let ChoiceState { index: choice, ref calls, finish } = self.choices[at];
        let Some(reason) = finish else { return };
        let without_arguments: Vec<u32> =
            (0..).zip(calls).filter(|(_, sent)| !**sent).map(|(index, _)| index).collect();
        let has_calls = !calls.is_empty();
        for index in without_arguments {
            self.call_arguments(choice, index, "{}", out);
        }
        if let Some(frame) = &self.frame {
            frame.open_choice(choice, out);
        }
        out.extend_from_slice(b",\"delta\":{},\"logprobs\":null,\"finish_reason\":");
        json::write(out, finish_word(Some(reason), has_calls));
        out.push(b'}');
        self.close(out);
    }

    /// Sources go out once, complete, before the first choice ends. The list of addresses stands at the top level,
    /// where Perplexity's clients look for it.
    fn write_citations(&mut self, out: &mut Vec<u8>) {
        let (Some(first), false) = (self.choices.first(), self.citations.is_empty()) else { return };
        let Some(frame) = &self.frame else { return };
        frame.open_choice(first.index, out);
        out.extend_from_slice(b",\"delta\":{\"annotations\":");
        json::write(out, &annotations(&self.citations));
        out.extend_from_slice(b"},\"logprobs\":null,\"finish_reason\":null}");
        frame.close_citing(&addresses(&self.citations), out);
    }
}

impl EventEncoder for ChatEncoder {
    fn push(&mut self, event: &Event<'_>, _now: UnixNanos, out: &mut Vec<u8>) {
        match event {
            Event::Start(start) => {
                if self.frame.is_none() {
                    self.start(start);
                }
            }
            Event::Text { choice, text } => self.text(*choice, TextField::Content, text, out),
            Event::Reasoning { choice, text } => {
                self.text(*choice, TextField::Reasoning(self.context.reasoning_as), text, out);
            }
            Event::Refusal { choice, text } => self.text(*choice, TextField::Refusal, text, out),
            // The format has no place for them.
            Event::ReasoningSignature { .. } | Event::RedactedReasoning { .. } => {}
            Event::ToolCallStart { choice, index, id, name, signature } => {
                self.call_start(*choice, *index, (id, name, signature.as_deref()), out);
            }
            Event::ToolCallArguments { choice, index, fragment } => {
                self.call_arguments(*choice, *index, fragment, out);
            }
            Event::Logprobs { choice, content } => self.logprobs(*choice, content, out),
            Event::Citations(citations) => self.citations.clone_from(citations),
            Event::Finish { choice, reason, native: _ } => {
                // An answer that says nothing still begins with its role.
                if self.choices.iter().all(|state| state.index != *choice) {
                    self.text(*choice, TextField::Content, "", out);
                }
                let (at, _) = self.choice(*choice);
                self.choices[at].finish = Some(*reason);
            }
            Event::Usage(usage) => self.usage = UsageOut::new(usage),
        }
    }

    fn finish(&mut self, _timing: Timing, out: &mut Vec<u8>) {
        self.write_citations(out);
        for at in 0..self.choices.len() {
            self.end_choice(at, out);
        }
        if let (true, Some(frame), Some(usage)) = (self.context.include_usage, &self.frame, &self.usage) {
            frame.usage(usage, out);
        }
        out.extend_from_slice(DONE);
    }

    fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        error::encode_event(error, out);
    }
}
