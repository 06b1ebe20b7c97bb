//! The one place that sends with reqwest and yields a byte stream.
//!
//! Timeouts: connecting, waiting for the head of the answer, and silence within the answer each have their own;
//! there is no total, because a long answer is not a fault.

use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::catalog::{Api, Provider};
use crate::protocol::Protocol;
use crate::secret::Secret;

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

/// Sends requests to providers. Holds one client with its connection pool per kind of address.
#[derive(Debug)]
pub struct Transport {
    timeouts: Timeouts,
    /// For `http://`: needs no certificates, so a relay in front of local models never loads them.
    plain: OnceLock<reqwest::Client>,
    /// For `https://`: reads the system's certificates when first used.
    secure: OnceLock<reqwest::Client>,
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

/// The body of an answer, piece by piece. Dropping it before its end closes the connection.
pub struct BodyStream(Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send + Sync>>);

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
    /// A transport; clients are built when first needed.
    pub fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, plain: OnceLock::new(), secure: OnceLock::new() }
    }

    /// The timeouts in force.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Builds the client for `https://` if it is not there yet. It takes milliseconds, so whoever knows that a provider
    /// will be called over TLS does it in the background before the first request needs it.
    pub fn warm_up(&self) {
        self.client(true);
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
        let client = self.client(url.scheme() == "https");
        let mut request = client.request(method, url).headers(headers(provider));
        request = match payload {
            Payload::Empty => request,
            Payload::Json(body) => {
                request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body)
            }
            Payload::Stream(stream) => request.body(reqwest::Body::wrap_stream(stream)),
        };
        let response = request.send().await.map_err(TransportError::from_reqwest)?;
        Ok(Response {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: BodyStream(Box::pin(response.bytes_stream())),
        })
    }

    fn client(&self, secure: bool) -> &reqwest::Client {
        let slot = if secure { &self.secure } else { &self.plain };
        slot.get_or_init(|| {
            // One process has one TLS provider; an earlier call has installed the same.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let builder = reqwest::Client::builder()
                .connect_timeout(self.timeouts.connect)
                .pool_idle_timeout(Duration::from_secs(55))
                .tcp_keepalive(Duration::from_secs(60))
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                // Each try is accounted for; nothing may be sent twice behind our back.
                .retry(reqwest::retry::never())
                .user_agent(concat!("llm-relay/", env!("CARGO_PKG_VERSION")));
            let builder = if secure { builder } else { builder.tls_certs_only([]) };
            builder.build().expect("the client's settings are constants, and the TLS provider was installed at start")
        })
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
        self.0.poll_next_unpin(context).map(|item| item.map(|chunk| chunk.map_err(TransportError::from_reqwest)))
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

    fn from_reqwest(error: reqwest::Error) -> Self {
        let failure = if error.is_timeout() {
            TransportFailure::Timeout
        } else if error.is_connect() {
            TransportFailure::Connect
        } else {
            TransportFailure::Broken
        };
        // The innermost cause says what happened; the layers above repeat each other, and the URL is ours to know.
        let error = error.without_url();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        Self { failure, message: cause.to_string() }
    }
}

/// Credentials and fixed headers of a provider.
fn headers(provider: &Provider) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(4 + provider.headers.len());
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
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
