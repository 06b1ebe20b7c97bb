//! The four wire formats, and what all of them have in common.

use serde_json::{Value, json};

use super::answer::{Response, Spoken};
use super::models::OllamaModels;
use super::{Recorded, anthropic, gemini, ollama, openai};

/// A wire format a fake speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    OpenAi,
    Anthropic,
    Gemini,
    Ollama,
}

/// What a request shall get.
pub(super) enum Outcome {
    /// A list, an embedding, an error: nothing the script decides.
    Fixed(Response),
    /// Generated text, in both forms; the script says what happens to it.
    Generated(Generated),
}

/// Generated text, encoded.
pub(super) struct Generated {
    /// The client asked for a stream.
    pub(super) stream: bool,
    /// The stream's content type.
    pub(super) stream_type: &'static str,
    /// The whole answer's content type.
    pub(super) whole_type: &'static str,
    /// The stream's frames, in order.
    pub(super) frames: Vec<Frame>,
    /// The whole answer.
    pub(super) whole: Value,
    /// The protocol's error inside a stream.
    pub(super) error_frame: Vec<u8>,
    /// The protocol's error as a body.
    pub(super) error_body: Value,
}

/// A frame of a stream.
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    pub(super) kind: FrameKind,
}

/// What a frame is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// Part of the protocol's envelope, sent together with what follows.
    Envelope,
    /// Words or arguments; faults and gates count these.
    Content,
    /// The beginning of the end: all content was sent.
    End,
}

impl Format {
    /// The formats.
    pub(crate) const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::Ollama];

    /// Its name in `relay.yaml`, which is also the id its provider gets there.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// A chat model of the fake, with its provider in front.
    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::OpenAi => "openai/gpt-fake",
            Self::Anthropic => "anthropic/claude-fake",
            Self::Gemini => "gemini/gemini-fake",
            Self::Ollama => "ollama/m:latest",
        }
    }

    /// Where its API begins on a server.
    pub(super) fn base_path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1",
            Self::Gemini => "/v1beta",
            Self::Anthropic | Self::Ollama => "",
        }
    }

    /// An error body as this vendor writes it.
    pub(crate) fn error_body(self, status: u16, message: &str) -> Value {
        match self {
            Self::OpenAi => openai::error(message),
            Self::Anthropic => anthropic::error(status, message),
            Self::Gemini => gemini::error(status, message),
            Self::Ollama => ollama::error(message),
        }
    }

    /// What a request gets. `spoken`: what the script says if it is a request for text.
    pub(super) fn outcome(self, request: &Recorded, spoken: &Spoken, models: &mut OllamaModels) -> Outcome {
        match self {
            Self::OpenAi => openai::outcome(request, spoken),
            Self::Anthropic => anthropic::outcome(request, spoken),
            Self::Gemini => gemini::outcome(request, spoken),
            Self::Ollama => ollama::outcome(request, spoken, models),
        }
    }
}

/// A server-sent event with only data.
pub(super) fn data_frame(kind: FrameKind, data: &Value) -> Frame {
    Frame { bytes: format!("data: {data}\n\n").into_bytes(), kind }
}

/// Texts from an embedding request's field: one string or several.
pub(super) fn texts(input: &Value) -> Vec<&str> {
    match input {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// A unit vector that depends on the text, so that tests can tell vectors apart.
pub(super) fn embedding(text: &str) -> Value {
    let angle = f64::from(text.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())));
    let (sine, cosine) = angle.sin_cos();
    json!([sine * 0.6, cosine * 0.6, 0.8, 0.0])
}

/// What a path that the vendor does not have gets.
pub(super) fn no_such_path(request: &Recorded) -> Outcome {
    let body = json!({ "error": { "message": format!("no such path: {} {}", request.method, request.path) } });
    Outcome::Fixed(Response::json_with_status(404, &body))
}
