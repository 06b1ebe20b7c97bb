//! Vendors: where a request goes and with which credentials. What differs between vendors beyond that is data
//! (`overrides.yaml`, `seed/providers.yaml`), not code.
//!
//! [`address()`] makes the URL, [`Transport`] is the one place that sends; below it, `connector` opens connections and
//! `connection` speaks HTTP over them and keeps them.

mod address;
mod connection;
mod connector;
mod transport;

pub use address::{Operation, address, ollama_endpoint};
pub(crate) use transport::without_key;
pub use transport::{
    BodyStream, Payload, RateHeaders, Response, Timeouts, Transport, TransportError, TransportFailure,
};
