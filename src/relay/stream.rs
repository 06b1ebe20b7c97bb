//! The only loop that polls a provider's socket.
//!
//! A stream is *opening* until its first frame is there: until then a failure is still a proper HTTP error and another
//! target may be tried. After that it is *committed*: a failure becomes the protocol's own error event.
//! Back-pressure comes from polling: nothing is read from the provider that the client's socket has not asked for.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, Sleep};

use super::error::{RelayError, UpstreamError};
use super::observation::Observation;
use super::passage::{Crossing, Passage};
use super::pipe::{Pipe, Tee};
use super::record::{complete, fail, failure};
use super::whole::MAX_ANSWER_BYTES;
use super::{Answer, AnswerBody};
use crate::clock::UnixNanos;
use crate::protocol::framing::Framing;
use crate::protocol::{ApiError, Restoration, StreamFault};
use crate::providers::{BodyStream, Response, TransportError};
use crate::tracking::Recording;

/// Bytes that are ready together leave in one write, up to this size.
const MAX_WRITE_BYTES: usize = 16 << 10;

/// How often the loop steps back before it hands on what is ready.
///
/// This task reads the provider's socket itself; stepping back once gives the other streams their turn, in which more
/// arrives here, so events that are ready together leave in one write. An event that comes alone waits one turn of
/// the scheduler, a few microseconds. There is no timer.
const STEPS_BACK: u8 = 1;

/// A streamed answer in the client's format. Dropping it closes the provider's connection and records that the client
/// went away.
pub struct AnswerStream {
    /// `None` once the provider is done, or has failed.
    upstream: Option<BodyStream>,
    pipe: Pipe,
    passage: Passage,
    /// `None` once the record is written.
    recording: Option<Recording>,
    first_token: Option<UnixNanos>,
    /// Wakes us when somebody has heard nothing for too long. Reset lazily: most chunks only note their time.
    alarm: Pin<Box<Sleep>>,
    /// When the provider last sent something.
    last_byte: Instant,
    /// When the client last got something.
    last_sent: Instant,
    steps_back: u8,
}

/// Why the alarm rang.
enum Alarm {
    /// The provider has been silent for too long.
    Silent,
    /// Proxies between us and the client cut connections on which nothing moves; this moves.
    KeepAlive(&'static [u8]),
}

/// Waits for the first frame of a streamed answer.
pub(super) async fn open(passage: Passage, recording: Recording, response: Response) -> Result<Answer, RelayError> {
    if !response.is_stream() && response.content_type().is_some_and(|kind| kind.contains("json")) {
        return open_whole(passage, recording, response).await;
    }
    let pipe = Pipe::new(passage.model.provider.protocol.codec(), passage.output());
    let mut stream = AnswerStream::new(passage, recording, response.body, pipe);
    while !stream.pipe.has_frames {
        let Some(upstream) = &mut stream.upstream else { break };
        let idle = stream.passage.idle;
        let error = match tokio::time::timeout(idle, upstream.next()).await {
            // Comments alone say that the provider is alive, but it may still turn out to be unable to answer.
            Ok(Some(Ok(chunk))) => match stream.feed(&chunk) {
                Ok(()) => continue,
                Err(fault) => stream.fault(fault),
            },
            Ok(None) => match stream.end() {
                Ok(()) => continue,
                Err(fault) => stream.fault(fault),
            },
            Ok(Some(Err(error))) => UpstreamError::transport(&stream.passage.model.provider, &error),
            Err(_) => UpstreamError::transport(&stream.passage.model.provider, &TransportError::silent(idle)),
        };
        return Err(match stream.recording.take() {
            Some(recording) => fail(recording, error),
            None => error.into(),
        });
    }
    Ok(stream.into_answer())
}

/// A whole answer came although a stream was asked for: it is handed out as the stream it would have been.
async fn open_whole(passage: Passage, mut recording: Recording, response: Response) -> Result<Answer, RelayError> {
    let provider = &passage.model.provider;
    let head_at = UnixNanos::now();
    let body = match response.body.collect(MAX_ANSWER_BYTES, passage.idle).await {
        Ok(body) => body,
        Err(error) => return Err(fail(recording, UpstreamError::transport(provider, &error))),
    };
    let answer = match provider.protocol.codec().decode_response(&body) {
        Ok(answer) => answer,
        Err(fault) => return Err(fail(recording, UpstreamError::fault(provider, fault))),
    };
    let format = passage.format.codec();
    if let (Crossing::Forward { .. }, Framing::Ndjson) = (&passage.crossing, provider.protocol.codec().framing()) {
        // One object is a whole stream of lines. Ollama answers so when a model was only to be loaded.
        let mut observation = Observation::of_response(&answer);
        recording.saw_answer(observation.answer_bytes);
        let bytes = passage.echo().map_or(body.clone(), |echo| Bytes::from(echo.apply(&body).into_owned()));
        let cost = complete(recording, &mut observation);
        return Ok(passage.answer(format.content_types().whole, cost, AnswerBody::Whole(bytes)));
    }
    let timing = passage.timing(Some(head_at));
    let mut restoration = match &passage.crossing {
        Crossing::Translate(restoration) => restoration.clone(),
        Crossing::Forward { .. } => Restoration::default(),
    };
    let mut encoder = format.encoder(passage.context.clone());
    let (mut observation, mut bytes) = (Observation::default(), Vec::new());
    let mut tee = Tee {
        observation: &mut observation,
        restoration: &mut restoration,
        encoder: encoder.as_mut(),
        ready: &mut bytes,
        now: timing.ended,
    };
    answer.emit(&mut tee);
    tee.finish();
    encoder.finish(timing, &mut bytes);
    recording.saw_answer(observation.answer_bytes);
    let cost = complete(recording, &mut observation);
    Ok(passage.answer(format.content_types().stream, cost, AnswerBody::Whole(Bytes::from(bytes))))
}

impl AnswerStream {
    fn new(passage: Passage, recording: Recording, upstream: BodyStream, pipe: Pipe) -> Self {
        Self {
            upstream: Some(upstream),
            pipe,
            alarm: Box::pin(tokio::time::sleep(passage.idle.min(passage.keep_alive))),
            passage,
            recording: Some(recording),
            first_token: None,
            last_byte: Instant::now(),
            last_sent: Instant::now(),
            steps_back: 0,
        }
    }

