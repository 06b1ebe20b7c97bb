//! Connections through proxies that are told addresses, so that names are looked up here: `socks5://` and `socks4://`.
//!
//! hyper-util's connectors for SOCKS can do that themselves, but ask the system on the spot, and every request on that
//! thread waits for its answer. Here the resolver of direct connections is asked, on a thread for such work.

use std::error::Error;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use super::connector::dial;

type BoxError = Box<dyn Error + Send + Sync>;

/// A connector that is given addresses instead of names. What lies above it, TLS, still sees the name.
#[derive(Clone)]
pub(super) struct LookedUp<C> {
    inner: C,
    family: Family,
}

/// Which addresses the proxy can be told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// SOCKS 5.
    Any,
    /// SOCKS 4.
    V4,
}

impl<C> LookedUp<C> {
    pub(super) fn new(inner: C, family: Family) -> Self {
        Self { inner, family }
    }
}

impl<C> Service<Uri> for LookedUp<C>
where
    C: Service<Uri> + Clone + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (mut inner, family) = (self.inner.clone(), self.family);
        Box::pin(async move { dial(&mut inner, with_address(to, family).await?).await })
    }
}

/// The same place by its first suitable address, as it would be dialled directly.
async fn with_address(to: Uri, family: Family) -> Result<Uri, BoxError> {
    let host = to.host().unwrap_or_default();
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Ok(to);
    }
    let found = GaiResolver::new().call(host.parse::<Name>()?).await?;
    let address = found.map(|found| found.ip()).find(|ip| family == Family::Any || ip.is_ipv4());
    let address = match address.ok_or_else(|| format!("`{host}` has no address that the proxy could be told"))? {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let authority = to.port().map_or(address.clone(), |port| format!("{address}:{port}"));
    let mut parts = to.into_parts();
    parts.authority = Some(authority.parse()?);
    Ok(Uri::from_parts(parts)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(to: &'static str, family: Family) -> String {
        with_address(Uri::from_static(to), family).await.unwrap().to_string()
    }

    #[tokio::test]
    async fn names_become_addresses_and_addresses_stay() {
        assert_eq!(told("https://localhost:81", Family::V4).await, "https://127.0.0.1:81/");
        assert_eq!(told("http://localhost", Family::V4).await, "http://127.0.0.1/");
        let any = told("http://localhost:81", Family::Any).await;
        assert!(["http://127.0.0.1:81/", "http://[::1]:81/"].contains(&any.as_str()), "{any}");
        assert_eq!(told("http://[::1]:81", Family::Any).await, "http://[::1]:81/");
        // That SOCKS 4 cannot go there, its connector says.
        assert_eq!(told("http://[::1]:81", Family::V4).await, "http://[::1]:81/");
    }
}
