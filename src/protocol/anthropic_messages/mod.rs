//! Anthropic Messages (`anthropic-version: 2023-06-01`), as providers speak it.
//!
//! Requests are written in three steps: `request/conversation.rs` groups the messages into turns that obey the format's
//! rules, `request/` beside it decides what else the body says, and `wire/` has the serde types.
//! Answers, whole or streamed, walk through one state machine (`answer.rs`), so both give the same events.

mod answer;
mod error;
mod models;
mod request;
mod response;
mod stream;
mod usage;
mod wire;

#[cfg(test)]
mod tests;

use super::envelope::Envelope;
use super::framing::Framing;
use super::{ClientCodec, EncodeError, Encoded, EventDecoder, ListedModel, ModelProfile, ProviderError, StreamFault};
use crate::chat::{ChatRequest, ChatResponse, EmbedRequest, EmbedResponse};

/// The codec towards Anthropic and servers compatible with it.
///
/// Tools are offered under the names that [`ToolNames`](super::tool_names::ToolNames) gives for
/// [`NameRule::ANTHROPIC`](super::tool_names::NameRule::ANTHROPIC); answers carry those names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Client;

impl ClientCodec for Client {
    fn encode_request(&self, request: &ChatRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
        request::encode(request, profile)
    }

    fn prepare_forward(
        &self,
        envelope: &mut Envelope<'_>,
        profile: &ModelProfile,
        _stream: bool,
    ) -> Result<Vec<String>, EncodeError> {
        envelope.set("model", serde_json::Value::from(profile.id.as_str()).to_string());
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

    fn encode_embed(&self, _request: &EmbedRequest, profile: &ModelProfile) -> Result<Encoded, EncodeError> {
        let message = format!("Anthropic has no embeddings, so model `{}` cannot make any", profile.id);
        Err(EncodeError::new("model", message))
    }

    fn decode_embed(&self, _body: &[u8]) -> Result<EmbedResponse, StreamFault> {
        Err(StreamFault::Malformed("Anthropic has no embeddings".to_owned()))
    }

    fn decode_models(&self, body: &[u8]) -> Result<Vec<ListedModel>, StreamFault> {
        models::decode(body)
    }
}
