//! OpenAI's legacy prompt completions, towards clients: the prompt becomes one user message, the answer's text comes back.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error;
use super::json;
use super::request::{Known, decode_shared, empty_is_eof};
use super::response::{answer_id, finish_word};
use super::stream::{ChunkFrame, DONE};
use super::usage::UsageOut;
use crate::chat::{ChatRequest, ChatResponse, Event, FinishReason, Message, Role, Start};
use crate::clock::{Timing, UnixNanos};
use crate::protocol::envelope::Envelope;
use crate::protocol::{ApiError, DecodeError, EventEncoder, ReplyContext};

const KNOWN: Known = Known(&["prompt", "suffix", "echo", "best_of", "logprobs"]);

const ID_PREFIX: &str = "cmpl-";
const OBJECT: &str = "text_completion";

#[derive(Deserialize)]
#[serde(untagged)]
enum Prompt {
    Text(String),
    Texts(Vec<String>),
    Other(serde::de::IgnoredAny),
}

/// Reads `POST /v1/completions`. OpenAI's default of 16 tokens is not imposed: Ollama has none, nor do people expect it.
pub(super) fn decode(body: &[u8]) -> Result<ChatRequest, DecodeError> {
    empty_is_eof(body)?;
    let envelope = Envelope::parse(body)?;
    let mut request = decode_shared(&envelope, &KNOWN)?;
    request.messages = vec![Message::text(Role::User, decode_prompt(&envelope)?)];
    request.suffix = envelope.read::<String>("suffix")?.filter(|suffix| !suffix.is_empty());
    request.logprobs = envelope.read("logprobs")?;
    if envelope.read("echo")? == Some(true) {
        return Err(DecodeError::field("echo", "`echo` is not supported"));
    }
    if envelope.read::<u32>("best_of")?.is_some_and(|n| n > 1) {
        return Err(DecodeError::field("best_of", "`best_of` greater than 1 is not supported"));
    }
    Ok(request)
}

fn decode_prompt(envelope: &Envelope<'_>) -> Result<String, DecodeError> {
    let fault = |message: &str| DecodeError::field("prompt", message);
    match envelope.read::<Prompt>("prompt")? {
        Some(Prompt::Text(text)) => Ok(text),
        Some(Prompt::Texts(texts)) => match <[String; 1]>::try_from(texts) {
            Ok([text]) => Ok(text),
            Err(_) => Err(fault("`prompt` must be one text: several prompts in one request are not supported")),
        },
        Some(Prompt::Other(_)) => Err(fault("`prompt` must be a text: token ids are not supported")),
        None => Err(fault("`prompt` is missing")),
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    id: Cow<'a, str>,
    object: &'static str,
    created: i64,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_fingerprint: Option<&'a str>,
    choices: Vec<ChoiceOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageOut>,
}

#[derive(Serialize)]
struct ChoiceOut {
    text: String,
    index: usize,
    logprobs: Option<LogprobsOut>,
    finish_reason: &'static str,
}

/// The older shape: parallel lists.
#[derive(Default, Serialize)]
struct LogprobsOut {
    tokens: Vec<Value>,
    token_logprobs: Vec<Value>,
    top_logprobs: Vec<Value>,
    text_offset: Vec<usize>,
}

impl LogprobsOut {
    /// From the chat shape; `None` when there are none. Offsets count characters of the answer.
    fn new(content: &[Value], mut offset: usize) -> Option<Self> {
        if content.is_empty() {
            return None;
        }
        let mut lists = Self::default();
        for token in content {
            let text = token.get("token").and_then(Value::as_str).unwrap_or_default();
            let alternatives = token.get("top_logprobs").and_then(Value::as_array);
            let alternatives: Map<String, Value> = alternatives
                .into_iter()
                .flatten()
                .filter_map(|one| Some((one.get("token")?.as_str()?.to_owned(), one.get("logprob")?.clone())))
                .collect();
            lists.tokens.push(Value::from(text));
            lists.token_logprobs.push(token.get("logprob").cloned().unwrap_or_default());
            lists.top_logprobs.push(Value::Object(alternatives));
            lists.text_offset.push(offset);
            offset += text.chars().count();
        }
        Some(lists)
    }
}

/// Writes a whole answer.
pub(super) fn encode(context: &ReplyContext, response: &ChatResponse) -> Vec<u8> {
    let choices = response.choices.iter().enumerate().map(|(index, choice)| ChoiceOut {
        text: choice.text(),
        index,
        logprobs: LogprobsOut::new(&choice.logprobs, 0),
        finish_reason: finish_word(choice.finish, false),
    });
    let answer = Answer {
        id: answer_id(ID_PREFIX, response.id.as_deref(), context),
        object: OBJECT,
        created: response.created.unwrap_or_else(|| context.started.seconds()),
        model: &context.model,
        system_fingerprint: response.fingerprint.as_deref(),
        choices: choices.collect(),
        usage: UsageOut::new(&response.usage),
    };
    let mut out = Vec::new();
    json::write(&mut out, &answer);
    out
}

/// Writes a streamed answer: chunks have the whole answer's shape, and the finish reason stands on a last, empty text.
#[derive(Debug)]
pub(super) struct CompletionsEncoder {
    context: ReplyContext,
    frame: Option<ChunkFrame>,
    /// Why each choice ended, by index; written at the end.
    finishes: Vec<(u32, FinishReason)>,
    usage: Option<UsageOut>,
}

impl CompletionsEncoder {
    pub(super) fn new(context: ReplyContext) -> Self {
        Self { context, frame: None, finishes: Vec::new(), usage: None }
    }

    fn frame(&mut self, start: &Start<'_>) -> &ChunkFrame {
        let context = &self.context;
        self.frame.get_or_insert_with(|| {
            let id = answer_id(ID_PREFIX, start.id.as_deref(), context);
            ChunkFrame::new(OBJECT, &id, start, context)
        })
    }

    fn chunk(&mut self, choice: u32, text: &str, logprobs: &[Value], finish: Option<&str>, out: &mut Vec<u8>) {
        let frame = self.frame(&Start::default());
        frame.open_choice(choice, out);
        out.extend_from_slice(b",\"text\":");
        json::write(out, text);
        out.extend_from_slice(b",\"logprobs\":");
        json::write(out, &LogprobsOut::new(logprobs, 0));
        out.extend_from_slice(b",\"finish_reason\":");
        json::write(out, &finish);
        out.push(b'}');
        frame.close(out);
    }
}

impl EventEncoder for CompletionsEncoder {
    fn push(&mut self, event: &Event<'_>, _now: UnixNanos, out: &mut Vec<u8>) {
        match event {
            Event::Start(start) => {
                self.frame(start);
            }
            Event::Text { choice, text } => self.chunk(*choice, text, &[], None, out),
            Event::Logprobs { choice, content } => self.chunk(*choice, "", content, None, out),
            Event::Finish { choice, reason, native: _ } => self.finishes.push((*choice, *reason)),
            Event::Usage(usage) => self.usage = UsageOut::new(usage),
            // A prompt completion is text and nothing else.
            Event::Reasoning { .. }
            | Event::ReasoningSignature { .. }
            | Event::RedactedReasoning { .. }
            | Event::Refusal { .. }
            | Event::ToolCallStart { .. }
            | Event::ToolCallArguments { .. }
            | Event::Citations(_) => {}
        }
    }

    fn finish(&mut self, _timing: Timing, out: &mut Vec<u8>) {
        for (choice, reason) in std::mem::take(&mut self.finishes) {
            self.chunk(choice, "", &[], Some(finish_word(Some(reason), false)), out);
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

#[cfg(test)]
mod tests;
