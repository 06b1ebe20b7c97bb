//! Google Gemini's native `generateContent` (`v1beta`), as a format providers speak.
//!
//! Start at `request` for the way out (`contents` holds the rules of the conversation, `calls` those of tool calls)
//! and at `stream` for the way back. `schema` and `thinking` hold what differs between generations of models.
//! Sources: Google's API reference for `v1beta` and the types of its `google-genai` SDK.

mod calls;
mod candidate;
mod contents;
mod embeddings;
mod error;
mod finish;
mod generation;
mod grounding;
mod ids;
mod logprobs;
mod media;
mod models;
mod request;
mod response;
#[cfg(test)]
mod samples;
mod schema;
mod settings;
mod stream;
mod thinking;
mod tools;
mod usage;
mod wire;

use super::envelope::Envelope;
use super::framing::Framing;
use super::{ClientCodec, EncodeError, Encoded, EventDecoder, ListedModel, ModelProfile, ProviderError, StreamFault};
use crate::chat::{ChatRequest, ChatResponse, EmbedRequest, EmbedResponse};

/// The codec towards Gemini.
///
/// Tool names a request had to change ([`super::tool_names::NameRule::GEMINI`]) come back changed:
/// whoever holds the request puts the client's names back.
#[derive(Debug, Clone, Copy)]
pub struct Client;

impl ClientCodec for Client {
    fn encode_request(&self, request: &ChatRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
        request::encode(request, profile)
    }

    /// Nothing to edit: the model stands in the address, and no client speaks this format to us.
    fn prepare_forward(&self, _: &mut Envelope<'_>, _: &ModelProfile, _: bool) -> Result<Vec<String>, EncodeError> {
        Ok(Vec::new())
    }

    fn decode_response(&self, body: &[u8]) -> Result<ChatResponse, StreamFault> {
        response::decode(body)
    }

    fn decoder(&self) -> Box<dyn EventDecoder> {
        Box::new(stream::Decoder::default())
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> ProviderError {
        error::decode(status, body)
    }

    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn encode_embed(&self, request: &EmbedRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
        embeddings::encode(request, profile)
    }

    fn decode_embed(&self, body: &[u8]) -> Result<EmbedResponse, StreamFault> {
        embeddings::decode(body)
    }

    fn decode_models(&self, body: &[u8]) -> Result<Vec<ListedModel>, StreamFault> {
        models::decode(body)
    }
}
