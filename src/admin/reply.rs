//! Answers of the admin listener, and what browsers are told about them.

use askama::Template;
use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc::{self, UnboundedSender};
use warp::Reply as _;

use crate::store::StoreError;

/// warp's response; its body type has no name.
pub type Reply = warp::reply::Response;

/// Nothing may be loaded, run, asked or framed but our own files and API, nothing written into a page runs, and forms are
/// sent to us alone. Pictures may be written into a page, as those that somebody sends along in the playground.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A sentence for people.
pub(super) fn text(status: u16, body: impl Into<Cow<'static, str>>) -> Reply {
    let body = match body.into() {
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => Bytes::from(text),
    };
    bytes(status, "text/plain; charset=utf-8", body)
}

/// A body of a type.
pub(super) fn bytes(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = http::Response::new(body.into()).into_response();
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// Bytes as they come: lines of JSON.
pub(super) fn stream(lines: impl Stream<Item = Bytes> + Send + 'static) -> Reply {
    // warp wants what may be shared between threads, which work under way may not. The lock is never taken: whoever polls
    // owns it.
    let mut lines = Mutex::new(Box::pin(lines));
    let lines = stream::poll_fn(move |context| {
        lines.get_mut().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
    });
    let mut reply = warp::reply::stream(lines.map(Ok::<_, Infallible>)).into_response();
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    reply
}

/// Where lines of JSON are put.
pub(super) struct Lines(UnboundedSender<Bytes>);

impl Lines {
    /// Adds one.
    pub(super) fn send(&self, line: &impl Serialize) {
        if let Ok(mut text) = serde_json::to_vec(line) {
            text.push(b'\n');
            // Nobody reads any more: then nobody works any more, either.
            let _ = self.0.send(Bytes::from(text));
        }
    }
}

/// Lines of JSON from somebody who works for as long as they are read.
pub(super) fn lines<F: Future<Output = ()> + Send + 'static>(work: impl FnOnce(Lines) -> F) -> Reply {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let working = stream::once(work(Lines(sender))).filter_map(async |()| None);
    let lines = stream::poll_fn(move |context| receiver.poll_recv(context));
    stream(stream::select(lines, working))
}

/// What the path does not do.
pub(super) fn not_allowed(methods: &'static str) -> Reply {
    let mut reply = text(405, "This does not exist here.\n");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    reply
}

/// Somewhere else: a GET there.
pub(super) fn see_other(location: &str) -> Reply {
    let mut reply = bytes(303, "text/plain; charset=utf-8", "");
    reply.headers_mut().extend(HeaderValue::from_str(location).ok().map(|value| (LOCATION, value)));
    reply
}

/// A page.
pub(super) fn page(status: u16, page: &impl Template) -> Reply {
    match page.render() {
        Ok(text) => bytes(status, "text/html; charset=utf-8", text),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            text(500, "The page cannot be made; the log says why.\n")
        }
    }
}

/// What a page or a login says that needs the database when there is none.
pub(super) fn no_database(error: &StoreError) -> Reply {
    tracing::error!(error = error as &dyn std::error::Error, "the admin listener cannot use the database");
    text(503, "The database cannot be used at the moment; the log says why.\n")
}

/// Adds the headers every answer carries. One that says how it may be cached keeps that; the others are not kept.
pub(super) fn protect(headers: &mut HeaderMap) {
    let always = [
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Other sites learn nothing. With `no-referrer` browsers would send our own forms with `Origin: null`.
        (REFERRER_POLICY, "same-origin"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
