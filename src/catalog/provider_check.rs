//! What has to hold before a provider is saved in the database, where everything but its key can be read by whoever reads
//! the page.

use std::collections::HashSet;

use http::{HeaderName, HeaderValue};
use url::Host;

use super::configure::{base_url, wrong_id};
use super::seed::{self, Needs};
use crate::config::{Problem, ProtocolWord, ProviderEntry, StoredProvider};

/// Characters of an id at most.
const MAX_ID: usize = 64;
/// Headers that carry credentials.
const SECRET_HEADERS: [&str; 7] =
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-auth-token", "cookie"];

/// A provider the relay knows by name.
#[derive(Debug, Clone, Copy)]
pub struct KnownProvider {
    /// Its id.
    pub id: &'static str,
    /// What it speaks.
    pub protocol: ProtocolWord,
    /// Where its API begins, unless it needs an address of one's own.
    pub base_url: Option<&'static str>,
    /// Whether it needs a key.
    pub needs_key: bool,
}

/// Those the relay knows, in catalogue order.
pub fn known_providers() -> impl Iterator<Item = KnownProvider> {
    seed::providers().iter().map(|known| KnownProvider {
        id: &known.id,
        protocol: known.protocol,
        base_url: (known.needs == Needs::Key).then_some(known.base_url.as_str()),
        needs_key: known.needs != Needs::Url,
    })
}

/// What is wrong with a provider of this id. The place of each problem ends with the key at fault.
pub(super) fn check(id: &str, stored: &StoredProvider) -> Vec<Problem> {
    let entry = &stored.entry;
    let known = known_providers().find(|known| known.id.eq_ignore_ascii_case(id));
    let at = |key: &str| format!("providers.{id}.{key}");
    let mut problems = Vec::new();
    let mut error = |key: &str, message: String| problems.push(Problem::error(at(key), message));
    if id.is_empty() {
        error("id", "a provider needs an id: what stands before the model in `lab/qwen3`".to_owned());
    } else if let Some(message) = wrong_id(id) {
        error("id", message.to_owned());
    } else if id.len() > MAX_ID {
        error("id", format!("an id has {MAX_ID} characters at most"));
    }
    if entry.protocol.is_none() && known.is_none() {
        error("protocol", "choose what it speaks: openai, anthropic, gemini, ollama or azure".to_owned());
    }
    match &entry.base_url {
        None if known.is_none_or(|known| known.base_url.is_none()) => {
            error("base_url", "it needs the address where its API begins, like http://host:8000/v1".to_owned());
        }
        None => {}
        Some(text) => problems.extend(address(text, stored.key.is_some()).map(|(is_error, message)| {
            if is_error { Problem::error(at("base_url"), message) } else { Problem::warning(at("base_url"), message) }
        })),
    }
    problems.extend(headers(entry).into_iter().map(|message| Problem::error(at("headers"), message)));
    problems.extend(models(entry).map(|message| Problem::error(at("models"), message)));
    let protocol = entry.protocol.or(known.map(|known| known.protocol));
    let is_azure = protocol == Some(ProtocolWord::Azure);
    if is_azure && entry.deployments.is_empty() && entry.models.as_ref().is_none_or(Vec::is_empty) {
        let message = "Azure does not list what can be called: name its deployments, or nothing is found there";
        problems.push(Problem::warning(at("deployments"), message));
    }
    if entry.api_version.is_some() && !is_azure {
        problems.push(Problem::warning(at("api_version"), "only Azure has one"));
    }
    problems
}

