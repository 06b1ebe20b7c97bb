//! The one place that sends, and yields a byte stream.
//!
//! Timeouts: connecting, waiting for the head of the answer, and silence within the answer each have their own;
//! there is no total, because a long answer is not a fault.
//! Nothing is sent twice behind anybody's back, redirects are not followed, and no compression is asked for: it would
//! hold small events back.

use std::error::Error;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::write::GzDecoder;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION, RETRY_AFTER,
    USER_AGENT,
};
use http::uri::InvalidUri;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::Frame;
use percent_encoding::percent_decode_str;
use url::{Position, Url};

use super::connection::{AnswerBody, Connection, Pool, RequestBody};
use super::connector::Connector;
use crate::catalog::{Api, Provider};
use crate::protocol::Protocol;
use crate::secret::Secret;

/// Compressed bytes unpacked before what came of them is looked at.
const UNPACKED_AT_ONCE: usize = 4 << 10;
/// What a piece of a compressed answer may unpack to; an ordinary one is a few kilobytes.
const MAX_UNPACKED_BYTES: usize = 16 << 20;

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// From sending the request to the head of the answer.
    pub first_byte: Duration,
    /// Silence within an answer; keep-alive comments count as life.
    pub idle: Duration,
}

/// Sends requests to providers, over connections that are kept for the next request.
pub struct Transport {
    timeouts: Timeouts,
    connector: Connector,
    pool: Pool,
}

/// What is sent.
pub enum Payload {
    /// Nothing.
    Empty,
    /// A JSON body.
    Json(Bytes),
    /// Bytes as they come (model files), with their length where known.
    Stream(Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send + Sync>>),
}

/// The head of an answer, and its body to come.
#[derive(Debug)]
pub struct Response {
    /// HTTP status, also one nobody knows (529).
    pub status: u16,
    /// Headers; encodings are already undone.
    pub headers: HeaderMap,
    /// The body.
    pub body: BodyStream,
}

/// Headers by which a provider says how much of an allowance is left.
pub type RateHeaders = Vec<(HeaderName, HeaderValue)>;

/// The body of an answer, piece by piece, decompressed. Dropping it before its end closes the connection.
pub struct BodyStream {
    /// Boxed: it holds the connection, and is moved from hand to hand.
    body: Box<AnswerBody>,
    gzip: Option<GzDecoder<Vec<u8>>>,
}

/// A request did not get through, or its answer broke off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// What failed.
    pub failure: TransportFailure,
    /// In words, without the address's query and without credentials.
    pub message: String,
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportFailure {
    /// No connection: refused, unknown host, TLS.
    Connect,
    /// Nothing came in time.
    Timeout,
    /// The connection broke.
    Broken,
}

impl Transport {
    /// A transport without connections.
    pub fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, connector: Connector::new(timeouts.connect), pool: Pool::default() }
    }

    /// The timeouts in force.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Reads the system's certificates if that was not done yet. It takes milliseconds, so whoever knows that a
    /// provider will be called over TLS does it in the background before the first request needs it.
    pub fn warm_up(&self) {
        self.connector.warm_up();
    }

    /// Closes connections nobody has used for a while, or that the other side has closed. To be called now and then.
    pub fn sweep(&self) {
        self.pool.sweep();
    }

    /// Opens a connection to the provider for a request that will probably come, unless one is waiting already. A failure
    /// is left for that request to meet.
    pub async fn preconnect(&self, provider: &Provider) {
        let origin = origin(&provider.base_url);
        let mut waiting = self.pool.take(&origin);
        if waiting.is_none() {
            waiting = Box::pin(self.connect(&origin)).await.ok();
        }
        if let Some(connection) = waiting {
            self.pool.slot(&origin).give_back(connection);
        }
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// [`TransportError`] when there is no answer; any HTTP status is an answer.
    pub async fn send(
        &self,
        provider: &Provider,
        method: Method,
        url: Url,
        payload: Payload,
    ) -> Result<Response, TransportError> {
        let first_byte = self.timeouts.first_byte;
        match tokio::time::timeout(first_byte, self.send_patiently(provider, method, url, payload)).await {
            Ok(result) => result,
            Err(_) => Err(TransportError {
                failure: TransportFailure::Timeout,
                message: format!("no answer within {} s", first_byte.as_secs()),
            }),
        }
    }

    /// Sends a request and waits for the head of the answer for as long as it takes: for pulls and uploads of models.
    ///
    /// # Errors
    /// [`TransportError`] when there is no answer; any HTTP status is an answer.
    pub async fn send_patiently(
        &self,
        provider: &Provider,
        method: Method,
        url: Url,
        payload: Payload,
    ) -> Result<Response, TransportError> {
        let mut request = request(provider, method, &url, payload)?;
        let origin = origin(&url);
        while let Some(connection) = self.pool.take(&origin) {
            match self.exchange(connection, request, &url, &origin).await {
                Ok(response) => return Ok(response),
                // The other side closed it before anything was written.
                Err(Unsent { request: Some(unsent), .. }) => request = unsent,
                Err(Unsent { error, .. }) => return Err(error),
            }
        }
        // A large future, and rare: most requests find a connection.
        let connection = Box::pin(self.connect(&origin)).await?;
        self.exchange(connection, request, &url, &origin).await.map_err(|unsent| unsent.error)
    }

    async fn connect(&self, origin: &str) -> Result<Connection, TransportError> {
        let no_connection = |error: &(dyn Error + 'static)| TransportError::caused_by(TransportFailure::Connect, error);
        let uri = origin.parse::<Uri>().map_err(|error| no_connection(&error))?;
        let connecting = async {
            let link = self.connector.connect(uri).await.map_err(|error| no_connection(&*error))?;
            Connection::over(link).await.map_err(|error| no_connection(&error))
        };
        match tokio::time::timeout(self.timeouts.connect, connecting).await {
            Ok(connection) => connection,
            Err(_) => Err(TransportError {
                failure: TransportFailure::Timeout,
                message: format!("no connection within {} s", self.timeouts.connect.as_secs()),
            }),
        }
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        mut request: Request<RequestBody>,
        url: &Url,
        origin: &str,
    ) -> Result<Response, Unsent> {
        if let Some(proxy) = &connection.proxy {
            // Put together anew, because an address may hold credentials, which are for the provider alone.
            let whole = format!("{origin}{}", &url[Position::BeforePath..Position::AfterQuery]);
            *request.uri_mut() = whole.parse().map_err(|error: InvalidUri| TransportError::broken(&error))?;
            if let Some(authorization) = &proxy.authorization {
                request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
            }
        }
        match connection.send(request).await {
            Ok(response) => {
                let (mut head, body) = response.into_parts();
                let is_gzip = head.headers.get(CONTENT_ENCODING).is_some_and(|value| value == "gzip");
                if is_gzip {
                    head.headers.remove(CONTENT_ENCODING);
                    head.headers.remove(CONTENT_LENGTH);
                }
                Ok(Response {
                    status: head.status.as_u16(),
                    headers: head.headers,
                    body: BodyStream {
                        body: Box::new(AnswerBody::new(body, connection, self.pool.slot(origin))),
                        gzip: is_gzip.then(|| GzDecoder::new(Vec::new())),
                    },
                })
            }
            Err(mut failure) => {
                let request = failure.take_message();
                Err(Unsent { error: TransportError::broken(failure.error()), request })
            }
        }
    }
}

/// A request without an answer.
struct Unsent {
    error: TransportError,
    /// The request, when nothing of it was written.
    request: Option<Request<RequestBody>>,
}

impl From<TransportError> for Unsent {
    fn from(error: TransportError) -> Self {
        Self { error, request: None }
    }
}

impl Response {
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

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BodyStream")
    }
}

