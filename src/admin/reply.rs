//! Answers of the admin listener, and what browsers are told about them.

use askama::Template;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use warp::Reply as _;

use crate::store::StoreError;

/// warp's response; its body type has no name.
pub(super) type Reply = warp::reply::Response;

/// Nothing may be loaded, run, asked or framed but our own files and API, nothing written into a page runs, and forms are
/// sent to us alone.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A sentence for people.
pub(super) fn text(status: u16, body: &'static str) -> Reply {
    bytes(status, "text/plain; charset=utf-8", body)
}

/// A body of a type.
pub(super) fn bytes(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = http::Response::new(body.into()).into_response();
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
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
