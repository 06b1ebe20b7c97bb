//! Host names that can only mean this machine or its own network.
//!
//! A web page may let its own host name point at 127.0.0.1 (DNS rebinding); its requests then carry that name in `Host`.

use std::net::IpAddr;

/// The name part of a `Host` header.
pub fn host_name(host: &str) -> &str {
    if let Some(bracketed) = host.strip_prefix('[') {
        return bracketed.split(']').next().unwrap_or_default();
    }
    host.split(':').next().unwrap_or_default()
}

/// Names under which only this machine or its own network can be meant.
pub fn is_local_host(host: &str) -> bool {
    let name = host_name(host);
    if name.is_empty() {
        return true;
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        return match address {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_unspecified() || v4.is_link_local(),
            IpAddr::V6(v6) => {
                v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
            }
        };
    }
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || [".localhost", ".local", ".internal"].iter().any(|suffix| name.ends_with(suffix))
        || machine_name().is_some_and(|machine| machine.eq_ignore_ascii_case(&name))
}

fn machine_name() -> Option<&'static str> {
    static NAME: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    NAME.get_or_init(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    })
    .as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_host_names_are_not_local() {
        for host in ["", "localhost", "LOCALHOST:11434", "127.0.0.1:1", "[::1]:11434", "192.168.1.5", "nas.local"] {
            assert!(is_local_host(host), "{host}");
        }
        for host in ["evil.example", "evil.example:11434", "8.8.8.8", "localhost.evil.example", "[2001:4860::1]"] {
            assert!(!is_local_host(host), "{host}");
        }
    }
}
