//! Errors of translation, and the error every client protocol can write.

use std::time::Duration;

/// A client's request is not what its protocol prescribes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    /// Usually 400; Ollama answers 500 for options of a wrong type.
    pub status: u16,
    /// What was wrong and where, in the words of the protocol.
    pub message: String,
    /// The field at fault.
    pub param: Option<String>,
}

impl DecodeError {
    /// A 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), param: None }
    }

    /// A 400 that names the field.
    pub fn field(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), param: Some(param.into()) }
    }
}

/// Something in the request cannot be carried to this provider, and dropping it would change the meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EncodeError {
    /// The field at fault, in OpenAI's spelling.
    pub param: String,
    /// What cannot be carried and why.
    pub message: String,
}

impl EncodeError {
    /// The field and the reason.
    pub fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: param.into(), message: message.into() }
    }
}

/// What a provider said when it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    /// The HTTP status, or the one the error's own words amount to.
    pub status: u16,
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// The provider's message (key material is cut out later, by whoever knows the key).
    pub message: String,
    /// The provider's own code or type, for example `context_length_exceeded`.
    pub code: Option<String>,
    /// The field at fault.
    pub param: Option<String>,
    /// When to try again, where the body says so (Gemini's `RetryInfo`).
    pub retry_after: Option<Duration>,
}

/// What a streamed or whole answer turned out to be instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// The provider reported an error inside a 200.
    #[error("{0}")]
    Provider(ProviderError),
    /// Bytes that are not the protocol.
    #[error("the provider sent something that is not its protocol: {0}")]
    Malformed(String),
    /// The stream ended before its terminator.
    #[error("the provider ended the stream before the answer was complete")]
    Truncated,
}

/// What kind of failure an error is; each protocol has its own words for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong.
    InvalidRequest,
    /// The caller is not known.
    Authentication,
    /// The caller may not do this.
    Permission,
    /// The model, or whatever was named, does not exist.
    NotFound,
    /// The request is too large.
    TooLarge,
    /// Too many requests; later it may work.
    RateLimit,
    /// The account has run dry; later it will not work either.
    Quota,
    /// The provider has too much to do.
    Overloaded,
    /// No answer in time.
    Timeout,
    /// The provider failed.
    Upstream,
    /// We failed.
    Internal,
}

impl ErrorKind {
    /// The kind a bare HTTP status amounts to.
    pub fn from_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::Quota,
            403 => Self::Permission,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimit,
            503 | 529 => Self::Overloaded,
            400..=499 => Self::InvalidRequest,
            _ => Self::Upstream,
        }
    }
}

/// An error as a client will see it; every client protocol can write one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// What was wrong and what to do about it.
    pub message: String,
    /// Machine-readable code (`model_not_found`, `context_length_exceeded`, …).
    pub code: Option<String>,
    /// The field at fault.
    pub param: Option<String>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// The relay's request id, part of every error body.
    pub request_id: String,
}
