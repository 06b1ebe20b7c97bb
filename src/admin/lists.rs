//! What the admin listener asks of others' lists: providers' models, and a public list of prices.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::protocol::ListedModel;

/// Lists that others keep.
pub trait Lists: Send + Sync {
    /// What a provider's list says of a model, as far as it was asked already.
    fn listed(&self, provider: &str, id: &str) -> Option<ListedModel>;

    /// Asks every provider that can be asked for its models now. What they say is in force then, as it is after the
    /// asking in the background.
    fn ask_providers(&self) -> BoxFuture<'_, Vec<AskedProvider>>;

    /// Fetches the public price list. The error is a sentence that says what was tried.
    fn fetch_prices(&self) -> BoxFuture<'_, Result<Bytes, String>>;

    /// Where the public price list is.
    fn price_list_url(&self) -> &str;
}

/// A provider that was asked for its models.
#[derive(Debug)]
pub struct AskedProvider {
    /// Its id.
    pub provider: String,
    /// Its models, or why there are none.
    pub answer: Result<Vec<ListedModel>, String>,
}
