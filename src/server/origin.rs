//! Which web pages may call, and under which host names: Ollama's rules (CORS and the guard against DNS rebinding).

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Method};

use super::Policy;
use super::reply::{self, Reply};
use crate::listener::{host_name, is_local_host};

/// Browser-like programs on the same machine that Ollama trusts by default.
const TRUSTED_SCHEMES: [&str; 5] = ["app://", "file://", "tauri://", "vscode-webview://", "vscode-file://"];
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "0.0.0.0"];

const ALLOW_METHODS: &str = "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS";
const ALLOW_HEADERS: &str = "Authorization,Content-Type,User-Agent,Accept,X-Requested-With,X-Proxy-Tag,X-Api-Key,\
    X-Llm-Relay-Session,\
    Openai-Beta,X-Stainless-Arch,X-Stainless-Async,X-Stainless-Custom-Poll-Interval,X-Stainless-Helper-Method,\
    X-Stainless-Lang,X-Stainless-Os,X-Stainless-Package-Version,X-Stainless-Poll-Helper,X-Stainless-Retry-Count,\
    X-Stainless-Runtime,X-Stainless-Runtime-Version,X-Stainless-Timeout";

/// What the guards decided.
pub(super) enum Verdict {
    /// Answer with this and nothing else.
    Stop(Reply),
    /// Go on; the headers belong on the answer.
    Pass(Option<AllowOrigin>),
}

/// The value of `Access-Control-Allow-Origin`.
pub(super) enum AllowOrigin {
    /// This origin.
    One(HeaderValue),
    /// Any.
    Any,
}

/// Looks at `Host`, `Origin` and the method.
pub(super) fn check(policy: &Policy, method: &Method, headers: &HeaderMap) -> Verdict {
    let host = headers.get(HOST).map(|value| value.to_str().unwrap_or("\u{fffd}"));
    if policy.loopback_only && !host.is_none_or(is_local_host) {
        return Verdict::Stop(reply::empty(403));
    }
    let Some(origin) = headers.get(ORIGIN) else {
        let named = host.map(host_name).is_some_and(|name| !name.is_empty() && name.parse::<IpAddr>().is_err());
        return if method == Method::OPTIONS && named { Verdict::Stop(reply::empty(204)) } else { Verdict::Pass(None) };
    };
    let text = origin.to_str().unwrap_or("null");
    if host.is_some_and(|host| is_same_origin(text, host)) {
        return Verdict::Pass(None);
    }
    let allow = if policy.allowed_origins.iter().any(|pattern| pattern == "*") {
        AllowOrigin::Any
    } else if is_default_origin(text) || policy.allowed_origins.iter().any(|pattern| matches(pattern, text)) {
        AllowOrigin::One(origin.clone())
    } else {
        return Verdict::Stop(reply::empty(403));
    };
    if method == Method::OPTIONS {
        let mut preflight = reply::empty(204);
        allow.write(preflight.headers_mut());
        let headers = preflight.headers_mut();
        headers.insert("access-control-allow-methods", HeaderValue::from_static(ALLOW_METHODS));
        headers.insert("access-control-allow-headers", HeaderValue::from_static(ALLOW_HEADERS));
        headers.insert("access-control-max-age", HeaderValue::from_static("43200"));
        headers.append("vary", HeaderValue::from_static("Access-Control-Request-Method"));
        headers.append("vary", HeaderValue::from_static("Access-Control-Request-Headers"));
        return Verdict::Stop(preflight);
    }
    Verdict::Pass(Some(allow))
}

impl AllowOrigin {
    /// Adds the CORS headers to an answer.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        match self {
            Self::Any => {
                headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
            }
            Self::One(origin) => {
                headers.insert("access-control-allow-origin", origin.clone());
                headers.append("vary", HeaderValue::from_static("Origin"));
            }
        }
        headers.insert("access-control-expose-headers", HeaderValue::from_static("*"));
    }
}

fn is_same_origin(origin: &str, host: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme).is_some_and(|rest| rest == host))
}

fn is_default_origin(origin: &str) -> bool {
    if TRUSTED_SCHEMES.iter().any(|scheme| origin.starts_with(scheme)) {
        return true;
    }
    ["http://", "https://"].iter().any(|scheme| {
        origin.strip_prefix(scheme).is_some_and(|rest| {
            let (name, port) = rest.split_once(':').unwrap_or((rest, "0"));
            LOCAL_HOSTS.contains(&name) && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}

/// A pattern may hold one `*`.
fn matches(pattern: &str, origin: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(origin),
        Some((start, end)) => {
            origin.len() >= start.len() + end.len() && origin.starts_with(start) && origin.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_pages_and_desktop_programs_are_allowed_by_default() {
        for origin in ["http://localhost", "http://localhost:3000", "https://127.0.0.1:8443", "http://0.0.0.0:1"] {
            assert!(is_default_origin(origin), "{origin}");
        }
        for origin in ["app://obsidian.md", "file://", "tauri://localhost", "vscode-webview://x"] {
            assert!(is_default_origin(origin), "{origin}");
        }
        for origin in [
            "null",
            "https://evil.example",
            "http://localhost.evil.example",
            "http://localhost:x",
            "http://localhost:",
            "chrome-extension://x",
            "capacitor://localhost",
        ] {
            assert!(!is_default_origin(origin), "{origin}");
        }
    }

    #[test]
    fn patterns_hold_one_star() {
        assert!(matches("https://*.home.arpa", "https://ui.home.arpa"));
        assert!(matches("chrome-extension://*", "chrome-extension://abc"));
        assert!(!matches("https://*.home.arpa", "https://home.arpa"));
        assert!(!matches("https://ui.home.arpa", "https://ui.home.arpa.evil.example"));
    }

    #[test]
    fn a_page_served_under_our_own_address_is_no_foreign_origin() {
        assert!(is_same_origin("http://nas:11434", "nas:11434"));
        assert!(!is_same_origin("http://nas:3000", "nas:11434"));
    }
}
