//! Wire formats, as pure translation: no I/O, no clock, not async.
//!
//! One folder per format, each with the same files: `wire.rs` (serde types), `request.rs`, `response.rs`, `stream.rs`, `error.rs`.
//! A format spoken by clients implements [`ServerCodec`], a format spoken by providers implements [`ClientCodec`];
//! OpenAI's and Ollama's are spoken by both. [`ClientFormat::codec`] and [`Protocol::codec`] are the registry.
//!
//! `framing` turns bytes into [`Frame`]s, `envelope` edits the top level of a JSON body without touching the rest (`scan` finds it),
//! `system_text` fits a request to a model without system prompt, `tool_names` maps names a provider would refuse, `offered_tools` refuses tools that cannot be carried, and
//! [`Restoration`] makes of a provider's answer the one the client expects.

pub mod anthropic_messages;
pub mod envelope;
mod error;
pub mod framing;
pub mod gemini;
mod lenient;
mod offered_tools;
pub mod ollama;
pub mod openai_chat;
mod profile;
mod restoration;
mod scan;
mod sniff;
pub mod system_text;
mod think_tags;
pub mod tool_names;

use serde::{Deserialize, Serialize};

pub use error::{ApiError, DecodeError, EncodeError, ErrorKind, ProviderError, StreamFault};
pub use profile::{Capabilities, ModelKind, ModelProfile, Quirks, ToolIds};
pub use restoration::Restoration;

use crate::chat::{ChatRequest, ChatResponse, EmbedRequest, EmbedResponse, Event, EventSink};
use crate::clock::{Timing, UnixNanos};
use framing::Frame;
use tool_names::NameRule;

/// A wire format providers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OpenAI Chat Completions and everything compatible with it.
    OpenAi,
    /// Ollama's native API.
    Ollama,
    /// Anthropic Messages.
    Anthropic,
    /// Google's `generateContent`.
    Gemini,
}

/// A request format clients speak; each belongs to one face (OpenAI's or Ollama's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientFormat {
    /// `POST /v1/chat/completions`.
    OpenAiChat,
    /// `POST /v1/completions`.
    OpenAiCompletions,
    /// `POST /api/chat`.
    OllamaChat,
    /// `POST /api/generate`.
    OllamaGenerate,
}

/// An embeddings format clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EmbedFormat {
    /// `POST /v1/embeddings`.
    OpenAi,
    /// `POST /api/embed`.
    Ollama,
    /// `POST /api/embeddings`, the older one.
    OllamaLegacy,
}

impl Protocol {
    /// The word used in configuration, records and [`crate::chat::Extra`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Ollama => "ollama",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// The codec towards providers that speak this format.
    pub fn codec(self) -> &'static dyn ClientCodec {
        match self {
            Self::OpenAi => &openai_chat::Client,
            Self::Ollama => &ollama::Client,
            Self::Anthropic => &anthropic_messages::Client,
            Self::Gemini => &gemini::Client,
        }
    }

    /// What its providers accept as the name of a tool, where they are strict about it.
    pub fn tool_name_rule(self) -> Option<NameRule> {
        match self {
            Self::OpenAi | Self::Ollama => None,
            Self::Anthropic => Some(NameRule::ANTHROPIC),
            Self::Gemini => Some(NameRule::GEMINI),
        }
    }
}

impl ClientFormat {
    /// The format of bodies that come to a path, as records keep it.
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            "/v1/chat/completions" | "/api/chat/completions" => Some(Self::OpenAiChat),
            "/v1/completions" => Some(Self::OpenAiCompletions),
            "/api/chat" => Some(Self::OllamaChat),
            "/api/generate" => Some(Self::OllamaGenerate),
            _ => None,
        }
    }

    /// The protocol whose bytes the client speaks; where the provider speaks it too, bytes can be forwarded.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions => Protocol::OpenAi,
            Self::OllamaChat | Self::OllamaGenerate => Protocol::Ollama,
        }
    }

    /// The codec towards clients that speak this format.
    pub fn codec(self) -> &'static dyn ServerCodec {
        match self {
            Self::OpenAiChat => &openai_chat::ChatServer,
            Self::OpenAiCompletions => &openai_chat::CompletionsServer,
            Self::OllamaChat => &ollama::ChatServer,
            Self::OllamaGenerate => &ollama::GenerateServer,
        }
    }

    /// What keeps a silent stream alive between two events: a comment, where the format has comments. Lines of JSON have
    /// none, and Ollama's clients parse every line.
    pub fn keep_alive(self) -> Option<&'static [u8]> {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions => Some(b": keep-alive\n\n"),
            Self::OllamaChat | Self::OllamaGenerate => None,
        }
    }

    /// What ends a stream beyond its last event. A forwarded stream gets it when the provider left it out.
    pub fn stream_terminator(self) -> &'static [u8] {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions => b"data: [DONE]\n\n",
            Self::OllamaChat | Self::OllamaGenerate => b"",
        }
    }
}

