//! Reading an answer into events: one state machine for whole answers and streams, so that both give the same result.
//!
//! Finish reasons are held back to the end. Providers put them on every chunk, send `""`, or say `stop` after tool calls;
//! only the last word counts, seen together with everything that came before.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::calls::{Calls, MAX_CALLS, Place};
use super::sources::Sources;
use super::wire::{Answer, Choice, Content, Said};
use super::{error, usage};
use crate::chat::{Event, EventSink, FinishReason, Start};
use crate::protocol::{ErrorKind, ProviderError, StreamFault};

/// OpenAI allows 128 alternatives; a larger index is garbage, and must not make anyone allocate for it.
const MAX_CHOICES: i64 = 128;

/// Reads the pieces of one answer in order.
#[derive(Debug, Default)]
pub(super) struct AnswerReader {
    started: bool,
    /// The answer's id, or the time it was made: what ids of tool calls without one are made from.
    seed: String,
    service_tier: Option<String>,
    choices: Vec<ChoiceState>,
    sources: Sources,
}

#[derive(Debug, Default)]
struct ChoiceState {
    index: u32,
    calls: Calls,
    finish: Option<FinishReason>,
    native: Option<String>,
}

/// How an answer came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It came in one piece.
    Whole,
    /// The stream's terminator came.
    Terminator,
    /// The stream was closed without a terminator.
    Closed,
}

impl AnswerReader {
    /// Reads a whole answer or a chunk of a stream.
    pub(super) fn read(
        &mut self,
        answer: Answer<'_>,
        body: &[u8],
        whole: bool,
        out: &mut dyn EventSink,
    ) -> Result<(), StreamFault> {
        let groq = answer.x_groq.unwrap_or_default();
        for raw in [answer.error, groq.error].into_iter().flatten() {
            if error::is_error(raw.get()) {
                return Err(StreamFault::Provider(error::decode_inner(200, raw.get())));
            }
        }
        let usage = answer.usage.or(groq.usage);
        if answer.object.text() == Some("error") {
            return Err(StreamFault::Provider(error::decode(200, body)));
        }
        if answer.choices.is_none() && usage.is_none() && answer.object.text().is_none() && answer.id.text().is_none() {
            return Err(error::no_answer(body, "JSON that is neither an answer nor an error"));
        }
        let choices = answer.choices.unwrap_or_default();
        // Azure opens with a chunk that has empty names and no choices; the real ones follow.
        if !self.started && (answer.id.text().is_some() || !choices.is_empty()) {
            self.started = true;
            let created = answer.created.integer().filter(|seconds| *seconds > 0);
            self.seed = answer.id.text().map_or_else(|| created.unwrap_or(0).to_string(), str::to_owned);
            out.event(Event::Start(Start {
                id: answer.id.into_text(),
                model: answer.model.into_text(),
                created,
                fingerprint: answer.system_fingerprint.into_text(),
            }));
        }
        self.sources.remember(answer.citations, answer.search_results);
        for choice in choices {
            self.read_choice(choice, whole, out)?;
        }
        if let Some(tier) = answer.service_tier.text()
            && self.service_tier.as_deref() != Some(tier)
        {
            self.service_tier = Some(tier.to_owned());
        }
        if let Some(usage) = usage.and_then(|raw| usage::decode(raw, self.service_tier.as_deref())) {
            out.event(Event::Usage(Box::new(usage)));
        }
        Ok(())
    }

    /// How many alternative answers there are.
    pub(super) fn n_choices(&self) -> usize {
        self.choices.iter().map(|choice| choice.index as usize + 1).max().unwrap_or(0)
    }

    /// The answer is complete: hands out what waited for it.
    pub(super) fn complete(&mut self, ending: Ending, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        if ending == Ending::Closed
            && (self.choices.is_empty() || self.choices.iter().any(|choice| choice.finish.is_none()))
        {
            return Err(StreamFault::Truncated);
        }
        if self.choices.is_empty() {
            return Err(StreamFault::Malformed("an answer without choices".to_owned()));
        }
        for choice in &mut self.choices {
            choice.calls.finish(choice.index, out);
        }
        let citations = self.sources.citations();
        if !citations.is_empty() {
            out.event(Event::Citations(citations));
        }
        for choice in &mut self.choices {
            let reason = match choice.finish {
                Some(FinishReason::Stop) | None if !choice.calls.is_empty() => FinishReason::ToolCalls,
                Some(reason) => reason,
                // Older llama.cpp servers send no reason, but do send the terminator.
                None if ending == Ending::Terminator => FinishReason::Stop,
                None => continue,
            };
            let native = choice.native.take().filter(|word| word != reason.as_str());
            out.event(Event::Finish { choice: choice.index, reason, native: native.map(Cow::Owned) });
        }
        Ok(())
    }

