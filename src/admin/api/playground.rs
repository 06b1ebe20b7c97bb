//! Requests of the playground: handed to the API in process, as they are, and answered as a client would be.

use std::sync::Arc;

use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use super::super::inference::Asked;
use super::super::reply::Reply;
use super::super::{Request, Shared};

/// Hands the body on to a path of the API. Of the headers only the body's length goes along: cookies and passwords of the
/// admin listener end here.
pub(super) async fn ask(shared: &Arc<Shared>, path: &'static str, request: Request) -> Reply {
    let client = request.client(&shared.policy);
    let length = request.headers.get(CONTENT_LENGTH).cloned();
    let headers = HeaderMap::from_iter(length.map(|length| (CONTENT_LENGTH, length)));
    shared.inference.answer(Asked { path, headers, client, body: request.body }).await
}
