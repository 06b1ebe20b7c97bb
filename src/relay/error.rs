//! Why a request got no answer.

use std::time::Duration;

use crate::catalog::Provider;
use crate::protocol::{DecodeError, EncodeError, ErrorKind, ProviderError, StreamFault};
use crate::providers::{RateHeaders, TransportError, TransportFailure, without_key};
use crate::tracking::ErrorClass;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// The client's request is wrong.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It cannot be carried to this provider.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The provider failed.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// How a provider failed, and what a client is told about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UpstreamError {
    /// What happened, for records and for the decision to fall back.
    pub class: ErrorClass,
    /// The status the client gets.
    pub status: u16,
    /// The kind of error the client gets.
    pub kind: ErrorKind,
    /// Names the provider; key material is cut out.
    pub message: String,
    /// The provider's own code.
    pub code: Option<String>,
    /// The field at fault.
    pub param: Option<String>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// How much of the allowance at the provider is left, in the provider's own words.
    pub rate_headers: RateHeaders,
}

impl RelayError {
    /// Another target may do better: everything but a request that is wrong in itself.
    pub fn may_fall_back(&self) -> bool {
        match self {
            Self::Decode(_) => false,
            // Another provider may be able to carry it.
            Self::Encode(_) => true,
            Self::Upstream(error) => error.blames_target(),
        }
    }
}

impl UpstreamError {
    /// The target failed, not the request: another target, or the same one later, may do better.
    pub(super) fn blames_target(&self) -> bool {
        self.class.blames_target()
    }

    /// The request did not get through, or the answer broke off.
    pub fn transport(provider: &Provider, error: &TransportError) -> Self {
        let (class, status, kind, what) = match error.failure {
            TransportFailure::Connect => (ErrorClass::Connect, 502, ErrorKind::Upstream, "could not be reached"),
            TransportFailure::Timeout => (ErrorClass::Timeout, 504, ErrorKind::Timeout, "did not answer in time"),
            TransportFailure::Broken => (ErrorClass::Provider, 502, ErrorKind::Upstream, "broke off the connection"),
        };
        Self::new(class, status, kind, format!("provider `{}` {what}: {}", provider.id, error.message), provider)
    }

    /// The provider reported an error, by status or inside an answer.
    pub fn provider(provider: &Provider, error: ProviderError, retry_after: Option<Duration>) -> Self {
        let retry_after = retry_after.or(error.retry_after);
        let (class, status, kind) = match (error.kind, error.status) {
            // It is our key that was refused, not the client's: a 401 would send the client looking at its own.
            (ErrorKind::Authentication | ErrorKind::Permission, _) => {
                let message = format!("provider `{}` refused the relay's key: {}", provider.id, error.message);
                let refused = Self::new(ErrorClass::ProviderAuth, 502, ErrorKind::Upstream, message, provider);
                return Self { code: error.code, ..refused };
            }
            (ErrorKind::RateLimit | ErrorKind::Quota, status) => {
                (ErrorClass::RateLimit, if status >= 400 { status } else { 429 }, error.kind)
            }
            // 529 is Anthropic's own; clients of other protocols know 503.
            (ErrorKind::Overloaded, _) => (ErrorClass::Overloaded, 503, ErrorKind::Overloaded),
            (ErrorKind::Timeout, status) => (ErrorClass::Timeout, if status == 408 { 408 } else { 504 }, error.kind),
            (ErrorKind::InvalidRequest | ErrorKind::NotFound | ErrorKind::TooLarge, status @ 400..=499) => {
                (ErrorClass::BadRequest, status, error.kind)
            }
            (ErrorKind::InvalidRequest, _) => (ErrorClass::BadRequest, 400, error.kind),
            (ErrorKind::NotFound, _) => (ErrorClass::BadRequest, 404, error.kind),
            (ErrorKind::TooLarge, _) => (ErrorClass::BadRequest, 413, error.kind),
            (ErrorKind::Upstream | ErrorKind::Internal, status) => {
                (ErrorClass::Provider, if (500..=599).contains(&status) { status } else { 502 }, ErrorKind::Upstream)
            }
        };
        Self {
            code: error.code,
            param: error.param,
            retry_after,
            ..Self::new(class, status, kind, error.message, provider)
        }
    }

    /// An answer turned out to be none.
    pub(super) fn fault(provider: &Provider, fault: StreamFault) -> Self {
        let class = match fault {
            StreamFault::Provider(error) => return Self::provider(provider, error, None),
            StreamFault::Malformed(_) => ErrorClass::Malformed,
            StreamFault::Truncated => ErrorClass::Truncated,
        };
        Self::new(class, 502, ErrorKind::Upstream, format!("provider `{}`: {fault}", provider.id), provider)
    }

    fn new(class: ErrorClass, status: u16, kind: ErrorKind, message: String, provider: &Provider) -> Self {
        let message = without_key(message, provider.api_key.as_ref());
        Self { class, status, kind, message, code: None, param: None, retry_after: None, rate_headers: Vec::new() }
    }
}
