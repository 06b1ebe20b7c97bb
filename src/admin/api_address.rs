//! Where the API is, as a browser or a program would reach it.

use std::net::{IpAddr, Ipv4Addr};

use super::Policy;
use crate::listener::host_name;

/// The API's address for people to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiAddress {
    /// Without a path and without a slash at its end: `http://relay.lan:11434`.
    pub(super) url: String,
    pub(super) reach: Reach,
}

/// Who can reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Programs on the relay's own machine.
    ThisMachine,
    /// Whoever reaches the machine, but the address shown is good on that machine only.
    OtherMachinesByAnotherName,
    /// Whoever reaches the page reaches it there.
    Anyone,
}

impl ApiAddress {
    /// For a reader of a page that was asked for under this `Host`. An API that listens on every address is where the
    /// page is.
    pub(super) fn of(policy: &Policy, page_host: Option<&str>) -> Self {
        let api = policy.api_address;
        if !api.ip().is_unspecified() {
            let reach = if api.ip().is_loopback() { Reach::ThisMachine } else { Reach::Anyone };
            return Self { url: format!("http://{api}"), reach };
        }
        let name = page_host.map(host_name).filter(|name| is_host(name));
        let own = IpAddr::from(Ipv4Addr::LOCALHOST).to_string();
        let name = name.map_or(own, str::to_owned);
        let is_own = name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        let reach = if is_own { Reach::OtherMachinesByAnotherName } else { Reach::Anyone };
        let name = if name.contains(':') { format!("[{name}]") } else { name };
        Self { url: format!("http://{name}:{}", api.port()), reach }
    }
}

/// Addresses are copied into shells and programs: only what a host can be called passes.
fn is_host(name: &str) -> bool {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    !name.is_empty() && (is_name || name.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::AuthMode;

    fn address(api: &str, page_host: &str) -> (String, Reach) {
        let policy = Policy {
            password: None,
            trusted_proxies: Vec::new(),
            loopback_only: false,
            api_address: api.parse().unwrap(),
            fixed: Vec::new(),
            auth_mode: AuthMode::Keys,
        };
        let ApiAddress { url, reach } = ApiAddress::of(&policy, Some(page_host));
        (url, reach)
    }

    #[test]
    fn an_api_on_every_address_is_where_the_page_is() {
        let found = |host: &str| address("0.0.0.0:11434", host);
        assert_eq!(found("nas.lan:8080"), ("http://nas.lan:11434".to_owned(), Reach::Anyone));
        assert_eq!(found("[2001:db8::1]:8080"), ("http://[2001:db8::1]:11434".to_owned(), Reach::Anyone));
        let other = Reach::OtherMachinesByAnotherName;
        assert_eq!(found("localhost:8080"), ("http://localhost:11434".to_owned(), other));
        for odd in ["", "x'; rm -rf ~", "a$(b)", "ü"] {
            assert_eq!(found(odd), ("http://127.0.0.1:11434".to_owned(), other), "{odd}");
        }
    }

    #[test]
    fn an_api_on_one_address_is_there() {
        assert_eq!(address("127.0.0.1:1", "nas:8080"), ("http://127.0.0.1:1".to_owned(), Reach::ThisMachine));
        assert_eq!(address("[::1]:1", "nas"), ("http://[::1]:1".to_owned(), Reach::ThisMachine));
        assert_eq!(address("10.0.0.5:1", "nas"), ("http://10.0.0.5:1".to_owned(), Reach::Anyone));
    }
}
