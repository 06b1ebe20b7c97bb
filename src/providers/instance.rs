//! Questions to an Ollama instance about itself and its models, with a limit to how long it may take to answer.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use super::{Payload, Transport, ollama_endpoint, without_key};
use crate::catalog::Provider;

const MAX_ANSWER_BYTES: usize = 16 << 20;

/// Why an instance did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// It did not answer.
    #[error("{0}")]
    Unreachable(String),
    /// It answered that it would not.
    #[error("{message}")]
    Refused {
        /// Its HTTP status.
        status: u16,
        /// Its words.
        message: String,
    },
}

impl Transport {
    /// Asks one of an instance's endpoints below `/api/`.
    ///
    /// # Errors
    /// [`InstanceError`], at the latest after `limit`.
    pub async fn ask_instance(
        &self,
        provider: &Provider,
        (method, endpoint): (Method, &str),
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<Bytes, InstanceError> {
        let without_key = |text: String| without_key(text, provider.api_key.as_ref());
        let url = ollama_endpoint(provider, endpoint);
        let payload = body.map_or(Payload::Empty, |body| Payload::Json(Bytes::from(body.to_string())));
        let asking = async {
            let unreachable = |error: super::TransportError| InstanceError::Unreachable(without_key(error.message));
            let response = self.send(provider, method, url, payload).await.map_err(unreachable)?;
            let status = response.status;
            let body = response.body.collect(MAX_ANSWER_BYTES, limit).await.map_err(unreachable)?;
            if (200..300).contains(&status) {
                return Ok(body);
            }
            let message = without_key(provider.protocol.codec().decode_error(status, &body).message);
            Err(InstanceError::Refused { status, message })
        };
        let silence = || Err(InstanceError::Unreachable(format!("no answer within {} s", limit.as_secs())));
        tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| silence())
    }
}
