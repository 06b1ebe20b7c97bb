//! Ollama's native API, spoken by clients to us and by us to Ollama servers.
//!
//! [`ChatServer`] and [`GenerateServer`] are the two inference formats clients use, [`Client`] is the one for providers.
//! Before a model is known, [`head()`] and [`check`] make Ollama's checks in Ollama's order and words; [`lists`] writes what
//! clients ask before they chat, [`management`] the answers to pull, copy and the like.
//! Source of the rules: Ollama's `server/routes.go`, `api/types.go` and `openai/openai.go` of August 2026 (v0.33).

mod arguments;
mod echo;
mod embed;
mod error;
mod go_json;
mod head;
mod keep_alive;
pub mod lists;
pub mod management;
mod models;
mod names;
mod options;
mod request;
mod response;
mod settings;

pub use echo::ModelEcho;
pub use embed::{
    decode_embed_request, decode_legacy_embed_request, encode_embed_response, encode_legacy_embed_response,
};
pub use head::{Endpoint, Head, LoadState, check, head, load_reply};
pub use names::{digest, display_name, is_valid_name};

use crate::chat::{ChatRequest, ChatResponse, EmbedRequest, EmbedResponse};
use crate::clock::Timing;

use super::envelope::Envelope;
use super::framing::Framing;
use super::{
    ApiError, ClientCodec, ContentTypes, DecodeError, EncodeError, Encoded, EventDecoder, EventEncoder, ListedModel,
    ModelProfile, ProviderError, ReplyContext, ServerCodec, StreamFault,
};
use response::decode::Decoder;
use response::encode::Encoder;
use response::line::Shape;

/// `Content-Type`s of the native endpoints.
const CONTENT_TYPES: ContentTypes = ContentTypes {
    whole: "application/json; charset=utf-8",
    stream: "application/x-ndjson",
    error: "application/json; charset=utf-8",
};

/// `POST /api/chat`, towards clients.
#[derive(Debug, Clone, Copy)]
pub struct ChatServer;

/// `POST /api/generate`, towards clients: a prompt is a conversation of one user message.
#[derive(Debug, Clone, Copy)]
pub struct GenerateServer;

/// `POST /api/chat` of an Ollama server. Answers of its `/api/generate` are understood too.
#[derive(Debug, Clone, Copy)]
pub struct Client;

impl ServerCodec for ChatServer {
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest, DecodeError> {
        request::chat(body)
    }

    fn encode_response(&self, context: &ReplyContext, response: &ChatResponse, timing: Timing) -> Vec<u8> {
        response::encode::whole(Shape::Chat, context, response, timing)
    }

    fn encoder(&self, context: ReplyContext) -> Box<dyn EventEncoder> {
        Box::new(Encoder::new(Shape::Chat, &context))
    }

    fn encode_error(&self, error: &ApiError) -> Vec<u8> {
        error::encode(error)
    }

    fn encode_stream_error(&self, error: &ApiError, out: &mut Vec<u8>) {
        error::encode_line(error, out);
    }

    fn content_types(&self) -> ContentTypes {
        CONTENT_TYPES
    }
}

impl ServerCodec for GenerateServer {
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest, DecodeError> {
        request::generate(body)
    }

    fn encode_response(&self, context: &ReplyContext, response: &ChatResponse, timing: Timing) -> Vec<u8> {
        response::encode::whole(Shape::Generate, context, response, timing)
    }

    fn encoder(&self, context: ReplyContext) -> Box<dyn EventEncoder> {
        Box::new(Encoder::new(Shape::Generate, &context))
    }

    fn encode_error(&self, error: &ApiError) -> Vec<u8> {
        error::encode(error)
    }

    fn encode_stream_error(&self, error: &ApiError, out: &mut Vec<u8>) {
        error::encode_line(error, out);
    }

    fn content_types(&self) -> ContentTypes {
        CONTENT_TYPES
    }
}

impl ClientCodec for Client {
    fn encode_request(&self, request: &ChatRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
        request::encode(request, profile)
    }

    /// Only the name is edited; embeddings and generate bodies are forwarded with it as well.
    fn prepare_forward(
        &self,
        envelope: &mut Envelope<'_>,
        profile: &ModelProfile,
        _stream: bool,
    ) -> Result<Vec<String>, EncodeError> {
        // The server matches keys in any case and the last one wins: no second spelling may name another model.
        let names = |key: &&str| key.eq_ignore_ascii_case("model") || key.eq_ignore_ascii_case("name");
        let others: Vec<String> =
            envelope.keys().filter(names).filter(|key| *key != "model").map(str::to_owned).collect();
        for key in &others {
            envelope.remove(key);
        }
        envelope.set("model", serde_json::Value::from(profile.id.as_str()).to_string());
        Ok(Vec::new())
    }

    fn decode_response(&self, body: &[u8]) -> Result<ChatResponse, StreamFault> {
        response::decode::whole(body)
    }

    fn decoder(&self) -> Box<dyn EventDecoder> {
        Box::new(Decoder::default())
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> ProviderError {
        error::decode(status, body)
    }

    fn framing(&self) -> Framing {
        Framing::Ndjson
    }

    fn encode_embed(&self, request: &EmbedRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
        embed::encode(request, profile)
    }

    fn decode_embed(&self, body: &[u8]) -> Result<EmbedResponse, StreamFault> {
        embed::decode(body)
    }

    fn decode_models(&self, body: &[u8]) -> Result<Vec<ListedModel>, StreamFault> {
        models::decode(body)
    }
}
