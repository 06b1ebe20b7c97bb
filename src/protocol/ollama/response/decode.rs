//! Answers of an Ollama server, chat and generate alike: a stream line by line, or one whole object.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::chat::{ChatResponse, Event, EventSink, FinishReason, ResponseBuilder, Start};
use crate::protocol::framing::{self, Frame};
use crate::protocol::lenient::{self, Fields};
use crate::protocol::{EventDecoder, StreamFault};

use super::usage;
use crate::protocol::ollama::arguments::call_id;
use crate::protocol::ollama::error;

/// A text that borrows from the line where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A line of a stream, or a whole answer: they have the same keys.
#[derive(Default)]
struct WireLine<'a> {
    model: Option<Text<'a>>,
    created_at: Option<Text<'a>>,
    /// Chat puts the answer here, generate beside it.
    message: Option<WireMessage<'a>>,
    response: Option<Text<'a>>,
    thinking: Option<Text<'a>>,
    tool_calls: Option<Vec<WireCall<'a>>>,
    logprobs: Option<Vec<Value>>,
    done: Option<bool>,
    done_reason: Option<Text<'a>>,
    error: Option<&'a RawValue>,
}

impl<'de> Fields<'de> for WireLine<'de> {
    fn read<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "model" => self.model = map.next_value()?,
            "created_at" => self.created_at = map.next_value()?,
            "message" => lenient::next_object(map, &mut self.message)?,
            "response" => self.response = map.next_value()?,
            "thinking" => self.thinking = map.next_value()?,
            "tool_calls" => self.tool_calls = map.next_value()?,
            "logprobs" => self.logprobs = map.next_value()?,
            "done" => self.done = map.next_value()?,
            "done_reason" => self.done_reason = map.next_value()?,
            "error" => self.error = map.next_value()?,
            _ => lenient::skip(map)?,
        }
        Ok(())
    }
}

#[derive(Default)]
struct WireMessage<'a> {
    content: Option<Text<'a>>,
    thinking: Option<Text<'a>>,
    tool_calls: Option<Vec<WireCall<'a>>>,
}

impl<'de> Fields<'de> for WireMessage<'de> {
    fn read<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "content" => self.content = map.next_value()?,
            "thinking" => self.thinking = map.next_value()?,
            "tool_calls" => self.tool_calls = map.next_value()?,
            _ => lenient::skip(map)?,
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct WireCall<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    function: WireFunction<'a>,
}

#[derive(Deserialize)]
struct WireFunction<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// Reads the lines of one answer.
#[derive(Debug, Default)]
pub(in crate::protocol::ollama) struct Decoder {
    started: bool,
    done: bool,
    /// Calls seen so far: they number the calls, and decide what `stop` means.
    calls: u32,
    /// `created_at` of the first line: tells the calls of this answer from those of others.
    created_at: String,
}

impl EventDecoder for Decoder {
    fn push(&mut self, frame: Frame<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        if self.done {
            return Ok(());
        }
        let line: WireLine<'_> = lenient::from_str(framing::text(frame.data)?).map_err(error::malformed)?;
        self.line(line, frame.data, out)
    }

    fn finish(&mut self, _out: &mut dyn EventSink) -> Result<(), StreamFault> {
        if self.done { Ok(()) } else { Err(StreamFault::Truncated) }
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

impl Decoder {
    fn line(&mut self, line: WireLine<'_>, data: &[u8], out: &mut dyn EventSink) -> Result<(), StreamFault> {
        if let Some(told) = line.error {
            return Err(StreamFault::Provider(error::in_stream(told.get())));
        }
        let finish = line.done.unwrap_or(false).then(|| line.done_reason.map(|Text(reason)| reason));
        self.start(line.model, line.created_at, out);
        let message = line.message.unwrap_or_default();
        for Text(text) in [line.thinking, message.thinking].into_iter().flatten().filter(filled) {
            out.event(Event::Reasoning { choice: 0, text });
        }
        for Text(text) in [line.response, message.content].into_iter().flatten().filter(filled) {
            out.event(Event::Text { choice: 0, text });
        }
        for call in [line.tool_calls, message.tool_calls].into_iter().flatten().flatten() {
            self.call(call, out);
        }
        if let Some(content) = line.logprobs.filter(|content| !content.is_empty()) {
            out.event(Event::Logprobs { choice: 0, content });
        }
        if let Some(reason) = finish {
            self.done = true;
            let (reason, native) = self.finish_reason(reason);
            out.event(Event::Finish { choice: 0, reason, native });
            out.event(Event::Usage(Box::new(usage::of_answer(data).map_err(error::malformed)?)));
        }
        Ok(())
    }

    fn start(&mut self, model: Option<Text<'_>>, created_at: Option<Text<'_>>, out: &mut dyn EventSink) {
        if self.started {
            return;
        }
        self.started = true;
        let created_at = created_at.map(|Text(time)| time).unwrap_or_default();
        out.event(Event::Start(Start {
            id: None,
            model: model.filter(filled).map(|Text(model)| model),
            created: usage::seconds(&created_at),
            // What Ollama's own OpenAI face calls every answer.
            fingerprint: Some("fp_ollama".into()),
        }));
        self.created_at = created_at.into_owned();
    }

    fn call(&mut self, call: WireCall<'_>, out: &mut dyn EventSink) {
        let index = self.calls;
        self.calls += 1;
        let Text(name) = call.function.name;
        let arguments = call.function.arguments.map_or("{}".into(), |raw| arguments(raw.get()));
        let id = match call.id.filter(filled) {
            Some(Text(id)) => id,
            None => call_id(&[&self.created_at, &name, &arguments], index).into(),
        };
        out.event(Event::ToolCallStart { choice: 0, index, id, name, signature: None });
        out.event(Event::ToolCallArguments { choice: 0, index, fragment: arguments });
    }

    /// Ollama says `stop` after tool calls as well, and nothing at all when a connection was closed early on its side.
    fn finish_reason<'a>(&self, told: Option<Cow<'a, str>>) -> (FinishReason, Option<Cow<'a, str>>) {
        match told.as_deref().unwrap_or_default() {
            "length" => (FinishReason::Length, None),
            "" | "stop" if self.calls > 0 => (FinishReason::ToolCalls, None),
            "" | "stop" => (FinishReason::Stop, None),
            _ => (FinishReason::Stop, told),
        }
    }
}

/// The arguments as JSON text. Servers that imitate Ollama send OpenAI's text instead of an object.
fn arguments(raw: &str) -> Cow<'_, str> {
    match serde_json::from_str(raw) {
        Ok(Text(text)) if text.is_empty() => "{}".into(),
        Ok(Text(text)) => text,
        Err(_) => raw.into(),
    }
}

fn filled(text: &Text<'_>) -> bool {
    !text.0.is_empty()
}

/// Reads a whole answer. A stream in its place is folded: some servers ignore `stream: false`.
pub(in crate::protocol::ollama) fn whole(body: &[u8]) -> Result<ChatResponse, StreamFault> {
    let mut decoder = Decoder::default();
    let mut builder = ResponseBuilder::default();
    // Values, not lines: a whole answer may be pretty-printed.
    let mut values = serde_json::Deserializer::from_str(framing::text(body)?).into_iter::<&RawValue>();
    while !decoder.done
        && let Some(value) = values.next()
    {
        let data = value.map_err(error::malformed)?.get().as_bytes();
        decoder.push(Frame { event: b"", data }, &mut builder)?;
    }
    decoder.finish(&mut builder)?;
    Ok(builder.finish())
}