/// What is wrong with an address, and whether it cannot be used.
fn address(text: &str, has_key: bool) -> Option<(bool, String)> {
    let url = match base_url(text) {
        Ok(url) => url,
        Err(message) => return Some((true, message)),
    };
    if !url.username().is_empty() || url.password().is_some() {
        let message =
            "an address that is kept here holds no user and password: anybody who sees the page could read them";
        return Some((true, message.to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some((true, "an address ends with its path: leave out what follows `?` or `#`".to_owned()));
    }
    let is_near = match url.host() {
        Some(Host::Domain(name)) => !name.contains('.') || name.ends_with(".local") || name.ends_with(".lan"),
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        None => true,
    };
    let is_open = url.scheme() == "http" && has_key && !is_near;
    is_open.then(|| (false, "the key goes over the network unencrypted: use https if the server has it".to_owned()))
}

fn headers(entry: &ProviderEntry) -> Vec<String> {
    let wrong = |(name, value): (&str, &String)| {
        if SECRET_HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(name)) {
            return Some(format!("`{name}` carries a secret, and headers are shown: enter it as `api_key`"));
        }
        let is_header = HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
        (!is_header).then(|| format!("`{name}` is not a header HTTP could carry"))
    };
    entry.headers.iter().filter_map(wrong).collect()
}

fn models(entry: &ProviderEntry) -> Option<String> {
    let mut seen = HashSet::new();
    for id in entry.models.iter().flatten() {
        if id.trim().is_empty() || id.trim() != id || id.chars().any(char::is_control) {
            return Some(format!("`{}` is not the id of a model", id.escape_debug()));
        }
        if !seen.insert(id.to_ascii_lowercase()) {
            return Some(format!("`{id}` stands in the list twice"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(id: &str, json: &str) -> Vec<String> {
        check(id, &serde_json::from_str(json).unwrap()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_wrong_is_said_with_the_key_at_fault() {
        for (id, json, expected) in [
            ("lab", r#"{"protocol":"openai","base_url":"http://gpu-box:8000/v1"}"#, &[][..]),
            ("openai", r#"{"key":{"id":"k","ends_with":""}}"#, &[]),
            ("OpenAI", "{}", &[]),
            ("lab", "{}", &["lab.protocol: choose", "lab.base_url: it needs the address"]),
            ("ollama", "{}", &["ollama.base_url: it needs the address"]),
            ("1st", r#"{"protocol":"openai","base_url":"h"}"#, &["1st.id: a provider's id is a letter"]),
            ("", r#"{"protocol":"openai","base_url":"h"}"#, &[".id: a provider needs an id"]),
            ("a", r#"{"protocol":"openai","base_url":"ftp://h"}"#, &["a.base_url: `ftp` is not a scheme"]),
            ("a", r#"{"protocol":"openai","base_url":"http://u:p@h"}"#, &["a.base_url: an address that is kept here"]),
            ("a", r#"{"protocol":"openai","base_url":"http://h/v1?key=1"}"#, &["a.base_url: an address ends with"]),
            (
                "a",
                r#"{"protocol":"openai","base_url":"http://h.example/v1","key":{"id":"k","ends_with":""}}"#,
                &["a.base_url: warning: the key goes over the network unencrypted"],
            ),
            ("a", r#"{"protocol":"openai","base_url":"http://192.168.1.5/v1","key":{"id":"k","ends_with":""}}"#, &[]),
            ("openai", r#"{"headers":{"Authorization":"Bearer x"}}"#, &["openai.headers: `Authorization` carries"]),
            ("openai", r#"{"headers":{"a b":"x"}}"#, &["openai.headers: `a b` is not a header"]),
            ("openai", r#"{"models":["a","A"]}"#, &["openai.models: `A` stands in the list twice"]),
            ("openai", r#"{"models":[" "]}"#, &["openai.models: ` ` is not the id of a model"]),
            ("openai", r#"{"api_version":"1"}"#, &["openai.api_version: warning: only Azure"]),
            (
                "azure",
                r#"{"base_url":"https://r.openai.azure.com","key":{"id":"k","ends_with":""}}"#,
                &["azure.deployments: warning: Azure"],
            ),
        ] {
            let found = said(id, json);
            assert_eq!(found.len(), expected.len(), "{id} {json}: {found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.starts_with("providers.") && found.contains(expected), "{found} has no {expected}");
            }
        }
    }
}
