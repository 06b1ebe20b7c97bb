//! One line of an answer as Ollama writes it. Written straight into the output: this runs once per token.
//!
//! Key order and what is left out when empty are Ollama's (`api/types.go`); some clients compare texts.

use serde::Serialize;
use serde_json::Value;

use crate::chat::ToolCall;
use crate::clock::{Timing, UnixNanos};
use crate::protocol::ollama::arguments;

/// Which of the two answer formats a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol::ollama) enum Shape {
    /// `message.content`.
    Chat,
    /// `response`.
    Generate,
}

/// What a line says; empty parts are left out, except the text.
#[derive(Debug, Default)]
pub(in crate::protocol::ollama) struct Line<'a> {
    pub(in crate::protocol::ollama) text: &'a str,
    pub(in crate::protocol::ollama) thinking: &'a str,
    pub(in crate::protocol::ollama) tool_calls: &'a [ToolCall],
    pub(in crate::protocol::ollama) logprobs: &'a [Value],
    /// The answer is complete with this line.
    pub(in crate::protocol::ollama) done: Option<Done>,
}

/// The end of an answer.
#[derive(Debug)]
pub(in crate::protocol::ollama) struct Done {
    /// `stop`, `length`, `load`, `unload`.
    pub(in crate::protocol::ollama) reason: &'static str,
    /// Left out of load and unload answers.
    pub(in crate::protocol::ollama) metrics: Option<Metrics>,
}

/// What an answer took. Durations are nanoseconds; zero values are left out, as Ollama does.
#[derive(Debug, Default, Serialize)]
pub(in crate::protocol::ollama) struct Metrics {
    #[serde(skip_serializing_if = "is_zero")]
    total_duration: i64,
    #[serde(skip_serializing_if = "is_zero")]
    load_duration: i64,
    #[serde(skip_serializing_if = "is_absent")]
    prompt_eval_count: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    prompt_eval_duration: i64,
    #[serde(skip_serializing_if = "is_absent")]
    eval_count: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    eval_duration: i64,
}

fn is_zero(duration: &i64) -> bool {
    *duration == 0
}

fn is_absent(count: &Option<u64>) -> bool {
    count.unwrap_or(0) == 0
}

impl Metrics {
    /// Durations of at least one nanosecond: Open WebUI divides by them.
    pub(in crate::protocol::ollama) fn new(
        timing: Timing,
        prompt_tokens: Option<u64>,
        answer_tokens: Option<u64>,
    ) -> Self {
        let between = |from: UnixNanos, to: UnixNanos| to.0.saturating_sub(from.0).max(1);
        let first_token = timing.first_token.unwrap_or(timing.ended);
        Self {
            total_duration: between(timing.started, timing.ended),
            // Nothing is loaded here, but clients expect the key.
            load_duration: 1,
            prompt_eval_count: prompt_tokens,
            prompt_eval_duration: between(timing.started, first_token),
            eval_count: answer_tokens,
            eval_duration: between(first_token, timing.ended),
        }
    }

    /// The metrics of an embedding, which generates nothing.
    pub(in crate::protocol::ollama) fn of_embedding(timing: Timing, prompt_tokens: Option<u64>) -> Self {
        Self { prompt_eval_duration: 0, eval_duration: 0, ..Self::new(timing, prompt_tokens, None) }
    }

    /// Appends the metrics as further keys of an object that already has some.
    pub(in crate::protocol::ollama) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        write_json(self, out);
        // The braces go: `{"a":1}` becomes `,"a":1`. There is always one key, the total.
        out[start] = b',';
        out.pop();
    }
}

/// How every line of an answer begins: with the model's name and the time. Many events come in one read and bear the
/// same time, which is written anew only when it is another.
#[derive(Debug)]
pub(in crate::protocol::ollama) struct LineHead {
    /// `{"model":…,"created_at":"…"`
    json: Vec<u8>,
    /// How long `json` is without time and closing quote.
    n_constant: usize,
    written: Option<UnixNanos>,
}

impl LineHead {
    /// `model` is the name as the client sent it.
    pub(in crate::protocol::ollama) fn new(model: &str) -> Self {
        let mut json = Vec::with_capacity(96);
        json.extend_from_slice(b"{\"model\":");
        write_json(model, &mut json);
        json.extend_from_slice(b",\"created_at\":\"");
        Self { n_constant: json.len(), json, written: None }
    }

    /// The head of a line made at this time.
    pub(in crate::protocol::ollama) fn at(&mut self, now: UnixNanos) -> &[u8] {
        if self.written != Some(now) {
            self.written = Some(now);
            self.json.truncate(self.n_constant);
            self.json.extend_from_slice(now.to_rfc3339().as_bytes());
            self.json.push(b'"');
        }
        &self.json
    }
}

impl Line<'_> {
    /// Appends the line without its line end.
    pub(in crate::protocol::ollama) fn write(&self, shape: Shape, head: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(head);
        match shape {
            Shape::Chat => {
                out.extend_from_slice(b",\"message\":{\"role\":\"assistant\",\"content\":");
                write_json(self.text, out);
                self.write_thinking(out);
                self.write_tool_calls(out);
                out.push(b'}');
                self.write_done(out);
                self.write_logprobs(out);
                self.write_metrics(out);
            }
            Shape::Generate => {
                out.extend_from_slice(b",\"response\":");
                write_json(self.text, out);
                self.write_thinking(out);
                self.write_done(out);
                self.write_metrics(out);
                self.write_tool_calls(out);
                self.write_logprobs(out);
            }
        }
        out.push(b'}');
    }

    fn write_thinking(&self, out: &mut Vec<u8>) {
        if !self.thinking.is_empty() {
            out.extend_from_slice(b",\"thinking\":");
            write_json(self.thinking, out);
        }
    }

    fn write_tool_calls(&self, out: &mut Vec<u8>) {
        for (index, call) in self.tool_calls.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b",\"tool_calls\":[{\"id\":" } else { b",{\"id\":" });
            write_json(&call.id, out);
            out.extend_from_slice(b",\"function\":{\"index\":");
            write_json(&index, out);
            out.extend_from_slice(b",\"name\":");
            write_json(&call.name, out);
            out.extend_from_slice(b",\"arguments\":");
            out.extend_from_slice(arguments::object(&call.arguments).get().as_bytes());
            out.extend_from_slice(b"}}");
        }
        if !self.tool_calls.is_empty() {
            out.push(b']');
        }
    }

    fn write_done(&self, out: &mut Vec<u8>) {
        match &self.done {
            None => out.extend_from_slice(b",\"done\":false"),
            Some(done) => {
                out.extend_from_slice(b",\"done\":true,\"done_reason\":");
                write_json(done.reason, out);
            }
        }
    }

    fn write_logprobs(&self, out: &mut Vec<u8>) {
        if !self.logprobs.is_empty() {
            out.extend_from_slice(b",\"logprobs\":");
            write_json(self.logprobs, out);
        }
    }

    fn write_metrics(&self, out: &mut Vec<u8>) {
        if let Some(metrics) = self.done.as_ref().and_then(|done| done.metrics.as_ref()) {
            metrics.write(out);
        }
    }
}

/// Appends a value as JSON.
pub(in crate::protocol::ollama) fn write_json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("plain data always serialises into memory");
}