/// What the codec towards clients needs to know about the answer it writes.
#[derive(Debug, Clone)]
pub struct ReplyContext {
    /// The relay's request id; the answer's own id is made from it when the upstream gave none.
    pub request_id: String,
    /// The model's name as the client wrote it (echoed in answers).
    pub model: String,
    /// When the request arrived.
    pub started: UnixNanos,
    /// The client asked for usage in the stream (`stream_options.include_usage`).
    pub include_usage: bool,
    /// The request offered tools: Ollama keeps tool calls only then.
    pub tools_offered: bool,
    /// Write thinking as OpenAI-face field `reasoning` (Ollama's own shim) instead of `reasoning_content`.
    pub reasoning_as: ReasoningField,
}

/// Name of the extension field that carries thinking on the OpenAI face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningField {
    /// `reasoning_content`: DeepSeek, llama.cpp, most clients.
    #[default]
    ReasoningContent,
    /// `reasoning`: Ollama, OpenRouter, newer vLLM.
    Reasoning,
    /// Both.
    Both,
}

/// A body to send to a provider, and what could not be carried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Encoded {
    /// JSON.
    pub body: Vec<u8>,
    /// Names of request fields that were dropped and change the answer's quality, for `x-llm-relay-warning`
    /// (for example `seed`, `logprobs`, `temperature clamped to 1`).
    pub warnings: Vec<String>,
}

/// The codec towards clients: decodes their requests and writes their answers.
pub trait ServerCodec: Sync {
    /// Reads a request into the chat model.
    ///
    /// # Errors
    /// [`DecodeError`] with the status and text the protocol prescribes.
    fn decode_request(&self, body: &[u8]) -> Result<ChatRequest, DecodeError>;

    /// Writes a whole answer.
    fn encode_response(&self, context: &ReplyContext, response: &ChatResponse, timing: Timing) -> Vec<u8>;

    /// Starts writing a streamed answer.
    fn encoder(&self, context: ReplyContext) -> Box<dyn EventEncoder>;

    /// Writes an error body.
    fn encode_error(&self, error: &ApiError) -> Vec<u8>;

    /// Writes the protocol's error event for a stream that has begun; nothing may follow it.
    fn encode_stream_error(&self, error: &ApiError, out: &mut Vec<u8>);

    /// `Content-Type` of a whole answer and of a stream.
    fn content_types(&self) -> ContentTypes;
}

/// `Content-Type`s of a protocol's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentTypes {
    /// A whole answer.
    pub whole: &'static str,
    /// A stream.
    pub stream: &'static str,
    /// An error.
    pub error: &'static str,
}

/// Writes a streamed answer in a client's protocol. Created per answer.
pub trait EventEncoder: Send + Sync {
    /// Appends what `event` becomes on the wire (possibly nothing yet). `now` is for protocols that stamp each line.
    fn push(&mut self, event: &Event<'_>, now: UnixNanos, out: &mut Vec<u8>);

    /// Appends the proper end. Called once, after the upstream ended properly.
    fn finish(&mut self, timing: Timing, out: &mut Vec<u8>);

    /// Appends the protocol's error event instead of a proper end. Nothing follows.
    fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>);
}

