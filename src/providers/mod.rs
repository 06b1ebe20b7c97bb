//! Vendors: where a request goes and with which credentials. What differs between vendors beyond that is data
//! (`overrides.yaml`, `seed/providers.yaml`), not code.
//!
//! [`address()`] makes the URL, [`Transport`] is the one place that sends a `request` and gives back a [`Response`]; below
//! it, `connector` opens connections (`looked_up`: through proxies that want addresses) and `connection` speaks HTTP over
//! them and keeps them.

mod address;
mod connection;
mod connector;
mod instance;
mod lists;
mod looked_up;
mod reach;
mod request;
mod response;
mod transport;

pub use address::{Operation, address, ollama_endpoint};
pub use instance::InstanceError;
pub use reach::{Unreachable, UnreachableCause};
pub use request::Payload;
pub use response::{BodyStream, RateHeaders, Response};
pub(crate) use transport::without_key;
pub use transport::{Timeouts, Transport, TransportError, TransportFailure};