    fn into_answer(self) -> Answer {
        let content_type = self.passage.format.codec().content_types().stream;
        let mut answer = self.passage.answer(content_type, None, AnswerBody::Whole(Bytes::new()));
        answer.body = AnswerBody::Stream(Box::new(self));
        answer
    }

    fn feed(&mut self, chunk: &[u8]) -> Result<(), StreamFault> {
        self.last_byte = Instant::now();
        let now = UnixNanos::now();
        let before = self.pipe.observation.answer_bytes;
        let result = self.pipe.push(chunk, now);
        let came = self.pipe.observation.answer_bytes - before;
        if came > 0 {
            self.first_token.get_or_insert(now);
        }
        if let Some(recording) = &mut self.recording {
            recording.saw_answer(came);
            // Kept in the record as it comes, so that an answer which is broken off has its cost.
            if let Some(usage) = &self.pipe.observation.usage {
                recording.draft_mut().usage.clone_from(usage);
            }
        }
        result
    }

    /// The provider closed its stream, or said that it is complete. The record is written before the last byte leaves.
    fn end(&mut self) -> Result<(), StreamFault> {
        self.upstream = None;
        self.pipe.end(self.passage.timing(self.first_token))?;
        if let Some(recording) = self.recording.take() {
            complete(recording, &mut self.pipe.observation);
        }
        Ok(())
    }

    fn fault(&self, fault: StreamFault) -> UpstreamError {
        UpstreamError::fault(&self.passage.model.provider, fault)
    }

    /// Writes the protocol's error event; the stream ends after it.
    fn fail(&mut self, error: UpstreamError) {
        self.upstream = None;
        if let Some(recording) = self.recording.take() {
            recording.finish(failure(&error));
        }
        self.pipe.fail(&ApiError {
            status: error.status,
            kind: error.kind,
            message: error.message,
            code: error.code,
            param: error.param,
            retry_after: error.retry_after,
            request_id: self.passage.context.request_id.clone(),
        });
    }

    /// Reads what the provider has. Ready when bytes are to be handed on, or when there will be none.
    fn poll_upstream(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(upstream) = &mut self.upstream {
            match upstream.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(chunk))) => {
                    self.steps_back = 0;
                    if let Err(fault) = self.feed(&chunk) {
                        self.fail(self.fault(fault));
                    } else if self.pipe.ready.len() >= MAX_WRITE_BYTES {
                        break;
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    self.fail(UpstreamError::transport(&self.passage.model.provider, &error));
                }
                Poll::Ready(None) => self.close(),
                Poll::Pending if self.pipe.ready.is_empty() => match ready!(self.poll_alarm(context)) {
                    Alarm::KeepAlive(comment) => {
                        self.pipe.ready.extend_from_slice(comment);
                        break;
                    }
                    Alarm::Silent => {
                        let silent = TransportError::silent(self.passage.idle);
                        self.fail(UpstreamError::transport(&self.passage.model.provider, &silent));
                    }
                },
                Poll::Pending if self.steps_back < STEPS_BACK => {
                    self.steps_back += 1;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                // The answer is complete although the HTTP message is not, and may never be.
                Poll::Pending if self.pipe.is_done() => {
                    if let Some(upstream) = self.upstream.take() {
                        upstream.leave();
                    }
                    self.close();
                }
                Poll::Pending => break,
            }
        }
        Poll::Ready(())
    }

    fn close(&mut self) {
        if let Err(fault) = self.end() {
            self.fail(self.fault(fault));
        }
    }

    /// Ready when the provider has been silent for too long, or the client needs a sign of life.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<Alarm> {
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let now = Instant::now();
            let silent = self.last_byte + self.passage.idle;
            if silent <= now {
                return Poll::Ready(Alarm::Silent);
            }
            let mut next = silent;
            if let Some(comment) = self.passage.format.keep_alive() {
                let sign_of_life = self.last_sent + self.passage.keep_alive;
                if sign_of_life <= now {
                    return Poll::Ready(Alarm::KeepAlive(comment));
                }
                next = next.min(sign_of_life);
            }
            self.alarm.as_mut().reset(next);
        }
    }
}

impl Stream for AnswerStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.poll_upstream(context));
        self.steps_back = 0;
        if self.pipe.ready.is_empty() {
            return Poll::Ready(None);
        }
        self.last_sent = Instant::now();
        Poll::Ready(Some(Ok(Bytes::from(std::mem::take(&mut self.pipe.ready)))))
    }
}
