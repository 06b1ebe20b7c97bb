//! Lists that others keep, asked over the transport that requests take.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use url::{Position, Url};

use super::configuration::Configuration;
use super::{SharedTransport, discovery};
use crate::admin::{self, AskedProvider};
use crate::catalog::{Api, Provider, ProviderOrigin, ProviderState};
use crate::protocol::{ListedModel, Protocol};
use crate::providers::Payload;

/// Some three megabytes when this was written.
const MAX_BYTES: usize = 32 << 20;
/// For all of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Providers' lists and the public price list.
pub(super) struct Lists {
    pub(super) configuration: Arc<Configuration>,
    pub(super) transport: SharedTransport,
    pub(super) price_list: Url,
}

impl admin::Lists for Lists {
    fn listed(&self, provider: &str, id: &str) -> Option<ListedModel> {
        self.configuration.listed(provider, id)
    }

    fn ask_providers(&self) -> BoxFuture<'_, Vec<AskedProvider>> {
        discovery::ask_all(&self.configuration, &self.transport, true).boxed()
    }

    fn fetch_prices(&self) -> BoxFuture<'_, Result<Bytes, String>> {
        let fetched = async {
            let fetching = tokio::time::timeout(PATIENCE, self.fetch()).await;
            let reason = match fetching {
                Ok(Ok(list)) => return Ok(list),
                Ok(Err(reason)) => reason,
                Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
            };
            Err(format!("the price list at {} cannot be fetched: {reason}", self.price_list_url()))
        };
        fetched.boxed()
    }

    fn price_list_url(&self) -> &str {
        // Without what could be a secret.
        &self.price_list[..Position::AfterPath]
    }
}

impl Lists {
    async fn fetch(&self) -> Result<Bytes, String> {
        let host = nobody(self.price_list.clone());
        let sent = self.transport.send(&host, Method::GET, self.price_list.clone(), Payload::Empty).await;
        let response = sent.map_err(|error| error.to_string())?;
        if response.status != 200 {
            return Err(format!("status {}", response.status));
        }
        let list = response.body.collect(MAX_BYTES, PATIENCE).await.map_err(|error| error.to_string())?;
        if list.len() < MAX_BYTES { Ok(list) } else { Err(format!("it has more than {} MiB", MAX_BYTES >> 20)) }
    }
}

/// Somebody who is asked without credentials.
fn nobody(address: Url) -> Provider {
    Provider {
        id: "price-list".to_owned(),
        protocol: Protocol::OpenAi,
        api: Api::Standard,
        base_url: address,
        versioned: false,
        api_key: None,
        headers: Vec::new(),
        state: ProviderState::Ready,
        local: false,
        discover: false,
        origin: ProviderOrigin::BuiltIn,
    }
}
