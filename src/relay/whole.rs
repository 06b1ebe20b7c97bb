//! Answers in one piece.

use std::time::Duration;

use bytes::Bytes;

use super::error::{RelayError, UpstreamError};
use super::observation::Observation;
use super::passage::{Crossing, Passage};
use super::record::{complete, fail};
use super::{Answer, AnswerBody};
use crate::catalog::Model;
use crate::chat::{ChatResponse, ResponseBuilder};
use crate::clock::UnixNanos;
use crate::protocol::framing::{Framer, RawFrame};
use crate::protocol::{ClientCodec, StreamFault};
use crate::providers::Response;
use crate::tracking::Recording;

/// Whole answers longer than this are refused: images in answers are the largest things seen.
pub(super) const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Error bodies longer than this are cut.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// Reads a whole answer and writes it for the client.
pub(super) async fn read(
    mut passage: Passage,
    mut recording: Recording,
    response: Response,
) -> Result<Answer, RelayError> {
    // There is no telling when the first token was made; the head comes with it at the earliest.
    let head_at = UnixNanos::now();
    let is_stream = response.is_stream();
    let body = match response.body.collect(MAX_ANSWER_BYTES, passage.idle).await {
        Ok(body) => body,
        Err(error) => return Err(fail(recording, UpstreamError::transport(&passage.model.provider, &error))),
    };
    let mut observation = Observation::default();
    let bytes = match carry(&mut passage, body, is_stream, head_at, &mut observation) {
        Ok(bytes) => bytes,
        Err(fault) => return Err(fail(recording, UpstreamError::fault(&passage.model.provider, fault))),
    };
    recording.saw_answer(observation.answer_bytes);
    let cost = complete(recording, &mut observation);
    Ok(passage.answer(passage.format.codec().content_types().whole, cost, AnswerBody::Whole(bytes)))
}

/// The answer as the client's format has it; `observation` sees what is in it.
fn carry(
    passage: &mut Passage,
    body: Bytes,
    is_stream: bool,
    head_at: UnixNanos,
    observation: &mut Observation,
) -> Result<Bytes, StreamFault> {
    if body.len() >= MAX_ANSWER_BYTES {
        return Err(StreamFault::Malformed(format!("an answer of more than {} MiB", MAX_ANSWER_BYTES >> 20)));
    }
    let codec = passage.model.provider.protocol.codec();
    if let (Crossing::Forward { .. }, false) = (&passage.crossing, is_stream) {
        codec.observe_response(&body, observation)?;
        return Ok(match passage.echo() {
            Some(echo) => Bytes::from(echo.apply(&body).into_owned()),
            None => body,
        });
    }
    let mut answer = if is_stream { fold(codec, &body)? } else { codec.decode_response(&body)? };
    answer.emit(observation);
    if let Crossing::Translate(restoration) = &mut passage.crossing {
        restoration.restore(&mut answer);
    }
    let timing = passage.timing(Some(head_at));
    Ok(Bytes::from(passage.format.codec().encode_response(&passage.context, &answer, timing)))
}

/// Reads a whole answer that goes to no client.
pub(super) async fn receive(model: &Model, response: Response, idle: Duration) -> Result<ChatResponse, UpstreamError> {
    let provider = &model.provider;
    let codec = provider.protocol.codec();
    let is_stream = response.is_stream();
    let body = response.body.collect(MAX_ANSWER_BYTES, idle).await;
    let body = body.map_err(|error| UpstreamError::transport(provider, &error))?;
    let answer = if is_stream { fold(codec, &body) } else { codec.decode_response(&body) };
    answer.map_err(|fault| UpstreamError::fault(provider, fault))
}

/// A stream that came although a whole answer was asked for.
fn fold(codec: &dyn ClientCodec, body: &[u8]) -> Result<ChatResponse, StreamFault> {
    let mut framer = Framer::new(codec.framing());
    let mut decoder = codec.decoder();
    let mut builder = ResponseBuilder::default();
    let mut visit = |raw: RawFrame<'_>| match raw.frame {
        Some(frame) => decoder.push(frame, &mut builder),
        None => Ok(()),
    };
    framer.push(body, &mut visit)?;
    framer.finish(&mut visit)?;
    decoder.finish(&mut builder)?;
    Ok(builder.finish())
}

/// Reads an answer whose status says failure.
pub(super) async fn refusal(model: &Model, response: Response, idle: Duration) -> UpstreamError {
    let retry_after = response.retry_after();
    let status = response.status;
    let rate_headers = response.rate_headers();
    let body = response.body.collect(MAX_ERROR_BYTES, idle).await.unwrap_or_default();
    let error = model.provider.protocol.codec().decode_error(status, &body);
    UpstreamError { rate_headers, ..UpstreamError::provider(&model.provider, error, retry_after) }
}
