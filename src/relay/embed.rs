//! Embeddings: always through the canonical value, because clients insist on their own vector encoding whatever the
//! provider returns.

use bytes::Bytes;
use http::Method;

use super::error::{RelayError, UpstreamError};
use super::observation::Observation;
use super::record::{self, complete, fail};
use super::whole::{MAX_ANSWER_BYTES, refusal};
use super::{Answer, AnswerBody, Relay};
use crate::chat::EmbedRequest;
use crate::clock::{Timing, UnixNanos};
use crate::protocol::{EmbedFormat, ReplyContext, VectorEncoding};
use crate::providers::{Operation, Payload, address};
use crate::routing::Route;
use crate::tracking::UsageRecord;

/// An embeddings request that has been read, authorised and resolved.
pub struct EmbedCall<'a> {
    /// What the client speaks.
    pub format: EmbedFormat,
    /// The request.
    pub request: &'a EmbedRequest,
    /// How the client wants its vectors.
    pub encoding: VectorEncoding,
    /// The models to try; only the first is, because vectors of different models do not mix.
    pub route: &'a Route,
    /// What the answer must carry.
    pub context: ReplyContext,
    /// The body as it came, for estimates.
    pub body: &'a Bytes,
    /// Who asked for what, and how the name was resolved.
    pub draft: Box<UsageRecord>,
}

impl Relay {
    /// Asks the first target for vectors.
    ///
    /// # Errors
    /// [`RelayError`] as for chats; the failure has been recorded.
    pub async fn embed(&self, call: EmbedCall<'_>) -> Result<Answer, RelayError> {
        let model = &call.route.first;
        let provider = &model.provider;
        let codec = provider.protocol.codec();
        let encoded = codec.encode_embed(call.request, &model.profile)?;
        let mut draft = call.draft;
        draft.attempts = 1;
        let mut recording = record::begin(&self.journal, draft, model, call.body);
        let idle = self.transport.timeouts().idle;
        let url = address(provider, &model.profile.id, Operation::Embed);
        let payload = Payload::Json(Bytes::from(encoded.body));
        let response = match self.transport.send(provider, Method::POST, url, payload).await {
            Ok(response) => response,
            Err(error) => return Err(fail(recording, UpstreamError::transport(provider, &error))),
        };
        if !(200..300).contains(&response.status) {
            return Err(fail(recording, refusal(model, response, idle).await));
        }
        recording.accepted();
        let rate_headers = response.rate_headers();
        let head_at = UnixNanos::now();
        let body = match response.body.collect(MAX_ANSWER_BYTES, idle).await {
            Ok(body) => body,
            Err(error) => return Err(fail(recording, UpstreamError::transport(provider, &error))),
        };
        let answer = match codec.decode_embed(&body) {
            Ok(answer) => answer,
            Err(fault) => return Err(fail(recording, UpstreamError::fault(provider, fault))),
        };
        let timing = Timing { started: call.context.started, first_token: Some(head_at), ended: UnixNanos::now() };
        let bytes = call.format.encode_response(&call.context, &answer, call.encoding, timing);
        let mut observation = Observation::default();
        observation.usage = Some(Box::new(answer.usage));
        let cost = complete(recording, &mut observation);
        Ok(Answer {
            provider: provider.id.clone(),
            model: model.profile.id.clone(),
            content_type: call.format.face().content_types().whole,
            warnings: encoded.warnings,
            rate_headers,
            cost,
            body: AnswerBody::Whole(Bytes::from(bytes)),
        })
    }
}
