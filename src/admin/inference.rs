//! What the admin listener needs from the API: that it answers an operator.

use std::net::IpAddr;
use std::pin::Pin;

use http::HeaderMap;

use super::RequestBody;
use super::reply::Reply;

/// The API, asked in process by an operator who has been let in here and needs no key there.
pub trait Inference: Send + Sync {
    /// Answers as the API would, in the client protocol's own shape, errors too.
    fn answer(&self, asked: Asked) -> Pin<Box<dyn Future<Output = Reply> + Send>>;
}

/// What an operator asks of the API.
pub struct Asked {
    /// A path of the API.
    pub path: &'static str,
    /// What concerns the body. Who asks is none of the API's business: no credential is among them.
    pub headers: HeaderMap,
    /// Where the operator sits.
    pub client: IpAddr,
    /// The request's body, piece by piece.
    pub body: RequestBody,
}