/// The codec towards providers: writes requests and reads answers.
pub trait ClientCodec: Sync {
    /// Writes a chat request for a model. The transport adds address and credentials.
    /// The request has been through [`system_text::fit`].
    ///
    /// # Errors
    /// [`EncodeError`] when something cannot be carried and dropping it would change the meaning.
    fn encode_request(&self, request: &ChatRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError>;

    /// Edits a client's body that is forwarded because client and provider speak the same format: the model's name,
    /// and top-level fields that quirks of the profile touch. `stream` says whether a stream was asked for.
    /// Returns warnings as [`Encoded`] does.
    ///
    /// # Errors
    /// [`EncodeError`] when the profile refuses a field without which the answer would be one of another kind.
    fn prepare_forward(
        &self,
        envelope: &mut envelope::Envelope<'_>,
        profile: &ModelProfile,
        stream: bool,
    ) -> Result<Vec<String>, EncodeError>;

    /// Reads a whole answer; also the provider's prompt completion shape (`text`, `response`).
    ///
    /// # Errors
    /// [`StreamFault`] when it is an error in disguise (a 200 that holds an error) or no answer at all.
    fn decode_response(&self, body: &[u8]) -> Result<ChatResponse, StreamFault>;

    /// Reads a whole answer that is forwarded as it stands: `out` sees what is in it, nothing is built.
    ///
    /// # Errors
    /// As [`ClientCodec::decode_response`].
    fn observe_response(&self, body: &[u8], out: &mut dyn EventSink) -> Result<(), StreamFault> {
        self.decode_response(body)?.emit(out);
        Ok(())
    }

    /// Starts reading a streamed answer; also the provider's prompt completion shape.
    fn decoder(&self) -> Box<dyn EventDecoder>;

    /// Reads the body of an answer whose status says failure. Never fails: HTML, empty and odd bodies become a message.
    fn decode_error(&self, status: u16, body: &[u8]) -> ProviderError;

    /// How a streamed answer is cut into frames.
    fn framing(&self) -> framing::Framing;

    /// Writes an embeddings request.
    ///
    /// # Errors
    /// [`EncodeError`] when the provider has no embeddings, or cannot take these inputs.
    fn encode_embed(&self, request: &EmbedRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError>;

    /// Reads an embeddings answer (float or base64 vectors).
    ///
    /// # Errors
    /// [`StreamFault`] when it is no embeddings answer.
    fn decode_embed(&self, body: &[u8]) -> Result<EmbedResponse, StreamFault>;

    /// Reads the provider's list of models.
    ///
    /// # Errors
    /// [`StreamFault`] when it is no list.
    fn decode_models(&self, body: &[u8]) -> Result<Vec<ListedModel>, StreamFault>;
}

/// A model as a provider lists it; what the provider does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListedModel {
    /// The provider's id, in its own spelling (Gemini's `models/` prefix removed).
    pub id: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Chat or embedding, where the list says so.
    pub kind: Option<ModelKind>,
    /// Prompt window in tokens.
    pub context_length: Option<u64>,
    /// Longest answer in tokens.
    pub max_output: Option<u64>,
    /// Unix seconds.
    pub created: Option<i64>,
    /// Prices the list states, as decimal USD per single token: (input, output, cache read, cache write, request).
    pub price: Option<ListedPrice>,
    /// Ollama's own entry (size, digest, details, `modified_at`), shown to Ollama clients as it is.
    pub ollama: Option<serde_json::Value>,
}

/// Decimal texts in USD per single token or request (OpenRouter's list).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedPrice {
    /// Per prompt token.
    pub input: String,
    /// Per generated token.
    pub output: String,
    /// Per cached prompt token.
    pub cache_read: Option<String>,
    /// Per prompt token written to the cache.
    pub cache_write: Option<String>,
    /// Per request.
    pub request: Option<String>,
}

/// Reads a streamed answer. Created per answer; synchronous.
pub trait EventDecoder: Send + Sync {
    /// Takes the next frame and hands out what it means.
    ///
    /// # Errors
    /// [`StreamFault`] when the frame is an error event or garbage. Nothing is read after an error.
    fn push(&mut self, frame: Frame<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault>;

    /// The upstream closed the stream.
    ///
    /// # Errors
    /// [`StreamFault::Truncated`] when the protocol's terminator had not come: an answer is never completed by guessing.
    fn finish(&mut self, out: &mut dyn EventSink) -> Result<(), StreamFault>;

    /// The terminator has come; nothing more needs to be read.
    fn is_done(&self) -> bool;
}

impl EmbedFormat {
    /// The protocol whose bytes the client speaks.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::OpenAi => Protocol::OpenAi,
            Self::Ollama | Self::OllamaLegacy => Protocol::Ollama,
        }
    }

    /// The chat codec of the same face: for error bodies and content types.
    pub fn face(self) -> &'static dyn ServerCodec {
        match self {
            Self::OpenAi => ClientFormat::OpenAiChat.codec(),
            Self::Ollama | Self::OllamaLegacy => ClientFormat::OllamaChat.codec(),
        }
    }

    /// Reads a request. The second value is how the client wants its vectors.
    ///
    /// # Errors
    /// [`DecodeError`] with the status and text the protocol prescribes.
    pub fn decode_request(self, body: &[u8]) -> Result<(EmbedRequest, VectorEncoding), DecodeError> {
        match self {
            Self::OpenAi => openai_chat::decode_embed_request(body),
            Self::Ollama => Ok((ollama::decode_embed_request(body)?, VectorEncoding::Float)),
            Self::OllamaLegacy => Ok((ollama::decode_legacy_embed_request(body)?, VectorEncoding::Float)),
        }
    }

    /// Writes the answer.
    pub fn encode_response(
        self,
        context: &ReplyContext,
        response: &EmbedResponse,
        encoding: VectorEncoding,
        timing: Timing,
    ) -> Vec<u8> {
        match self {
            Self::OpenAi => openai_chat::encode_embed_response(context, response, encoding),
            Self::Ollama => ollama::encode_embed_response(context, response, timing),
            Self::OllamaLegacy => ollama::encode_legacy_embed_response(response),
        }
    }
}

/// How vectors are written in an OpenAI embeddings answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VectorEncoding {
    /// A list of numbers.
    #[default]
    Float,
    /// Standard base64 of little-endian 32-bit floats.
    Base64,
}
