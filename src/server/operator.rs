//! Requests of an operator who tries things out on the admin listener.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, Method};

use super::reply::Reply;
use super::{Asker, Request, RequestBody, Shared, routes};

/// Answers a POST as if a client had sent it, but without asking for a key. It is recorded with the tag `playground`.
///
/// Whoever calls this has made sure that it is the operator, and that no foreign page made their browser ask.
pub async fn ask_as_operator(
    shared: Arc<Shared>,
    path: &str,
    headers: HeaderMap,
    client: IpAddr,
    body: RequestBody,
) -> Reply {
    let (method, path, query) = (Method::POST, path.to_owned(), String::new());
    let request = Request { method, path, query, headers, peer: (client, 0).into(), body, asker: Asker::Operator };
    Box::pin(routes::route(shared, request)).await
}
