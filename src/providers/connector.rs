//! Connections to where requests go: over TCP or TLS, directly or through the proxy the environment names
//! (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).

use std::error::Error;
use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderValue, Uri};
use hyper::rt::{Read, Write};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector};
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tower_service::Service;

use super::looked_up::{Family, LookedUp};

type BoxError = Box<dyn Error + Send + Sync>;

/// Where SOCKS proxies listen when nobody says otherwise.
const SOCKS_PORT: u16 = 1080;

/// Bytes to and from a provider, whatever lies beneath.
pub(super) trait Io: Read + Write + Send + Sync + Unpin {}
impl<T: Read + Write + Send + Sync + Unpin> Io for T {}

/// An open way to a provider.
pub(super) struct Link {
    pub(super) io: Box<dyn Io>,
    /// A plain request goes through a proxy, which wants the whole address in the request line.
    pub(super) proxy: Option<PlainProxy>,
}

/// What a proxy wants to see in each request.
#[derive(Debug, Clone)]
pub(super) struct PlainProxy {
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

/// Opens connections.
pub(super) struct Connector {
    tcp: HttpConnector,
    /// `None` when every host is exempt.
    proxies: Option<Matcher>,
    /// Reading the system's certificates takes milliseconds, so a relay in front of local models never does.
    tls: OnceLock<Arc<rustls::ClientConfig>>,
}

impl Connector {
    pub(super) fn new(timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        // Per address, where a name has several; the whole attempt has a deadline of its own.
        tcp.set_connect_timeout(Some(timeout));
        Self { tcp, proxies: Some(Matcher::from_system()).filter(intercepts_names), tls: OnceLock::new() }
    }

    /// Reads the system's certificates, if that was not done yet.
    pub(super) fn warm_up(&self) {
        // Who needs them will be told what is wrong with them.
        let _ = self.tls();
    }

    /// Whether requests to this origin go through a proxy, which then looks the name up.
    pub(super) fn is_proxied(&self, origin: &Uri) -> bool {
        self.proxies.as_ref().is_some_and(|proxies| proxies.intercept(origin).is_some())
    }

    /// Opens a connection to the server of `origin` (scheme and authority).
    pub(super) async fn connect(&self, origin: Uri) -> Result<Link, BoxError> {
        let Some(proxy) = self.proxies.as_ref().and_then(|proxies| proxies.intercept(&origin)) else {
            return Ok(Link { io: self.secured(self.tcp.clone(), origin).await?, proxy: None });
        };
        // Each of them needs kilobytes while it waits, which those that need no proxy shall not have to set aside.
        match proxy.uri().scheme_str() {
            Some("socks4" | "socks4a" | "socks5" | "socks5h") => Box::pin(self.through_socks(&proxy, origin)).await,
            Some("https") => {
                let connector = HttpsConnector::from((self.tcp.clone(), self.tls()?));
                Box::pin(self.through_http(connector, &proxy, origin)).await
            }
            _ => Box::pin(self.through_http(self.tcp.clone(), &proxy, origin)).await,
        }
    }

    async fn through_socks(&self, proxy: &Intercept, origin: Uri) -> Result<Link, BoxError> {
        let (at, tcp) = (with_port(proxy.uri(), SOCKS_PORT)?, self.tcp.clone());
        // Without a port in it these connectors would ask for 443, whatever the scheme.
        let origin = with_port(&origin, if origin.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 })?;
        let socks5 = || {
            let socks = SocksV5::new(at.clone(), tcp.clone());
            match proxy.raw_auth() {
                Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
                None => socks,
            }
        };
        let socks4 = || SocksV4::new(at.clone(), tcp.clone());
        let io = match proxy.uri().scheme_str() {
            // The forms with a letter leave it to the proxy to look the name up.
            Some("socks4a") => self.secured(socks4(), origin).await?,
            Some("socks4") => self.secured(LookedUp::new(socks4(), Family::V4), origin).await?,
            Some("socks5") => self.secured(LookedUp::new(socks5(), Family::Any), origin).await?,
            _ => self.secured(socks5(), origin).await?,
        };
        Ok(Link { io, proxy: None })
    }

    async fn through_http<C>(&self, mut connector: C, proxy: &Intercept, origin: Uri) -> Result<Link, BoxError>
    where
        C: Service<Uri> + Clone + Send + 'static,
        C::Response: Connection + Io + 'static,
        C::Future: Send + 'static,
        C::Error: Into<BoxError>,
    {
        let at = proxy.uri().clone();
        if origin.scheme() == Some(&Scheme::HTTPS) {
            let mut tunnel = Tunnel::new(at, connector);
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            return Ok(Link { io: self.secured(tunnel, origin).await?, proxy: None });
        }
        let io = dial(&mut connector, at).await?;
        let authorization = proxy.basic_auth().cloned();
        Ok(Link { io: Box::new(io), proxy: Some(PlainProxy { authorization }) })
    }

    /// Connects, with TLS on top where the scheme asks for it.
    async fn secured<C>(&self, mut connector: C, origin: Uri) -> Result<Box<dyn Io>, BoxError>
    where
        C: Service<Uri>,
        C::Response: Connection + Io + 'static,
        C::Future: Send + 'static,
        C::Error: Into<BoxError>,
    {
        if origin.scheme() == Some(&Scheme::HTTPS) {
            let mut connector = HttpsConnector::from((connector, self.tls()?));
            return Ok(Box::new(dial(&mut connector, origin).await?));
        }
        Ok(Box::new(dial(&mut connector, origin).await?))
    }

    fn tls(&self) -> Result<Arc<rustls::ClientConfig>, BoxError> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .try_with_platform_verifier()?
            .with_no_client_auth();
        Ok(self.tls.get_or_init(|| Arc::new(config)).clone())
    }
}

/// Whether a name that stands in no list would be reached through a proxy. For the matcher `NO_PROXY=*` exempts names but
/// no addresses; it means every host.
fn intercepts_names(proxies: &Matcher) -> bool {
    ["http://name.invalid", "https://name.invalid"]
        .into_iter()
        .any(|name| proxies.intercept(&Uri::from_static(name)).is_some())
}

/// Connects, once the connector is ready to.
pub(super) async fn dial<C>(connector: &mut C, to: Uri) -> Result<C::Response, BoxError>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
{
    poll_fn(|context| connector.poll_ready(context)).await.map_err(Into::into)?;
    connector.call(to).await.map_err(Into::into)
}

fn with_port(uri: &Uri, port: u16) -> Result<Uri, BoxError> {
    let mut parts = uri.clone().into_parts();
    if let Some(authority) = parts.authority.take() {
        let authority = if authority.port().is_some() { authority } else { format!("{authority}:{port}").parse()? };
        parts.authority = Some(authority);
    }
    Ok(Uri::from_parts(parts)?)
}
