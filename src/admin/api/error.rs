//! What the API answers when it does not do what was asked: always JSON, with a word for programs and a sentence for
//! people.

use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::super::reply::{self, Reply};
use crate::listener::BodyError;
use crate::store::StoreError;

/// `{"error": {"message": …, "code": …}}` with a status.
#[derive(Debug)]
pub(in crate::admin) struct ApiError {
    status: u16,
    body: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub(in crate::admin) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        let body = Map::from_iter([
            ("message".to_owned(), Value::String(message.into())),
            ("code".to_owned(), Value::String(code.to_owned())),
        ]);
        Self { status, body, headers: Vec::new() }
    }

    /// More about it, beside message and code.
    pub(super) fn with(mut self, key: &str, value: Value) -> Self {
        self.body.insert(key.to_owned(), value);
        self
    }

    /// A header of the answer. A value that no header can hold is left out.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    pub(in crate::admin) fn into_reply(self) -> Reply {
        let body = Map::from_iter([("error".to_owned(), Value::Object(self.body))]);
        let mut reply = reply::bytes(self.status, "application/json", Value::Object(body).to_string());
        reply.headers_mut().extend(self.headers);
        reply
    }
}

/// What the database refuses is logged here, once; the caller can only try again.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the admin API cannot use the database");
        Self::new(503, "database", "the database cannot be used at the moment; the log says why")
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { .. } => Self::new(413, "too_large", error.to_string()),
            BodyError::BrokenOff => Self::new(400, "broken_off", error.to_string()),
        }
    }
}
