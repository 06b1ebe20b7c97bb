//! Answers, frame by frame. A whole answer is read as a stream of one frame, so both always mean the same.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::candidate::Candidate;
use super::generation::Generation;
use super::ids::CallIds;
use super::usage::{self, Report};
use super::wire::{Answer, PromptFeedback};
use super::{error, wire};
use crate::chat::{Event, EventSink, FinishReason, Start};
use crate::protocol::framing::{self, Frame};
use crate::protocol::{EventDecoder, StreamFault};

/// Gemini gives at most eight alternatives; a larger index is no answer of its.
const MAX_CANDIDATES: u32 = 8;

/// Reads an answer. There is no terminator: the end of the stream is one if every candidate has its finish reason.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    started: bool,
    generation: Option<Generation>,
    candidates: Vec<Candidate>,
    ids: CallIds,
    /// What the answer took so far, as last handed out.
    report: Report,
    /// The prompt was refused for this reason.
    blocked: Option<String>,
}

impl Decoder {
    /// Reads the JSON of a frame or of a whole answer.
    pub(super) fn read(&mut self, json: &[u8], out: &mut dyn EventSink) -> Result<(), StreamFault> {
        let json = framing::text(json)?.trim();
        // Errors come wrapped in an array at times, and a stream asked for without `alt=sse` is one.
        if json.starts_with('[') {
            parse::<Vec<Answer<'_>>>(json)?.into_iter().try_for_each(|answer| self.answer(answer, out))
        } else {
            self.answer(parse(json)?, out)
        }
    }

    fn answer(&mut self, answer: Answer<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        if let Some(fault) = answer.error {
            return Err(StreamFault::Provider(error::from_stream(fault.get())));
        }
        self.start(&answer, out);
        for candidate in answer.candidates.into_iter().flatten() {
            self.candidate(candidate, out)?;
        }
        if let Some(feedback) = answer.prompt_feedback {
            self.feedback(feedback, out);
        }
        self.report_usage(answer.usage_metadata, out)
    }

    fn start(&mut self, answer: &Answer<'_>, out: &mut dyn EventSink) {
        if self.started {
            return;
        }
        self.started = true;
        let id = answer.response_id.as_ref().map(|id| id.0.as_ref());
        let model = answer.model_version.as_ref().map(|model| model.0.as_ref());
        self.ids.belong_to(id);
        self.generation = model.and_then(Generation::of);
        out.event(Event::Start(Start {
            id: id.map(Cow::Borrowed),
            model: model.map(Cow::Borrowed),
            created: None,
            fingerprint: None,
        }));
    }

    fn candidate(&mut self, candidate: wire::Candidate<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        let choice = candidate.index.unwrap_or_default();
        if choice >= MAX_CANDIDATES {
            return Err(StreamFault::Malformed(format!("a candidate with the index {choice}")));
        }
        let known = u32::try_from(self.candidates.len()).unwrap_or(u32::MAX);
        self.candidates.extend((known..=choice).map(Candidate::new));
        match self.candidates.iter_mut().find(|known| known.choice() == choice) {
            Some(known) => known.read(candidate, &mut self.ids, out),
            None => Ok(()),
        }
    }

    /// A refused prompt is an answer, if an empty one: the client is told, and the prompt was paid for.
    fn feedback(&mut self, feedback: PromptFeedback<'_>, out: &mut dyn EventSink) {
        let Some(reason) = feedback.block_reason else { return };
        if !self.candidates.is_empty() || self.blocked.is_some() {
            return;
        }
        let text = match feedback.block_reason_message {
            Some(message) => message.0,
            None => format!("the prompt was blocked by the provider: {}", reason.0).into(),
        };
        out.event(Event::Refusal { choice: 0, text });
        self.blocked = Some(reason.0.into_owned());
    }

    fn is_complete(&self) -> bool {
        if self.candidates.is_empty() {
            self.blocked.is_some()
        } else {
            self.candidates.iter().all(Candidate::is_finished)
        }
    }

    fn report_usage(&mut self, metadata: Option<&RawValue>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        let queries = self.candidates.iter().filter_map(Candidate::queries).reduce(u64::saturating_add);
        let searches = queries.map(|queries| usage::searches(queries, self.generation));
        if self.report.update(metadata.map(RawValue::get), self.is_complete(), searches) {
            out.event(Event::Usage(Box::new(self.report.decode()?)));
        }
        Ok(())
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(json: &'a str) -> Result<T, StreamFault> {
    serde_json::from_str(json).map_err(|error| StreamFault::Malformed(error.to_string()))
}

impl EventDecoder for Decoder {
    fn push(&mut self, frame: Frame<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        let data = frame.data.trim_ascii();
        // Servers that imitate Gemini end with OpenAI's terminator at times.
        if data.is_empty() || data == b"[DONE]" { Ok(()) } else { self.read(data, out) }
    }

    fn finish(&mut self, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        if let Some(reason) = self.blocked.take_if(|_| self.candidates.is_empty()) {
            let native = Some(reason.into());
            out.event(Event::Finish { choice: 0, reason: FinishReason::ContentFilter, native });
            return Ok(());
        }
        if !self.is_complete() {
            return Err(if self.started && self.candidates.is_empty() {
                StreamFault::Malformed("neither a candidate nor a reason why there is none".to_owned())
            } else {
                StreamFault::Truncated
            });
        }
        for candidate in &self.candidates {
            candidate.finish(out);
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        // Grounding and usage may follow the finish reason: only the end of the stream is the end.
        false
    }
}

#[cfg(test)]
mod tests;
