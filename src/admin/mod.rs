//! The admin listener: pages for operators, and an API for changes.
//!
//! [`service`] is what a [`Listener`](crate::listener::Listener) serves. `routes` has every path, `access` says who may
//! look, `login` is where browsers log in and out, `origin` tells foreign pages from ours, `api` is everything below
//! `/admin/api/`, and [`InForce`] is what it asks of the configuration. `overview`, `usage`, `requests`, `entries`,
//! `providers`, `keys` and `playground` gather what pages show; [`Inference`] is what the playground asks. `way` follows a
//! name, `names` offers names, `api_address` says where the API is, `words` writes numbers and times for people, `assets`
//! are the files that pages need. Pages are whole without their scripts, which do what the API does, and load nothing from
//! elsewhere; `reply` tells browsers to insist on that.

mod access;
mod api;
mod api_address;
mod assets;
mod backup;
mod docs;
mod entries;
mod expiry;
mod in_force;
mod inference;
mod instruments;
mod keys;
mod lists;
mod login;
mod models;
mod moment;
mod names;
mod origin;
mod overview;
mod playground;
mod providers;
mod reply;
mod requests;
mod routes;
mod settings;
mod storage;
mod system;
mod usage;
mod way;
mod words;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use arc_swap::ArcSwap;
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, Method};
use hyper::body::Incoming;
use ipnet::IpNet;
use tower_service::Service;
use warp::Filter;

pub use access::{TokenError, create_token, first_password, reset_password};
pub use backup::{Backup, BackupError, ChangeWord, Plan, PlannedChange, Skipped, apply, plan};
pub use in_force::{ConfiguredKey, FilesRead, InForce};
pub use inference::{Asked, Inference};
pub use instruments::Instruments;
pub use lists::{AskedProvider, Lists};
pub use reply::Reply as ApiReply;

use crate::auth::{AuthMode, client_address};
use crate::catalog::{Catalog, Model};
use crate::config::Setting;
use crate::listener::Peer;
use crate::protocol::ListedModel;
use crate::relay::Relay;
use crate::secret::Secret;
use crate::store::{Store, StoreError};
use access::{Access, Verdict};
use instruments::TableSizes;

/// What the pages are made from. The catalog's snapshot is taken once per request.
pub struct Shared {
    catalog: Arc<ArcSwap<Catalog>>,
    in_force: Arc<dyn InForce>,
    /// Lists that others keep; `None`: nobody can be asked.
    lists: Option<Arc<dyn Lists>>,
    /// Has routers choose where an operator tries them out.
    relay: Arc<Relay>,
    /// Answers what an operator asks in the playground.
    inference: Arc<dyn Inference>,
    store: Store,
    policy: Policy,
    access: Arc<Access>,
    instruments: Instruments,
    table_sizes: TableSizes,
    started: Instant,
    /// Whoever holds it may edit. Locked on threads that may block, only.
    turn: Mutex<()>,
}

/// Settings that do not change while the program runs.
#[derive(Debug, Clone)]
pub struct Policy {
    /// `ADMIN_PASSWORD`: what opens the pages. Without it that is the password in the database.
    pub password: Option<Secret>,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The listener is bound to a loopback address: foreign `Host` headers are refused (DNS rebinding).
    pub loopback_only: bool,
    /// Where the API listens; shown, and part of the example.
    pub api_address: SocketAddr,
    /// Settings that the environment says, so that they cannot be changed here.
    pub fixed: Vec<Setting>,
    /// Whether callers of the API need a key; the example then shows where it goes.
    pub auth_mode: AuthMode,
}

impl Shared {
    /// What the pages are made from; the time shown as uptime begins now.
    pub fn new(
        catalog: Arc<ArcSwap<Catalog>>,
        in_force: Arc<dyn InForce>,
        relay: Arc<Relay>,
        inference: Arc<dyn Inference>,
        store: Store,
        policy: Policy,
        instruments: Instruments,
    ) -> Self {
        let access = Arc::new(Access::new(store.clone(), policy.password.clone()));
        let (started, turn, table_sizes) = (Instant::now(), Mutex::default(), TableSizes::default());
        Self {
            catalog,
            in_force,
            lists: None,
            relay,
            inference,
            store,
            policy,
            access,
            instruments,
            table_sizes,
            started,
            turn,
        }
    }

    /// Lets the pages ask for lists that others keep.
    #[must_use]
    pub fn with_lists(self, lists: Arc<dyn Lists>) -> Self {
        Self { lists: Some(lists), ..self }
    }

    /// What its provider's list says of a model.
    fn listed(&self, model: &Model) -> Option<ListedModel> {
        self.lists.as_ref()?.listed(&model.provider.id, &model.profile.id)
    }

    /// Writes down who was seen, and follows what other processes change of passwords, logins and tokens.
    ///
    /// # Errors
    /// When the database cannot be used; what is known stays in force.
    pub async fn follow_access(&self) -> Result<(), StoreError> {
        self.access.follow().await
    }
}

/// A request as it arrived, body still to come.
struct Request {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    peer: SocketAddr,
    body: RequestBody,
}

impl Request {
    /// A header as text; what is none does not match anything.
    fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"))
    }

    /// The client's address, behind trusted proxies.
    fn client(&self, policy: &Policy) -> IpAddr {
        client_address(self.peer.ip(), self.text("x-forwarded-for"), &policy.trusted_proxies)
    }

    /// A trusted proxy says that the browser came to it over TLS.
    fn is_over_tls(&self, policy: &Policy) -> bool {
        let peer = self.peer.ip().to_canonical();
        let scheme = self.text("x-forwarded-proto").and_then(|list| list.rsplit(',').next());
        policy.trusted_proxies.iter().any(|network| network.contains(&peer))
            && scheme.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
    }

    /// Who asks.
    async fn judge(&self, shared: &Shared) -> Result<Verdict, StoreError> {
        let client = self.client(&shared.policy);
        let verdict = shared.access.judge(&self.headers, self.is_over_tls(&shared.policy), client).await?;
        match &verdict {
            Verdict::Wrong => tracing::warn!(client.address = %client, "wrong admin password or token"),
            Verdict::Expired { token, .. } => {
                tracing::warn!(client.address = %client, token.name = %token, "admin token that has expired");
            }
            Verdict::Admitted(_) | Verdict::Unknown | Verdict::Throttled(_) => {}
        }
        Ok(verdict)
    }
}

/// The body of a request, piece by piece.
pub type RequestBody = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send + Sync>>;

/// Pages and API, ready to be served.
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
            Box::pin(routes::dispatch(shared.clone(), Request { method, path, query, headers, peer, body }))
        });
    warp::service(filter)
}

fn boxed(body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send + Sync + 'static) -> RequestBody {
    Box::pin(body.map(|item| item.map(|mut buffer| buffer.copy_to_bytes(buffer.remaining()))))
}
