//! Asking a provider which models it has.

use std::time::Duration;

use http::Method;

use super::{Operation, Payload, Transport, address};
use crate::catalog::Provider;
use crate::protocol::ListedModel;

/// One provider's list may take this long.
const PATIENCE: Duration = Duration::from_secs(20);
const MAX_LIST_BYTES: usize = 16 << 20;

impl Transport {
    /// The models a provider has now.
    ///
    /// # Errors
    /// Why it did not say, in words and without its key.
    pub async fn models(&self, provider: &Provider) -> Result<Vec<ListedModel>, String> {
        let url = address(provider, "", Operation::Models);
        let request = async {
            let response =
                self.send(provider, Method::GET, url, Payload::Empty).await.map_err(|error| error.to_string())?;
            let status = response.status;
            let body = response.body.collect(MAX_LIST_BYTES, PATIENCE).await.map_err(|error| error.to_string())?;
            let codec = provider.protocol.codec();
            if status == 200 {
                codec.decode_models(&body).map_err(|fault| fault.to_string())
            } else {
                Err(format!("status {status}: {}", codec.decode_error(status, &body)))
            }
        };
        let listed =
            tokio::time::timeout(PATIENCE, request).await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        listed.map_err(|reason| super::without_key(reason, provider.api_key.as_ref()))
    }
}
