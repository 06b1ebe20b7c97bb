//! An answer as it grows, block by block: the state machine behind streams and whole answers alike.
//!
//! A whole answer is a stream whose blocks open complete, so both ways give the same events by construction.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::Snapshot;
use super::wire::{AnswerMessage, BorrowedText, CitedSource, Piece};
use crate::chat::{Citation, Event, EventSink, FinishReason, Start, Usage};
use crate::protocol::StreamFault;
use crate::protocol::lenient::{self, Scalar};

/// Anthropic gives one answer per request.
const CHOICE: u32 = 0;

/// What has been read of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Answer {
    started: bool,
    /// The answer's id, for calls that come without one.
    id: String,
    /// Usually none or one; kept by index because servers exist that open a block before closing the last.
    open: Vec<OpenBlock>,
    calls: u32,
    /// Characters of answer text so far, to say which of them a source stands for.
    characters: usize,
    citations: Vec<Citation>,
    usage: Snapshot,
    /// The provider has counted its output, not just put a placeholder.
    is_output_counted: bool,
    stop_reason: Option<String>,
}

#[derive(Debug)]
struct OpenBlock {
    /// As the server counts; `None` where it does not say.
    index: Option<u64>,
    kind: OpenKind,
}

#[derive(Debug)]
enum OpenKind {
    /// Text that began after `start` characters, and its sources.
    Text { start: usize, citations: Vec<Citation> },
    /// A call; `arguments` are those given at the start, handed out at the end if no fragment came.
    Tool { call: u32, arguments: Option<String> },
    /// Thinking, and blocks that mean nothing to clients (searches run by the server and their results).
    Other,
}

impl Answer {
    /// `message_start`. Servers exist that send it twice; only the first names the answer.
    pub(super) fn start(&mut self, message: &AnswerMessage<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        let text = |text: &Option<BorrowedText<'_>>| text.as_ref().map(|text| text.0.clone().into_owned());
        if !self.started {
            self.started = true;
            let id = text(&message.id).filter(|id| !id.is_empty());
            self.id = id.clone().unwrap_or_default();
            out.event(Event::Start(Start {
                id: id.map(Cow::Owned),
                model: text(&message.model).map(Cow::Owned),
                ..Start::default()
            }));
        }
        self.set_stop_reason(message.stop_reason.as_ref().map(|reason| reason.0.as_ref()));
        if let Some(usage) = message.usage {
            self.usage.update(parse(usage)?);
            // A stream's first event counts one token of output as a placeholder. An answer that breaks off must not
            // be billed by it, so until the end nothing is known of the output.
            let prompt_only = Usage { output: None, reasoning: None, ..self.usage.to_usage() };
            out.event(Event::Usage(Box::new(prompt_only)));
        }
        Ok(())
    }

    /// `content_block_start`, or a whole block.
    pub(super) fn open_block(
        &mut self,
        index: Option<u64>,
        block: &RawValue,
        out: &mut dyn EventSink,
    ) -> Result<(), StreamFault> {
        let block: Piece<'_> = lenient::from_str(block.get()).map_err(malformed)?;
        let kind = match block.kind.text().unwrap_or_default() {
            "text" => {
                let start = self.characters;
                self.text(block.text, out)?;
                let citations = block.citations.map(parse::<Vec<CitedSource>>).transpose()?.unwrap_or_default();
                OpenKind::Text { start, citations: citations.into_iter().filter_map(citation).collect() }
            }
            "thinking" => {
                reasoning(block.thinking, out)?;
                signature(block.signature, out)?;
                OpenKind::Other
            }
            "redacted_thinking" => {
                if let Some(data) = string(block.data)? {
                    out.event(Event::RedactedReasoning { choice: CHOICE, data });
                }
                OpenKind::Other
            }
            "tool_use" => self.open_call(block, out)?,
            _ => OpenKind::Other,
        };
        self.open.push(OpenBlock { index, kind });
        Ok(())
    }

    fn open_call(&mut self, block: Piece<'_>, out: &mut dyn EventSink) -> Result<OpenKind, StreamFault> {
        let call = self.calls;
        self.calls += 1;
        let id = string(block.id)?.unwrap_or_else(|| Cow::Owned(format!("call_{}_{call}", self.id)));
        let name = string(block.name)?.unwrap_or_default();
        out.event(Event::ToolCallStart { choice: CHOICE, index: call, id, name, signature: None });
        let arguments = block.input.map(|input| input.get().trim()).filter(|input| *input != "null");
        Ok(OpenKind::Tool { call, arguments: Some(arguments.unwrap_or("{}").to_owned()) })
    }

