//! What both listeners stand on: the accept loop under warp, the guard against foreign host names, and the reading of
//! bodies.
//!
//! The loop has a header timeout and size, a connection cap, `TCP_NODELAY` and a graceful drain with a deadline.
//! `warp::serve` has none of these, so warp's filters are served as a service under our own loop.

mod body;
mod host;
mod requests;
mod turn;

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

pub use body::{BodyError, collect};
pub use host::{host_name, is_local_host};
pub use requests::Requests;

/// Longest request head, bytes; longer ones get a 431.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// The peer's address, put into each request's extensions by the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Limits of a listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections served at once; more wait in the system's queue.
    pub max_connections: usize,
    /// Time for a complete request head, which is also how long an idle connection is kept.
    pub header_timeout: Duration,
    /// Time for answers in flight when the program stops.
    pub drain: Duration,
}

/// A bound socket, ready to serve.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    connections: Connections,
    requests: Requests,
}

/// The connections of a listener, for whoever counts them.
#[derive(Debug, Clone, Default)]
pub struct Connections(TaskTracker);

impl Connections {
    /// How many are open.
    pub fn open(&self) -> usize {
        self.0.len()
    }
}

/// Binds an address; port 0 lets the system choose.
///
/// # Errors
/// What the system says, for example that the port is taken.
pub async fn bind(address: SocketAddr) -> io::Result<Listener> {
    let socket = TcpListener::bind(address).await?;
    let address = socket.local_addr()?;
    Ok(Listener { socket, address, connections: Connections::default(), requests: Requests::default() })
}

impl Listener {
    /// The address in use.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its connections, also once it serves.
    pub fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// Its requests, also once it serves.
    pub fn requests(&self) -> Requests {
        self.requests.clone()
    }

    /// Serves until `stop`, then refuses new connections and lets answers in flight finish within the drain time.
    /// Returns whether all of them did.
    pub async fn serve<S, B>(self, service: S, limits: Limits, stop: CancellationToken) -> bool
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
    {
        let mut http = hyper::server::conn::http1::Builder::new();
        // Without a timer hyper's header timeout does nothing.
        http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(MAX_HEAD_BYTES);
        let graceful = GracefulShutdown::new();
        let slots = Arc::new(Semaphore::new(limits.max_connections));
        let Connections(connections) = self.connections;
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.socket, &slots) => accepted,
                () = stop.cancelled() => break,
            };
            let (stream, peer, slot) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, most likely: without a pause the loop would spin until one is free.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let (service, requests) = (service.clone(), self.requests.clone());
            let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer));
                requests.counting(service.clone().call(request))
            });
            let connection = Box::pin(graceful.watch(http.serve_connection(TokioIo::new(stream), service)));
            connections.spawn(async move {
                // A client that breaks off or dawdles is its own affair.
                if let Err(error) = turn::in_one_turn(connection).await {
                    tracing::debug!(client.address = %peer, %error, "connection ended");
                }
                drop(slot);
            });
        }
        drop(self.socket);
        connections.close();
        tokio::time::timeout(limits.drain, async {
            graceful.shutdown().await;
            connections.wait().await;
        })
        .await
        .is_ok()
    }
}

async fn accept(
    socket: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = socket.accept().await?;
    // Small events must not wait for the client's acknowledgement of the one before.
    stream.set_nodelay(true)?;
    Ok((stream, peer, slot))
}
