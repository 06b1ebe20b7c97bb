//! Answers on the wire: bodies, headers, and the one match from every error to what a client sees.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use warp::Reply as _;

use crate::auth::AuthError;
use crate::auth::tags::TagError;
use crate::listener::BodyError;
use crate::protocol::{ApiError, DecodeError, ErrorKind, ServerCodec};
use crate::relay::{Answer, AnswerBody, RelayError, UpstreamError};
use crate::routing::RouteError;
use crate::routing::smart::Cause;

/// warp's response; its body type has no name.
pub(super) type Reply = warp::reply::Response;

/// Plain text, as Ollama's router answers.
pub(super) fn text(status: u16, body: &'static str) -> Reply {
    bytes(status, "text/plain; charset=utf-8", Bytes::from_static(body.as_bytes()))
}

/// Nothing but a status.
pub(super) fn empty(status: u16) -> Reply {
    let mut reply = http::Response::new(Bytes::new()).into_response();
    *reply.status_mut() = status_code(status);
    reply
}

/// A body of a type.
pub(super) fn bytes(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = http::Response::new(body.into()).into_response();
    *reply.status_mut() = status_code(status);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A redirect to another path.
pub(super) fn redirect(status: u16, location: &str) -> Reply {
    let mut reply = empty(status);
    if let Ok(value) = HeaderValue::from_str(location) {
        reply.headers_mut().insert(LOCATION, value);
    }
    reply
}

/// The relay's answer, with the headers that say where it came from.
pub(super) fn answer(answer: Answer, request_id: &str, resolved_by: &str, router_cause: Option<Cause>) -> Reply {
    let mut reply = match answer.body {
        AnswerBody::Whole(body) => bytes(200, answer.content_type, body),
        AnswerBody::Stream(stream) => {
            let mut reply = warp::reply::stream(*stream).into_response();
            let headers = reply.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
            reply
        }
    };
    let headers = reply.headers_mut();
    headers.extend(answer.rate_headers);
    insert(headers, "x-llm-relay-request-id", request_id);
    insert(headers, "x-llm-relay-provider", &answer.provider);
    insert(headers, "x-llm-relay-model", &answer.model);
    insert(headers, "x-llm-relay-resolved-by", resolved_by);
    if let Some(cause) = router_cause {
        headers.insert("x-llm-relay-router-cause", HeaderValue::from_static(cause.as_str()));
    }
    if !answer.warnings.is_empty() {
        insert(headers, "x-llm-relay-warning", &answer.warnings.join("; "));
    }
    if let Some(cost) = answer.cost {
        insert(headers, "x-llm-relay-cost-usd", &cost.to_usd());
    }
    reply
}

/// A failure on the wire, and in the log unless the record of an upstream answer has put it there already.
/// The message may quote the request, so it is not logged.
pub(super) fn failure(codec: &dyn ServerCodec, failure: &Failure, as_told: &ApiError) -> Reply {
    let mut reply = error(codec, as_told);
    if let Failure::Relay(RelayError::Upstream(upstream)) = failure {
        reply.headers_mut().extend(upstream.rate_headers.clone());
        return reply;
    }
    tracing::info!(
        request.id = %as_told.request_id,
        http.status = as_told.status,
        error.kind = ?as_told.kind,
        error.param = as_told.param.as_deref().unwrap_or_default(),
        "request refused"
    );
    reply
}

/// An error, in the client protocol's own shape.
fn error(codec: &dyn ServerCodec, error: &ApiError) -> Reply {
    let mut reply = bytes(error.status, codec.content_types().error, codec.encode_error(error));
    insert(reply.headers_mut(), "x-llm-relay-request-id", &error.request_id);
    if let Some(wait) = error.retry_after {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    reply
}

/// Everything that can go wrong between a request and its answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The body could not be read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The caller is not known.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The key may not use this model.
    #[error("this API key may not use the model `{0}`")]
    Forbidden(String),
    /// The tags are too many or too long.
    #[error(transparent)]
    Tags(#[from] TagError),
    /// The request is not what its protocol prescribes.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The name leads nowhere.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The relay got no answer. If a provider was asked, there is a record of it.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// An instance that was asked about its models, outside the relay, failed.
    #[error(transparent)]
    Instance(#[from] UpstreamError),
}

impl Failure {
    /// What a client is told. The text of a name that leads nowhere is the protocol's own, so the caller may replace it.
    pub(super) fn to_api_error(&self, request_id: &str) -> ApiError {
        let request_id = request_id.to_owned();
        let plain = |status: u16, kind: ErrorKind| ApiError {
            status,
            kind,
            message: self.to_string(),
            code: None,
            param: None,
            retry_after: None,
            request_id: request_id.clone(),
        };
        match self {
            Self::Body(BodyError::TooLarge { .. }) => {
                let message = format!("{self} (setting MAX_BODY_BYTES)");
                ApiError { message, ..plain(413, ErrorKind::TooLarge) }
            }
            Self::Body(BodyError::BrokenOff) => plain(400, ErrorKind::InvalidRequest),
            Self::Auth(_) => plain(401, ErrorKind::Authentication),
            Self::Forbidden(_) => ApiError { param: Some("model".into()), ..plain(403, ErrorKind::Permission) },
            Self::Tags(_) => plain(400, ErrorKind::InvalidRequest),
            Self::Decode(error) | Self::Relay(RelayError::Decode(error)) => {
                ApiError { param: error.param.clone(), ..plain(error.status, decode_kind(error.status)) }
            }
            Self::Route(error) => {
                let error_for = |status, kind, code: &str| ApiError {
                    code: Some(code.to_owned()),
                    param: Some("model".into()),
                    ..plain(status, kind)
                };
                match error {
                    RouteError::NotFound { .. } => error_for(404, ErrorKind::NotFound, "model_not_found"),
                    RouteError::TargetNotFound { .. } => error_for(404, ErrorKind::NotFound, "target_not_found"),
                    RouteError::Disabled { .. } => error_for(404, ErrorKind::NotFound, "model_disabled"),
                    RouteError::NoKey { .. } | RouteError::Unusable { .. } => {
                        error_for(503, ErrorKind::Upstream, "provider_not_configured")
                    }
                    RouteError::NoCandidate { blames_request: true, .. } => {
                        error_for(400, ErrorKind::InvalidRequest, "no_candidate")
                    }
                    RouteError::NoCandidate { .. } => error_for(503, ErrorKind::Upstream, "no_candidate"),
                    RouteError::RedirectLoop { .. } => error_for(500, ErrorKind::Internal, "redirect_loop"),
                }
            }
            Self::Relay(RelayError::Encode(error)) => {
                ApiError { param: Some(error.param.clone()), ..plain(400, ErrorKind::InvalidRequest) }
            }
            Self::Relay(RelayError::Upstream(error)) | Self::Instance(error) => ApiError {
                code: error.code.clone(),
                param: error.param.clone(),
                retry_after: error.retry_after,
                ..plain(error.status, error.kind)
            },
        }
    }
}

fn decode_kind(status: u16) -> ErrorKind {
    if status >= 500 { ErrorKind::Internal } else { ErrorKind::from_status(status) }
}

/// `retry-after` counts whole seconds; a shorter wait is rounded up, because too early is worse than late.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Header values may hold visible ASCII only; anything else becomes `?`.
fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).unwrap_or_else(|_| {
        let ascii: String = value.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
        HeaderValue::from_str(&ascii).unwrap_or(HeaderValue::from_static("?"))
    });
    headers.insert(HeaderName::from_static(name), value);
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
