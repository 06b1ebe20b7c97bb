//! The way to a provider, step by step: for whoever wants to know at which one it ends.

use std::error::Error;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::Duration;

use http::Uri;

use super::transport::{Transport, TransportError, TransportFailure, origin};
use crate::catalog::Provider;

/// A name server may take this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// At which step it ended.
    pub cause: UnreachableCause,
    /// What was said.
    pub error: TransportError,
}

/// At which step the way to a provider ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreachableCause {
    /// No name server knows its host.
    UnknownHost,
    /// Nothing listens there.
    Refused,
    /// Nothing answered.
    Timeout,
    /// There is somebody, but TLS does not come about.
    Tls,
    /// Something else.
    Other,
}

impl Transport {
    /// The addresses of a provider's host; `None`: a proxy will look it up.
    ///
    /// # Errors
    /// [`Unreachable`] when there are none.
    pub async fn resolve(&self, provider: &Provider) -> Result<Option<Vec<IpAddr>>, Unreachable> {
        let unknown = |message: String| Unreachable {
            cause: UnreachableCause::UnknownHost,
            error: TransportError { failure: TransportFailure::Connect, message },
        };
        let uri = origin(&provider.base_url).parse::<Uri>().map_err(|error| unknown(error.to_string()))?;
        if self.connector.is_proxied(&uri) {
            return Ok(None);
        }
        let host = provider.base_url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = provider.base_url.port_or_known_default().unwrap_or_default();
        let looking = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, port)));
        let found = looking.await.map_err(|_| unknown("no name server answered".to_owned()))?;
        let mut addresses: Vec<IpAddr> = found.map_err(|error| unknown(error.to_string()))?.map(|at| at.ip()).collect();
        addresses.dedup();
        Ok(Some(addresses))
    }

    /// Opens a connection that the next request to the provider will find.
    ///
    /// # Errors
    /// [`Unreachable`] when there is none.
    pub async fn reach(&self, provider: &Provider) -> Result<(), Unreachable> {
        let origin = origin(&provider.base_url);
        let connection = self.connect(&origin).await?;
        self.pool.slot(&origin).give_back(connection);
        Ok(())
    }
}

impl Unreachable {
    /// Reads off an error's causes what happened.
    pub(super) fn because_of(error: &(dyn Error + 'static)) -> Self {
        let mut cause = UnreachableCause::Other;
        let mut next = Some(error);
        while let Some(one) = next {
            let io = one.downcast_ref::<std::io::Error>();
            match io.map(std::io::Error::kind) {
                _ if one.is::<rustls::Error>() => cause = UnreachableCause::Tls,
                Some(ErrorKind::ConnectionRefused) => cause = UnreachableCause::Refused,
                Some(ErrorKind::TimedOut) => cause = UnreachableCause::Timeout,
                Some(_) | None => {}
            }
            // What an I/O error is made from is not its source but what it shows as itself.
            let inner = io.and_then(std::io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
            next = inner.or_else(|| one.source());
        }
        Self { cause, error: TransportError::caused_by(TransportFailure::Connect, error) }
    }

    /// Nothing answered in time.
    pub(super) fn within(limit: Duration) -> Self {
        let message = format!("no connection within {} s", limit.as_secs());
        Self { cause: UnreachableCause::Timeout, error: TransportError { failure: TransportFailure::Timeout, message } }
    }
}
