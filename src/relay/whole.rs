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
    let provider = &passage.model.provider;
    let codec = provider.protocol.codec();
    // There is no telling when the first token was made; the head comes with it at the earliest.
    let head_at = UnixNanos::now();
    let is_stream = response.is_stream();
    let body = match response.body.collect(MAX_ANSWER_BYTES, passage.idle).await {
        Ok(body) => body,
        Err(error) => return Err(fail(recording, UpstreamError::transport(provider, &error))),
    };
    let decoded = if body.len() >= MAX_ANSWER_BYTES {
        Err(StreamFault::Malformed(format!("an answer of more than {} MiB", MAX_ANSWER_BYTES >> 20)))
    } else if is_stream {
        fold(codec, &body)
    } else {
        codec.decode_response(&body)
    };
    let mut answer = match decoded {
        Ok(answer) => answer,
        Err(fault) => return Err(fail(recording, UpstreamError::fault(provider, fault))),
    };
    let mut observation = Observation::of_response(&answer);
    recording.saw_answer(observation.answer_bytes);
    let timing = passage.timing(Some(head_at));
    let format = passage.format.codec();
    let bytes = match &mut passage.crossing {
        Crossing::Forward { .. } if !is_stream => match passage.echo() {
            Some(echo) => Bytes::from(echo.apply(&body).into_owned()),
            None => body,
        },
        Crossing::Forward { .. } => Bytes::from(format.encode_response(&passage.context, &answer, timing)),
        Crossing::Translate(restoration) => {
            restoration.restore(&mut answer);
            Bytes::from(format.encode_response(&passage.context, &answer, timing))
        }
    };
    let cost = complete(recording, &mut observation);
    Ok(passage.answer(format.content_types().whole, cost, AnswerBody::Whole(bytes)))
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
