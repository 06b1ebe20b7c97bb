//! HTTP/1.1 connections to providers, driven by whoever waits for them.
//!
//! hyper's connection is a future that somebody must poll. Given to a task of its own, every piece of an answer would
//! cost two task switches and a wake-up, often of another core. Here the request's own task polls it: what lies in the
//! socket is handed on in the same turn. An idle connection is polled by nobody; whether it is still open is looked at
//! when it is taken out of the pool.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::Stream;
use http::{Request, Response};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};

use super::connector::{Io, Link, PlainProxy};

/// Shorter than the time after which providers close idle connections.
const MAX_IDLE: Duration = Duration::from_secs(55);
/// Connections kept per provider; a burst leaves no more behind.
const MAX_KEPT: usize = 256;

/// What a request carries: bytes, or a file that is passed on. Boxed, because with every connection hyper sets room aside
/// for 32 requests.
pub(super) type RequestBody = Box<Either<Full<Bytes>, StreamBody<Frames>>>;
/// A file, piece by piece.
pub(super) type Frames = Pin<Box<dyn Stream<Item = std::io::Result<Frame<Bytes>>> + Send + Sync>>;

/// What moves bytes between socket and channels when it is polled.
type Driver = Pin<Box<http1::Connection<Box<dyn Io>, RequestBody>>>;

/// An open connection.
pub(super) struct Connection {
    sender: SendRequest<RequestBody>,
    /// `None` once the connection has ended.
    driver: Option<Driver>,
    /// What a proxy on the way wants to see.
    pub(super) proxy: Option<PlainProxy>,
}

impl Connection {
    /// Begins to speak HTTP/1.1 over a link.
    pub(super) async fn over(link: Link) -> Result<Self, hyper::Error> {
        let (sender, driver) = http1::handshake(link.io).await?;
        Ok(Self { sender, driver: Some(Box::pin(driver)), proxy: link.proxy })
    }

    /// Sends a request and waits for the head of its answer. The error holds the request when none of it was written.
    pub(super) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|context| {
            self.drive(context);
            // Only the driver brings the answer about, and it wakes us.
            answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        })
        .await
    }

    /// Lets the connection do what can be done now. One that has ended is dropped: whoever waits for it is then told.
    fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(context).is_ready()
        {
            self.driver = None;
        }
    }

    /// Whether the next request can be sent.
    fn is_free(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// The body of an answer. It drives the connection, and gives it back to the pool at its end; dropped before, it closes
/// the connection.
///
/// Many providers send the end of the HTTP message a moment after the last event. Who has read that event waits for
/// nothing and leaves the rest to the pool ([`AnswerBody::leave`]).
pub(super) struct AnswerBody {
    incoming: Incoming,
    /// `None` once it was given back.
    connection: Option<Connection>,
    home: Slot,
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, connection: Connection, home: Slot) -> Self {
        Self { incoming, connection: Some(connection), home }
    }

    /// The next piece.
    pub(super) fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        loop {
            let frame = match self.poll_frame() {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    if let Some(connection) = &mut self.connection {
                        connection.drive(context);
                    }
                    ready!(self.poll_frame())
                }
            };
            match frame {
                Some(Ok(frame)) => {
                    // Trailers say nothing to us.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    if let Some(connection) = self.connection.take() {
                        self.home.give_back(connection);
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Nothing more is expected but the end of the message: whoever takes the connection next looks for it.
    pub(super) fn leave(mut self) {
        if let Some(connection) = self.connection.take() {
            self.home.keep(Idle { connection, rest: Some(self.incoming), since: Instant::now() });
        }
    }

    /// What the driver has read. Only the driver brings more, and it wakes us.
    fn poll_frame(&mut self) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.incoming).poll_frame(&mut Context::from_waker(Waker::noop()))
    }
}

/// Connections that wait for their next request, by origin. The lock is held for a push or a pop.
#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<HashMap<Box<str>, Vec<Idle>>>>);

struct Idle {
    connection: Connection,
    /// What was not read of the last answer: its end, or the connection cannot be used again.
    rest: Option<Incoming>,
    since: Instant,
}

/// Where a connection goes when its answer is complete.
pub(super) struct Slot {
    pool: Pool,
    origin: Box<str>,
}

impl Pool {
    /// The place of an origin's connections.
    pub(super) fn slot(&self, origin: &str) -> Slot {
        Slot { pool: self.clone(), origin: origin.into() }
    }

    /// A connection that is still open: the one used last, because it is the least likely to be closed meanwhile.
    pub(super) fn take(&self, origin: &str) -> Option<Connection> {
        loop {
            let mut idle = self.lock().get_mut(origin)?.pop()?;
            if idle.is_free() {
                return Some(idle.connection);
            }
        }
    }

    /// Closes what nobody has used for a while.
    pub(super) fn sweep(&self) {
        self.lock().retain(|_, idle| {
            idle.retain_mut(Idle::is_free);
            !idle.is_empty()
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Vec<Idle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn is_free(&mut self) -> bool {
        self.since.elapsed() < MAX_IDLE && self.has_ended() && self.connection.is_free()
    }

    /// Whether the last answer is over. Anything but its end, even one more byte, counts as a no.
    fn has_ended(&mut self) -> bool {
        let Some(rest) = &mut self.rest else { return true };
        let context = &mut Context::from_waker(Waker::noop());
        self.connection.drive(context);
        let ended = matches!(Pin::new(rest).poll_frame(context), Poll::Ready(None));
        if ended {
            self.rest = None;
        }
        ended
    }
}

impl Slot {
    pub(super) fn give_back(&mut self, mut connection: Connection) {
        if connection.is_free() {
            self.keep(Idle { connection, rest: None, since: Instant::now() });
        }
    }

    fn keep(&mut self, idle: Idle) {
        let origin = std::mem::take(&mut self.origin);
        let mut pool = self.pool.lock();
        let kept = pool.entry(origin).or_default();
        if kept.len() < MAX_KEPT {
            kept.push(idle);
        }
    }
}
