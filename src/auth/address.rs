//! The client's address behind proxies.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The client's address: the peer, unless it is a trusted proxy.
///
/// Then it is the right-most entry of `X-Forwarded-For` that is not one: each proxy appends its own peer, and
/// everything left of the first stranger can be invented.
/// When all entries are trusted the left-most is the client. An entry that is no address ends the search at the last
/// good one. IPv4 addresses in IPv6 clothes (`::ffff:10.0.0.1`) are unwrapped before they are compared.
pub fn client_address(peer: IpAddr, forwarded_for: Option<&str>, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    for entry in forwarded_for.unwrap_or("").rsplit(',') {
        if !trusted.iter().any(|network| network.contains(&client)) {
            break;
        }
        let Some(address) = parse(entry.trim()) else {
            break;
        };
        client = address.to_canonical();
    }
    client
}

/// An address, also with a port (Azure's gateways add it) or in brackets.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    entry.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip())).or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded_for: &str) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap());
        client_address(peer.parse().unwrap(), Some(forwarded_for), &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_say_who_it_is() {
        assert_eq!(client("203.0.113.9", "1.1.1.1"), "203.0.113.9");
        assert_eq!(client_address([10, 0, 0, 1].into(), None, &[]).to_string(), "10.0.0.1");
    }

    #[test]
    fn behind_trusted_proxies_the_right_most_stranger_is_the_client() {
        assert_eq!(client("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2"), "203.0.113.9");
        assert_eq!(client("fd00::1", "203.0.113.9"), "203.0.113.9");
        assert_eq!(client("10.0.0.1", "10.0.0.3, 10.0.0.2"), "10.0.0.3");
        assert_eq!(client("10.0.0.1", ""), "10.0.0.1");
    }

    #[test]
    fn wrapped_addresses_and_ports_are_understood() {
        assert_eq!(client("::ffff:10.0.0.1", "::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(client("10.0.0.1", "203.0.113.9:4711"), "203.0.113.9");
        assert_eq!(client("10.0.0.1", "[2001:db8::1]:80"), "2001:db8::1");
        assert_eq!(client("10.0.0.1", "[2001:db8::1]"), "2001:db8::1");
    }

    #[test]
    fn garbage_ends_the_search_at_the_last_good_address() {
        assert_eq!(client("10.0.0.1", "203.0.113.9, unknown, 10.0.0.2"), "10.0.0.2");
        assert_eq!(client("10.0.0.1", "203.0.113.9, 10.0.0.2,"), "10.0.0.1");
    }
}