    /// `content_block_delta`. Kinds not known are passed over.
    pub(super) fn delta(
        &mut self,
        index: Option<u64>,
        delta: Piece<'_>,
        out: &mut dyn EventSink,
    ) -> Result<(), StreamFault> {
        match delta.kind.text().unwrap_or_default() {
            "text_delta" => self.text(delta.text, out),
            "thinking_delta" => reasoning(delta.thinking, out),
            "signature_delta" => signature(delta.signature, out),
            "input_json_delta" => self.call_arguments(index, delta.partial_json, out),
            "citations_delta" => {
                let added = delta.citation.map(parse::<CitedSource>).transpose()?.and_then(citation);
                if let Some(OpenKind::Text { citations, .. }) = self.block(index) {
                    citations.extend(added);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// `content_block_stop`. A block that is not open closes nothing.
    pub(super) fn close_block(&mut self, index: Option<u64>, out: &mut dyn EventSink) {
        if let Some(at) = self.position(index) {
            let block = self.open.remove(at);
            self.close(block, out);
        }
    }

    /// `message_delta`.
    pub(super) fn message_delta(
        &mut self,
        delta: Option<Piece<'_>>,
        usage: Option<&RawValue>,
        out: &mut dyn EventSink,
    ) -> Result<(), StreamFault> {
        if let Some(delta) = delta {
            self.set_stop_reason(string(delta.stop_reason)?.as_deref());
        }
        if let Some(usage) = usage {
            self.usage.update(parse(usage)?);
            self.is_output_counted = true;
            out.event(Event::Usage(Box::new(self.usage.to_usage())));
        }
        Ok(())
    }

    /// `message_stop`: the only place where an answer is called complete.
    pub(super) fn finish(&mut self, out: &mut dyn EventSink) {
        for block in std::mem::take(&mut self.open) {
            self.close(block, out);
        }
        if !self.is_output_counted && !self.usage.is_empty() {
            out.event(Event::Usage(Box::new(self.usage.to_usage())));
        }
        let (reason, native) = self.finish_reason();
        out.event(Event::Finish { choice: CHOICE, reason, native: native.map(Cow::Borrowed) });
    }

    /// The reason and, where it says more, Anthropic's own word.
    /// Calls make an answer wait for results whatever it says, except that it was cut or refused.
    fn finish_reason(&self) -> (FinishReason, Option<&str>) {
        let done = if self.calls > 0 { FinishReason::ToolCalls } else { FinishReason::Stop };
        match self.stop_reason.as_deref() {
            None | Some("end_turn") => (done, None),
            Some("tool_use") => (FinishReason::ToolCalls, None),
            Some("max_tokens") => (FinishReason::Length, None),
            Some(native @ ("model_context_window_exceeded" | "compaction")) => (FinishReason::Length, Some(native)),
            Some(native @ "refusal") => (FinishReason::ContentFilter, Some(native)),
            // `stop_sequence`, `pause_turn`, and words of tomorrow.
            Some(native) => (done, Some(native)),
        }
    }

    fn set_stop_reason(&mut self, reason: Option<&str>) {
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            self.stop_reason = Some(reason.to_owned());
        }
    }

    fn text(&mut self, text: Scalar<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        if let Some(text) = string(text)? {
            self.characters += text.chars().count();
            out.event(Event::Text { choice: CHOICE, text });
        }
        Ok(())
    }

    fn call_arguments(
        &mut self,
        index: Option<u64>,
        fragment: Scalar<'_>,
        out: &mut dyn EventSink,
    ) -> Result<(), StreamFault> {
        // Searches run by the server stream their arguments too; they are no calls of the client's.
        if let Some(OpenKind::Tool { call, arguments }) = self.block(index)
            && let Some(fragment) = string(fragment)?
        {
            // The `input` of the start was a placeholder, not the beginning of the arguments.
            *arguments = None;
            out.event(Event::ToolCallArguments { choice: CHOICE, index: *call, fragment });
        }
        Ok(())
    }

    fn close(&mut self, block: OpenBlock, out: &mut dyn EventSink) {
        match block.kind {
            OpenKind::Tool { call, arguments: Some(arguments) } => {
                out.event(Event::ToolCallArguments { choice: CHOICE, index: call, fragment: arguments.into() });
            }
            OpenKind::Text { start, citations } if !citations.is_empty() => {
                let cites_block = |citation| Citation { start: Some(start), end: Some(self.characters), ..citation };
                self.citations.extend(citations.into_iter().map(cites_block));
                out.event(Event::Citations(self.citations.clone()));
            }
            OpenKind::Tool { arguments: None, .. } | OpenKind::Text { .. } | OpenKind::Other => {}
        }
    }

    fn block(&mut self, index: Option<u64>) -> Option<&mut OpenKind> {
        let at = self.position(index)?;
        Some(&mut self.open[at].kind)
    }

    /// The open block with this index; without one, the block opened last.
    fn position(&self, index: Option<u64>) -> Option<usize> {
        match index {
            Some(_) => self.open.iter().rposition(|block| block.index == index),
            None => self.open.len().checked_sub(1),
        }
    }
}

fn reasoning(text: Scalar<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
    if let Some(text) = string(text)? {
        out.event(Event::Reasoning { choice: CHOICE, text });
    }
    Ok(())
}

fn signature(signature: Scalar<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
    if let Some(signature) = string(signature)? {
        out.event(Event::ReasoningSignature { choice: CHOICE, signature });
    }
    Ok(())
}

/// A source with an address; places inside documents of the request have none.
fn citation(source: CitedSource) -> Option<Citation> {
    let url = source.url.or(source.source)?;
    Some(Citation { url, title: source.title, start: None, end: None })
}

/// A string that is there and not empty. Empty fragments are legal everywhere and mean nothing.
fn string(field: Scalar<'_>) -> Result<Option<Cow<'_, str>>, StreamFault> {
    match field {
        Scalar::Absent => Ok(None),
        Scalar::Text(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Scalar::Integer(_) | Scalar::Float(_) | Scalar::Bool(_) => {
            Err(StreamFault::Malformed("a field that should hold a text holds something else".to_owned()))
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, StreamFault> {
    serde_json::from_str(raw.get()).map_err(malformed)
}

/// Serde's errors name places and types, never content.
pub(super) fn malformed(error: serde_json::Error) -> StreamFault {
    StreamFault::Malformed(error.to_string())
}
