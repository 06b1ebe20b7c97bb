//! What a format has to be able to do: [`ServerCodec`] towards clients, [`ClientCodec`] towards providers.

use serde::{Deserialize, Serialize};

use super::envelope::Envelope;
use super::framing::{Frame, Framing};
use super::{ApiError, DecodeError, EncodeError, ListedModel, ModelProfile, ProviderError, StreamFault};
use crate::chat::{ChatRequest, ChatResponse, EmbedRequest, EmbedResponse, Event, EventSink};
use crate::clock::{Timing, UnixNanos};

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
    /// Reads a request into the chat model as far as that can hold it: enough to choose a model by. What it cannot hold is
    /// noted in [`ChatRequest::unread`].
    ///
    /// # Errors
    /// [`DecodeError`] with the status and text the protocol prescribes.
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest, DecodeError>;

    /// Reads a request all of which the chat model can hold.
    ///
    /// # Errors
    /// As [`ServerCodec::read_request`], and when something is left unread.
    fn decode_request(&self, body: &[u8]) -> Result<ChatRequest, DecodeError> {
        whole(self.read_request(body)?)
    }

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

/// The request, if nothing of it was left unread.
///
/// # Errors
/// [`DecodeError`] that names the first thing that was.
pub fn whole(request: ChatRequest) -> Result<ChatRequest, DecodeError> {
    match request.unread {
        Some(unread) => Err(DecodeError::field(unread.place, unread.message)),
        None => Ok(request),
    }
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
    /// The request has been through [`fit`](super::system_text::fit).
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
        envelope: &mut Envelope<'_>,
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
    fn framing(&self) -> Framing;

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

/// How vectors are written in an OpenAI embeddings answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VectorEncoding {
    /// A list of numbers.
    #[default]
    Float,
    /// Standard base64 of little-endian 32-bit floats.
    Base64,
}
