//! What else might be spoken at an address, after a failure that looks like it.

use std::time::Duration;

use http::Method;

use crate::catalog::Provider;
use crate::protocol::Protocol;
use crate::providers::{Operation, Payload, address};
use crate::relay::Relay;
use crate::relay::error::UpstreamError;
use crate::tracking::ErrorClass;

/// How long another answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
const MAX_BYTES: usize = 64 << 10;

impl Relay {
    /// Which other protocol the server seems to speak.
    pub(super) async fn guess(&self, provider: &Provider, error: &UpstreamError) -> Option<&'static str> {
        let is_odd = match error.class {
            ErrorClass::BadRequest | ErrorClass::Provider | ErrorClass::Malformed | ErrorClass::Truncated => true,
            ErrorClass::ClientClosed
            | ErrorClass::Connect
            | ErrorClass::Timeout
            | ErrorClass::RateLimit
            | ErrorClass::Overloaded
            | ErrorClass::ProviderAuth
            | ErrorClass::Shutdown => false,
        };
        if !is_odd {
            return None;
        }
        let others = [(Protocol::Ollama, "Ollama"), (Protocol::OpenAi, "an OpenAI-compatible server")];
        for (protocol, words) in others.into_iter().filter(|(protocol, _)| *protocol != provider.protocol) {
            let other = Provider { protocol, ..provider.clone() };
            let asking = async {
                let url = address(&other, "", Operation::Models);
                let response = self.transport.send(&other, Method::GET, url, Payload::Empty).await.ok()?;
                let is_answer = response.status == 200;
                let body = response.body.collect(MAX_BYTES, PATIENCE).await.ok()?;
                let lists = serde_json::from_slice::<serde_json::Value>(&body).ok()?;
                let key = if protocol == Protocol::Ollama { "models" } else { "data" };
                (is_answer && lists.get(key)?.is_array()).then_some(words)
            };
            if let Ok(Some(words)) = tokio::time::timeout(PATIENCE, asking).await {
                return Some(words);
            }
        }
        None
    }
}
