//! OpenAI's formats: chat completions, legacy prompt completions, embeddings and the list of models, in both directions.
//!
//! Towards clients ([`ChatServer`], [`CompletionsServer`]) we read leniently where the specification is lenient and write
//! exactly its shapes. Towards providers ([`Client`]) the same format comes in a dozen dialects:
//! what differs in requests is data in the profile's quirks (`quirks`), what differs in answers is understood
//! whoever sends it (`answer`, `calls`, `usage`, `error`).

mod answer;
mod calls;
mod completions;
mod embeddings;
mod error;
mod forward;
mod json;
mod models;
mod quirks;
mod request;
mod response;
mod sources;
mod stream;
mod tool_ids;
mod usage;
mod wire;

pub use embeddings::{decode_embed_request, encode_embed_response};
pub use stream::is_usage_chunk;

use super::envelope::Envelope;
use super::framing::Framing;
use super::{
    ApiError, ClientCodec, ContentTypes, DecodeError, EncodeError, Encoded, EventDecoder, EventEncoder, ListedModel,
    ModelProfile, ProviderError, ReplyContext, ServerCodec, StreamFault,
};
use crate::chat::{ChatRequest, ChatResponse, EmbedRequest, EmbedResponse, EventSink};
use crate::clock::Timing;

const CONTENT_TYPES: ContentTypes =
    ContentTypes { whole: "application/json", stream: "text/event-stream; charset=utf-8", error: "application/json" };

/// `POST /v1/chat/completions`, towards clients.
#[derive(Debug, Clone, Copy)]
pub struct ChatServer;

/// `POST /v1/completions`, towards clients.
#[derive(Debug, Clone, Copy)]
pub struct CompletionsServer;

/// OpenAI-compatible providers.
#[derive(Debug, Clone, Copy)]
pub struct Client;

impl ServerCodec for ChatServer {
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest, DecodeError> {
        request::decode(body)
    }

    fn encode_response(&self, context: &ReplyContext, response: &ChatResponse, _timing: Timing) -> Vec<u8> {
        response::encode(context, response)
    }

    fn encoder(&self, context: ReplyContext) -> Box<dyn EventEncoder> {
        Box::new(stream::ChatEncoder::new(context))
    }

    fn encode_error(&self, error: &ApiError) -> Vec<u8> {
        error::encode(error)
    }

    fn encode_stream_error(&self, error: &ApiError, out: &mut Vec<u8>) {
        error::encode_event(error, out);
    }

    fn content_types(&self) -> ContentTypes {
        CONTENT_TYPES
    }
}

impl ServerCodec for CompletionsServer {
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest, DecodeError> {
        completions::decode(body)
    }

    fn encode_response(&self, context: &ReplyContext, response: &ChatResponse, _timing: Timing) -> Vec<u8> {
        completions::encode(context, response)
    }

    fn encoder(&self, context: ReplyContext) -> Box<dyn EventEncoder> {
        Box::new(completions::CompletionsEncoder::new(context))
    }

    fn encode_error(&self, error: &ApiError) -> Vec<u8> {
        error::encode(error)
    }

    fn encode_stream_error(&self, error: &ApiError, out: &mut Vec<u8>) {
        error::encode_event(error, out);
    }

    fn content_types(&self) -> ContentTypes {
        CONTENT_TYPES
    }
}

impl ClientCodec for Client {
    fn encode_request(&self, request: &ChatRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
        request::encode(request, profile)
    }

    fn prepare_forward(
        &self,
        envelope: &mut Envelope<'_>,
        profile: &ModelProfile,
        stream: bool,
    ) -> Result<Vec<String>, EncodeError> {
        forward::prepare(envelope, profile, stream)
    }

    fn decode_response(&self, body: &[u8]) -> Result<ChatResponse, StreamFault> {
        response::decode(body)
    }

    fn observe_response(&self, body: &[u8], out: &mut dyn EventSink) -> Result<(), StreamFault> {
        response::observe(body, out).map(drop)
    }

    fn decoder(&self) -> Box<dyn EventDecoder> {
        Box::new(stream::StreamDecoder::default())
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> ProviderError {
        error::decode(status, body)
    }

    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn encode_embed(&self, request: &EmbedRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
        embeddings::encode_request(request, profile)
    }

    fn decode_embed(&self, body: &[u8]) -> Result<EmbedResponse, StreamFault> {
        embeddings::decode_response(body)
    }

    fn decode_models(&self, body: &[u8]) -> Result<Vec<ListedModel>, StreamFault> {
        models::decode(body)
    }
}
