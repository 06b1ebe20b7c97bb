//! What is sent: address, credentials, fixed headers and the body.

use std::pin::Pin;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::InvalidUri;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::Frame;
use percent_encoding::percent_decode_str;
use url::{Position, Url};

use super::connection::RequestBody;
use super::transport::TransportError;
use crate::catalog::{Api, Provider};
use crate::protocol::Protocol;

/// What is sent.
pub enum Payload {
    /// Nothing.
    Empty,
    /// A JSON body.
    Json(Bytes),
    /// Bytes as they come (model files), with their length where known.
    Stream(Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send + Sync>>),
}

/// A request to a provider, as it goes over the wire to the provider itself.
pub(super) fn request(
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
    let mut request = Request::new(Box::new(body));
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