    fn read_choice(&mut self, choice: Choice<'_>, whole: bool, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        if let Some(raw) = choice.error.filter(|raw| error::is_error(raw.get())) {
            return Err(StreamFault::Provider(error::decode_inner(200, raw.get())));
        }
        let index = choice.index.integer().unwrap_or(0);
        if !(0..MAX_CHOICES).contains(&index) {
            return Err(StreamFault::Malformed(format!("a choice with index {index}")));
        }
        let index = u32::try_from(index).unwrap_or(0);
        let at = self.choices.iter().position(|state| state.index == index).unwrap_or_else(|| {
            self.choices.push(ChoiceState { index, ..ChoiceState::default() });
            self.choices.len() - 1
        });
        // Perplexity repeats the whole message beside each delta.
        let said = if whole { choice.message.or(choice.delta) } else { choice.delta.or(choice.message) };
        if let Some(text) = choice.text.into_text() {
            out.event(Event::Text { choice: index, text });
        }
        let state = &mut self.choices[at];
        if let Some(said) = said {
            if let Some(raw) = said.annotations {
                self.sources.annotate(raw);
            }
            read_said(said, Place { choice: index, whole, seed: &self.seed }, &mut state.calls, out)?;
        }
        if let Some(content) = choice.logprobs.and_then(logprobs) {
            out.event(Event::Logprobs { choice: index, content });
        }
        if let Some(word) = choice.finish_reason.text() {
            let reason = finish_reason(word)?;
            state.finish = Some(reason);
            state.native = Some(choice.native_finish_reason.text().unwrap_or(word).to_owned());
        }
        Ok(())
    }
}

fn read_said(said: Said<'_>, place: Place<'_>, calls: &mut Calls, out: &mut dyn EventSink) -> Result<(), StreamFault> {
    let choice = place.choice;
    // Servers that write both names write the same text twice.
    if let Some(text) = said.reasoning_content.into_text().or_else(|| said.reasoning.into_text()) {
        out.event(Event::Reasoning { choice, text });
    }
    read_content(said.content, choice, out);
    if let Some(text) = said.refusal.into_text() {
        out.event(Event::Refusal { choice, text });
    }
    for call in said.tool_calls.into_iter().flatten() {
        calls.push(call, place, out);
    }
    if let Some(function) = said.function_call {
        calls.push_legacy(function, place, out);
    }
    if calls.len() > MAX_CALLS {
        return Err(StreamFault::Malformed(format!("more than {MAX_CALLS} tool calls")));
    }
    Ok(())
}

fn read_content(content: Content<'_>, choice: u32, out: &mut dyn EventSink) {
    match content {
        Content::Absent => {}
        Content::Text(text) => {
            if !text.is_empty() {
                out.event(Event::Text { choice, text });
            }
        }
        Content::Chunks(chunks) => {
            for chunk in chunks {
                read_thinking(chunk.thinking, choice, out);
                if let Some(text) = chunk.text.into_text() {
                    out.event(Event::Text { choice, text });
                }
            }
        }
    }
}

fn read_thinking(thinking: Content<'_>, choice: u32, out: &mut dyn EventSink) {
    match thinking {
        Content::Absent => {}
        Content::Text(text) => {
            if !text.is_empty() {
                out.event(Event::Reasoning { choice, text });
            }
        }
        Content::Chunks(chunks) => {
            for text in chunks.into_iter().filter_map(|chunk| chunk.text.into_text()) {
                out.event(Event::Reasoning { choice, text });
            }
        }
    }
}

fn logprobs(raw: &serde_json::value::RawValue) -> Option<Vec<Value>> {
    #[derive(Deserialize)]
    struct Logprobs {
        content: Option<Vec<Value>>,
    }
    serde_json::from_str::<Logprobs>(raw.get()).ok()?.content.filter(|content| !content.is_empty())
}

/// What a provider's word for the end amounts to. Words nobody knows mean that the model was done.
fn finish_reason(word: &str) -> Result<FinishReason, StreamFault> {
    let reason = match word.to_ascii_lowercase().as_str() {
        "length" | "model_length" | "max_tokens" | "max_output_tokens" => FinishReason::Length,
        "tool_calls" | "tool_call" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "content_filter" | "safety" | "error_toxic" | "refusal" => FinishReason::ContentFilter,
        "error" => return Err(failed("the provider ended the answer with an error and did not say which", 502)),
        "insufficient_system_resource" => {
            return Err(failed("the provider ran out of resources in the middle of the answer", 503));
        }
        _ => FinishReason::Stop,
    };
    Ok(reason)
}

fn failed(message: &str, status: u16) -> StreamFault {
    StreamFault::Provider(ProviderError {
        status,
        kind: ErrorKind::from_status(status),
        message: message.to_owned(),
        code: None,
        param: None,
        retry_after: None,
    })
}
