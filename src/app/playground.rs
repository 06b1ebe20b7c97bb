//! The way from the admin listener's playground to the API, inside the process.

use std::pin::Pin;
use std::sync::Arc;

use crate::admin::{ApiReply, Asked, Inference};
use crate::server;

/// Asks the API as its operator.
pub(super) struct Playground(pub(super) Arc<server::Shared>);

impl Inference for Playground {
    fn answer(&self, asked: Asked) -> Pin<Box<dyn Future<Output = ApiReply> + Send>> {
        let shared = self.0.clone();
        let Asked { path, headers, client, body } = asked;
        Box::pin(server::ask_as_operator(shared, path, headers, client, body))
    }
}
