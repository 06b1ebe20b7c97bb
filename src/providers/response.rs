//! What came back: the head of an answer, and its body piece by piece, unpacked.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::write::GzDecoder;
use futures_util::{Stream, StreamExt};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::connection::AnswerBody;
use super::transport::{TransportError, TransportFailure};

/// Compressed bytes unpacked before what came of them is looked at.
const UNPACKED_AT_ONCE: usize = 4 << 10;
/// What a piece of a compressed answer may unpack to; an ordinary one is a few kilobytes.
const MAX_UNPACKED_BYTES: usize = 16 << 20;

/// The head of an answer, and its body to come.
#[derive(Debug)]
pub struct Response {
    /// HTTP status, also one nobody knows (529).
    pub status: u16,
    /// Headers; encodings are already undone.
    pub headers: HeaderMap,
    /// The body.
    pub body: BodyStream,
    /// What opening a connection took, TLS included; `None` when one was open already.
    pub connected_in: Option<Duration>,
}

/// Headers by which a provider says how much of an allowance is left.
pub type RateHeaders = Vec<(HeaderName, HeaderValue)>;

/// The body of an answer, piece by piece, decompressed. Dropping it before its end closes the connection.
pub struct BodyStream {
    /// Boxed: it holds the connection, and is moved from hand to hand.
    body: Box<AnswerBody>,
    gzip: Option<GzDecoder<Vec<u8>>>,
}

impl Response {
    pub(super) fn new(mut head: Parts, body: AnswerBody) -> Self {
        let is_gzip = head.headers.get(CONTENT_ENCODING).is_some_and(|value| value == "gzip");
        if is_gzip {
            head.headers.remove(CONTENT_ENCODING);
            head.headers.remove(CONTENT_LENGTH);
        }
        let gzip = is_gzip.then(|| GzDecoder::new(Vec::new()));
        let body = BodyStream { body: Box::new(body), gzip };
        Self { status: head.status.as_u16(), headers: head.headers, body, connected_in: None }
    }

    /// Whether the body is server-sent events or lines of JSON, whatever was asked for.
    pub fn is_stream(&self) -> bool {
        self.content_type()
            .is_some_and(|value| value.starts_with("text/event-stream") || value.starts_with("application/x-ndjson"))
    }

    /// The media type, if the head says one.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
    }

    /// Headers that say how much of our allowance is left. Their units differ between providers, so they are passed on
    /// under their own names or not at all.
    pub fn rate_headers(&self) -> RateHeaders {
        let is_rate = |name: &HeaderName| {
            name.as_str().starts_with("x-ratelimit-") || name.as_str().starts_with("anthropic-ratelimit-")
        };
        self.headers
            .iter()
            .filter(|(name, _)| is_rate(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// When to try again: `retry-after-ms`, or `retry-after` in seconds or as a date.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = |name: &HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(millis) = text(&HeaderName::from_static("retry-after-ms")).and_then(|text| text.parse().ok()) {
            return Some(Duration::from_millis(millis));
        }
        let value = text(&RETRY_AFTER)?;
        if let Ok(seconds) = value.trim().parse::<f64>() {
            return Duration::try_from_secs_f64(seconds).ok();
        }
        let date = jiff::fmt::rfc2822::parse(value).ok()?;
        Duration::try_from(date.timestamp().duration_since(jiff::Timestamp::now())).ok()
    }
}

impl BodyStream {
    /// Nothing more is expected but the end of the body: its connection is kept for the next request, which looks
    /// whether the end has come.
    pub fn leave(self) {
        self.body.leave();
    }

    /// Reads the rest of the body, up to `limit` bytes; what lies beyond is left out.
    ///
    /// # Errors
    /// [`TransportError`] when the connection breaks or stays silent for `idle`.
    pub async fn collect(mut self, limit: usize, idle: Duration) -> Result<Bytes, TransportError> {
        let mut first: Option<Bytes> = None;
        let mut all = Vec::new();
        loop {
            let next = tokio::time::timeout(idle, self.next()).await.map_err(|_| TransportError::silent(idle))?;
            match (next, first.take()) {
                (None, Some(only)) => return Ok(only),
                (None, None) => return Ok(Bytes::from(all)),
                (Some(Err(error)), _) => return Err(error),
                (Some(Ok(chunk)), None) if all.is_empty() && chunk.len() <= limit => first = Some(chunk),
                (Some(Ok(chunk)), earlier) => {
                    all.extend(earlier.into_iter().flatten());
                    all.extend_from_slice(&chunk[..chunk.len().min(limit - all.len().min(limit))]);
                    if all.len() >= limit {
                        return Ok(Bytes::from(all));
                    }
                }
            }
        }
    }
}

impl Stream for BodyStream {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.body.poll_data(context).map(|data| match (data, &mut this.gzip) {
            (None, _) => None,
            (Some(Err(error)), _) => Some(Err(TransportError::broken(&error))),
            (Some(Ok(data)), None) => Some(Ok(data)),
            (Some(Ok(data)), Some(decoder)) => Some(unpacked(decoder, &data)),
        })
    }
}

/// What a piece of a compressed body unpacks to; may be nothing yet. Zeros shrink a thousandfold, so what a small piece
/// unpacks to is bounded.
fn unpacked(decoder: &mut GzDecoder<Vec<u8>>, data: &[u8]) -> Result<Bytes, TransportError> {
    for part in data.chunks(UNPACKED_AT_ONCE) {
        decoder.write_all(part).map_err(|error| TransportError::broken(&error))?;
        if decoder.get_ref().len() > MAX_UNPACKED_BYTES {
            return Err(TransportError {
                failure: TransportFailure::Broken,
                message: format!("a piece of the compressed answer is larger than {} MiB", MAX_UNPACKED_BYTES >> 20),
            });
        }
    }
    decoder.flush().map_err(|error| TransportError::broken(&error))?;
    Ok(Bytes::from(std::mem::take(decoder.get_mut())))
}

impl std::fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BodyStream")
    }
}
