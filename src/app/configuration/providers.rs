//! Providers of the database: their keys opened, and those kept out that would have requests go round.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use url::Url;

use crate::config::StoredProvider;
use crate::secret::Secret;
use crate::store::sealed_keys::SealedKey;
use crate::vault::{Sealed, Vault};

/// What stored providers are made whole with.
pub(super) struct Opening<'a> {
    vault: &'a Vault,
    sealed: HashMap<&'a str, &'a SealedKey>,
    own: Option<SocketAddr>,
}

impl<'a> Opening<'a> {
    /// `own` is the relay's own address, once it has one.
    pub(super) fn new(vault: &'a Vault, sealed: &'a [SealedKey], own: Option<SocketAddr>) -> Self {
        Self { vault, sealed: sealed.iter().map(|key| (key.id.as_str(), key)).collect(), own }
    }

    /// Gives a provider its key, or says why it cannot be used.
    pub(super) fn complete(&self, provider: &mut StoredProvider) {
        if let Some(key) = &provider.key {
            match self.open(&key.id) {
                Ok(key) => provider.entry.api_key = Some(key),
                Err(reason) => provider.fault = Some(format!("its key cannot be read: {reason}")),
            }
        }
        let address = provider.entry.base_url.as_deref();
        if let (Some(own), Some(address)) = (self.own, address)
            && leads_to(address, own)
        {
            provider.fault = Some(format!("{address} is the relay's own address; give its real one"));
        }
    }

    fn open(&self, id: &str) -> Result<Secret, String> {
        let row = self.sealed.get(id).ok_or("it is no longer kept: enter it again")?;
        let sealed = Sealed { key_version: row.key_version.clone(), text: row.sealed.clone() };
        self.vault.open(id, &sealed).map_err(|error| error.to_string())
    }
}

/// Whether an address, as operators write it, is the relay's own.
pub(super) fn leads_to(address: &str, own: SocketAddr) -> bool {
    let address = address.trim();
    let with_scheme = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    Url::parse(&with_scheme).is_ok_and(|url| is_own_address(&url, own))
}

/// Whether an address is the relay's own, as far as one can tell without asking.
pub(in crate::app) fn is_own_address(url: &Url, own: SocketAddr) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback() || ip == own.ip());
    let is_ours = own.ip().is_loopback() || own.ip().is_unspecified();
    is_here && is_ours && url.port_or_known_default() == Some(own.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_address_is_recognised_however_it_is_written() {
        let own: SocketAddr = "127.0.0.1:11434".parse().unwrap();
        for address in ["127.0.0.1:11434", "http://localhost:11434/v1", " http://[::1]:11434 "] {
            assert!(leads_to(address, own), "{address}");
        }
        for address in ["127.0.0.1:11435", "http://gpu-box:11434", "", "http://"] {
            assert!(!leads_to(address, own), "{address}");
        }
    }
}
