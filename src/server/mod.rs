//! The API listener: routes, and the edge of every client protocol.
//!
//! [`service`] is what a [`Listener`](crate::listener::Listener) serves: `routes` is the table of everything we answer,
//! `origin` guards against foreign web pages, `caller` says who asks. The handlers are thin: read, resolve, hand to the
//! relay, write. [`ask_as_operator`] is for the admin listener's playground, whose requests take the same way.

mod caller;
mod embeddings;
mod inference;
mod keeping;
mod lists;
mod manage;
mod operator;
mod origin;
mod reply;
mod residents;
mod routes;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, Method};
use hyper::body::Incoming;
use tokio::sync::Notify;
use tower_service::Service;
use warp::Filter;

use crate::auth::KeyRing;
use crate::catalog::Catalog;
use crate::listener::Peer;
use crate::relay::Relay;
pub use keeping::{KeepPrompts, Keeping};
use lists::Rendered;
pub use operator::ask_as_operator;
use residents::Residents;

/// What the handlers share. Snapshots are taken once per request.
pub struct Shared {
    /// What can be called.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// Who may call.
    pub keys: Arc<ArcSwap<KeyRing>>,
    /// What becomes of bodies.
    pub keeping: Arc<ArcSwap<Keeping>>,
    /// Carries requests to providers.
    pub relay: Arc<Relay>,
    /// Settings that do not change while the program runs.
    pub policy: Policy,
    /// Told when a model was pulled, created, copied or deleted on an Ollama instance.
    pub instances_changed: Arc<Notify>,
    /// Which models count as loaded, for Ollama's `ps`.
    residents: Residents,
    /// The long lists, written once per catalog.
    rendered: Rendered,
}

impl Shared {
    /// What the handlers share, at the start: nothing is loaded yet.
    pub fn new(
        catalog: Arc<ArcSwap<Catalog>>,
        keys: Arc<ArcSwap<KeyRing>>,
        keeping: Arc<ArcSwap<Keeping>>,
        relay: Arc<Relay>,
        policy: Policy,
    ) -> Self {
        Self {
            catalog,
            keys,
            keeping,
            relay,
            policy,
            instances_changed: Arc::default(),
            residents: Residents::default(),
            rendered: Rendered::default(),
        }
    }
}

/// Settings of the edge.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether callers need a key.
    pub auth_mode: crate::auth::AuthMode,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Web origins allowed besides the local ones; `*` allows all.
    pub allowed_origins: Vec<String>,
    /// The listener is bound to a loopback address: foreign `Host` headers are refused (DNS rebinding).
    pub loopback_only: bool,
    /// Largest request body, bytes.
    pub max_body_bytes: usize,
    /// How thinking is written on the OpenAI face; `None` follows the provider.
    pub reasoning_field: Option<crate::protocol::ReasoningField>,
}

/// A request as it arrived, body still to come.
pub(crate) struct Request {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    peer: SocketAddr,
    body: RequestBody,
    asker: Asker,
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    /// Whoever its key says.
    Client,
    /// The operator, who was recognised on the admin listener.
    Operator,
}

/// The body of a request, piece by piece.
pub type RequestBody = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send + Sync>>;

/// The API, ready to be served.
///
/// One filter; everything else is plain code in `routes`. Chains of `or` would cost twice the CPU and confuse 404
/// with 405.
pub fn service(
    shared: Arc<Shared>,
) -> impl Service<http::Request<Incoming>, Response = warp::reply::Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    let filter = warp::method()
        .and(warp::path::full())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(warp::body::stream().map(boxed))
        .then(move |method, path: warp::path::FullPath, query, headers, Peer(peer), body| {
            let path = path.as_str().to_owned();
            // Boxed: hyper keeps the room for it as long as the connection lives, also while an answer streams.
            Box::pin(routes::dispatch(
                shared.clone(),
                Request { method, path, query, headers, peer, body, asker: Asker::Client },
            ))
        });
    warp::service(filter)
}

fn boxed(body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send + Sync + 'static) -> RequestBody {
    Box::pin(body.map(|item| item.map(|mut buffer| buffer.copy_to_bytes(buffer.remaining()))))
}