impl TransportError {
    /// An answer fell silent.
    pub fn silent(idle: Duration) -> Self {
        Self { failure: TransportFailure::Timeout, message: format!("the answer fell silent for {} s", idle.as_secs()) }
    }

    fn broken(error: &(dyn Error + 'static)) -> Self {
        Self::caused_by(TransportFailure::Broken, error)
    }

    /// The innermost cause says what happened; the layers above repeat each other.
    fn caused_by(failure: TransportFailure, error: &(dyn Error + 'static)) -> Self {
        let mut cause = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        Self { failure, message: cause.to_string() }
    }
}

/// Scheme and authority, without credentials: what connections are kept by.
fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), &url[Position::BeforeHost..Position::AfterPort])
}

fn request(
    provider: &Provider,
    method: Method,
    url: &Url,
    payload: Payload,
) -> Result<Request<RequestBody>, TransportError> {
    let mut headers = headers(provider);
    let host = &url[Position::BeforeHost..Position::AfterPort];
    if let Ok(host) = HeaderValue::from_str(host) {
        headers.insert(HOST, host);
    }
    if !url.username().is_empty() && !headers.contains_key(AUTHORIZATION) {
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy();
        let credentials = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
        if let Ok(mut value) = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(credentials))) {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
    }
    let body = match payload {
        Payload::Empty => Either::Left(Full::default()),
        Payload::Json(body) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Either::Left(Full::new(body))
        }
        Payload::Stream(stream) => Either::Right(StreamBody::new(Box::pin(stream.map_ok(Frame::data)) as _)),
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = url[Position::BeforePath..Position::AfterQuery]
        .parse()
        .map_err(|error: InvalidUri| TransportError::broken(&error))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Credentials and fixed headers of a provider.
fn headers(provider: &Provider) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(6 + provider.headers.len());
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("llm-relay/", env!("CARGO_PKG_VERSION"))));
    if provider.protocol == Protocol::Anthropic {
        headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    }
    if let Some(key) = &provider.api_key {
        let (name, value) = match (&provider.api, provider.protocol) {
            (Api::Azure { .. }, _) => ("api-key", key.expose().to_owned()),
            (Api::Standard, Protocol::Anthropic) => ("x-api-key", key.expose().to_owned()),
            (Api::Standard, Protocol::Gemini) => ("x-goog-api-key", key.expose().to_owned()),
            (Api::Standard, Protocol::OpenAi | Protocol::Ollama) => {
                ("authorization", format!("Bearer {}", key.expose()))
            }
        };
        if let Ok(mut value) = HeaderValue::from_str(&value) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    for (name, value) in &provider.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    headers
}

/// `text` with a provider's key cut out, for messages that came from outside.
pub(crate) fn without_key(text: String, key: Option<&Secret>) -> String {
    match key {
        Some(key) if !key.expose().is_empty() && text.contains(key.expose()) => text.replace(key.expose(), "***"),
        _ => text,
    }
}
