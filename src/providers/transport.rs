//! The one place that sends, and yields a byte stream.
//!
//! Timeouts: connecting, waiting for the head of the answer, and silence within the answer each have their own;
//! there is no total, because a long answer is not a fault.
//! Nothing is sent twice behind anybody's back, redirects are not followed, and no compression is asked for: it would
//! hold small events back.

use std::borrow::Cow;
use std::error::Error;
use std::time::{Duration, Instant};

use http::header::PROXY_AUTHORIZATION;
use http::uri::InvalidUri;
use http::{Method, Request, Uri};
use url::{Position, Url};

use super::connection::{AnswerBody, Connection, Pool, RequestBody};
use super::connector::Connector;
use super::reach::Unreachable;
use super::request::{Payload, request};
use super::response::Response;
use crate::catalog::Provider;
use crate::redaction::Redactor;
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

/// Sends requests to providers, over connections that are kept for the next request.
pub struct Transport {
    timeouts: Timeouts,
    pub(super) connector: Connector,
    pub(super) pool: Pool,
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
        let began = Instant::now();
        let connection = Box::pin(self.connect(&origin)).await.map_err(|unreachable| unreachable.error)?;
        let connected_in = Some(began.elapsed());
        let response = self.exchange(connection, request, &url, &origin).await.map_err(|unsent| unsent.error)?;
        Ok(Response { connected_in, ..response })
    }

    pub(super) async fn connect(&self, origin: &str) -> Result<Connection, Unreachable> {
        let uri = origin.parse::<Uri>().map_err(|error| Unreachable::because_of(&error))?;
        let connecting = async {
            let link = self.connector.connect(uri).await.map_err(|error| Unreachable::because_of(&*error))?;
            Connection::over(link).await.map_err(|error| Unreachable::because_of(&error))
        };
        let limit = self.timeouts.connect;
        tokio::time::timeout(limit, connecting).await.unwrap_or_else(|_| Err(Unreachable::within(limit)))
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
                let (head, body) = response.into_parts();
                Ok(Response::new(head, AnswerBody::new(body, connection, self.pool.slot(origin))))
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

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}

impl TransportError {
    /// An answer fell silent.
    pub fn silent(idle: Duration) -> Self {
        Self { failure: TransportFailure::Timeout, message: format!("the answer fell silent for {} s", idle.as_secs()) }
    }

    pub(super) fn broken(error: &(dyn Error + 'static)) -> Self {
        Self::caused_by(TransportFailure::Broken, error)
    }

    /// The innermost cause says what happened; the layers above repeat each other.
    pub(super) fn caused_by(failure: TransportFailure, error: &(dyn Error + 'static)) -> Self {
        let mut cause = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        Self { failure, message: cause.to_string() }
    }
}

/// Scheme and authority, without credentials: what connections are kept by.
pub(super) fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), &url[Position::BeforeHost..Position::AfterPort])
}

/// `text` with a provider's key cut out, and whatever else looks like one, for messages that came from outside: proxies
/// and gateways between us and a provider quote keys of their own.
pub(crate) fn without_key(text: String, key: Option<&Secret>) -> String {
    let text = match key {
        Some(key) if !key.expose().is_empty() && text.contains(key.expose()) => text.replace(key.expose(), "***"),
        _ => text,
    };
    match Redactor::built_in().redact(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(redacted) => redacted,
    }
}
