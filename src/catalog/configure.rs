//! Providers from what is built in, the environment, `relay.yaml` and the database.

use std::sync::Arc;

use url::Url;

use super::seed::{self, Needs, SeedProvider};
use super::{Api, Provider, ProviderOrigin, ProviderState};
use crate::config::{Entries, Problem, ProtocolWord, ProviderEntry, RelayFile, Severity, StoredProvider, Variables};
use crate::protocol::Protocol;
use crate::secret::Secret;

/// The stable version of Azure's API at the time of writing.
const AZURE_API_VERSION: &str = "2024-10-21";

/// A provider and what only the building of the catalog needs to know of it.
pub(super) struct Configured {
    pub(super) provider: Arc<Provider>,
    /// The models `relay.yaml` names.
    pub(super) models: Vec<String>,
    /// Its own names for known models.
    pub(super) deployments: Entries<String>,
    /// The provider whose price rows hold for its models.
    pub(super) prices_of: String,
}

/// What a database's provider lacks that has no key, in the words of "set …".
const KEY_OF_PAGE: &str = "its API key on the admin page";

/// Every provider, known ones first, in catalogue order. What is wrong with one of the database is never more than a
/// warning: it stops that one, not the relay.
pub(super) fn providers(
    variables: &Variables,
    relay: &RelayFile,
    stored: &Entries<StoredProvider>,
    problems: &mut Vec<Problem>,
) -> Vec<Configured> {
    let mut all: Vec<Configured> = Vec::new();
    for known in seed::providers() {
        all.extend(instances(known, variables, relay, stored, problems));
    }
    for (id, entry) in relay.providers.iter() {
        let is_known = seed::knows(id) || all.iter().any(|other| other.provider.id.eq_ignore_ascii_case(id));
        if !is_known {
            let place = relay.place("providers", id);
            all.extend(own(id, &Said::in_file(entry), &place, problems));
        }
    }
    for (id, stored) in stored.iter() {
        if !all.iter().any(|other| other.provider.id.eq_ignore_ascii_case(id)) && !seed::knows(id) {
            let mut found = Vec::new();
            all.extend(own(id, &Said::in_database(stored), &database_place(id), &mut found));
            problems.extend(found.into_iter().map(|problem| Problem { severity: Severity::Warning, ..problem }));
        }
    }
    all
}

fn database_place(id: &str) -> String {
    format!("database providers.{id}")
}

/// What somebody says about a provider, and where.
struct Said<'a> {
    entry: &'a ProviderEntry,
    origin: ProviderOrigin,
    fault: Option<&'a String>,
}

impl<'a> Said<'a> {
    fn in_file(entry: &'a ProviderEntry) -> Self {
        Self { entry, origin: ProviderOrigin::File, fault: None }
    }

    fn in_database(stored: &'a StoredProvider) -> Self {
        Self { entry: &stored.entry, origin: ProviderOrigin::Database, fault: stored.fault.as_ref() }
    }

    fn state(&self, missing: Option<String>) -> ProviderState {
        match (missing, self.fault) {
            _ if self.entry.enabled == Some(false) => ProviderState::Disabled,
            (_, Some(fault)) => ProviderState::Unusable(fault.clone()),
            (Some(_), None) if self.origin == ProviderOrigin::Database => ProviderState::NoKey(KEY_OF_PAGE.to_owned()),
            (Some(setting), None) => ProviderState::NoKey(setting),
            (None, None) => ProviderState::Ready,
        }
    }
}

/// What the environment says about a known provider.
struct FromEnvironment {
    api_key: Option<Secret>,
    /// The setting that lists addresses, and each of them.
    addresses: Vec<(String, String)>,
    api_version: Option<String>,
    /// The settings that say something.
    settings: Vec<String>,
}

impl FromEnvironment {
    fn read(known: &SeedProvider, variables: &Variables, problems: &mut Vec<Problem>) -> Self {
        let mut first_set = |names: &[String], usual: String| {
            std::iter::once(&usual).chain(names).find_map(|name| match variables.get(name) {
                Ok(value) => Some((name.clone(), value?)),
                Err(problem) => {
                    problems.push(problem);
                    None
                }
            })
        };
        let key = first_set(&known.keys, setting(&known.id, "API_KEY"));
        let list = first_set(&known.urls, setting(&known.id, "BASE_URL"));
        let version = first_set(&known.versions, setting(&known.id, "API_VERSION"));
        let settings = [&key, &list, &version].into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let addresses = list.into_iter().flat_map(|(name, list)| {
            let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(|part| (name.clone(), part.to_owned())).collect::<Vec<_>>()
        });
        Self {
            api_key: key.map(|(_, key)| Secret::new(key)),
            addresses: addresses.collect(),
            api_version: version.map(|(_, version)| version),
            settings,
        }
    }
}

impl FromEnvironment {
    fn origin(&self) -> ProviderOrigin {
        match self.settings.as_slice() {
            [] => ProviderOrigin::BuiltIn,
            settings => ProviderOrigin::Environment(settings.to_vec()),
        }
    }
}

/// A known provider: one for each address that its setting lists, at least one.
fn instances(
    known: &SeedProvider,
    variables: &Variables,
    relay: &RelayFile,
    stored: &Entries<StoredProvider>,
    problems: &mut Vec<Problem>,
) -> Vec<Configured> {
    let environment = FromEnvironment::read(known, variables, problems);
    let instance = |index: usize| {
        let id = if index == 0 { known.id.clone() } else { format!("{}-{}", known.id, index + 1) };
        let unchanged = ProviderEntry::default();
        let said = match (relay.providers.get(&id), stored.get(&id)) {
            (Some(entry), _) => Said::in_file(entry),
            (None, Some(other)) => {
                if environment.settings.is_empty() {
                    Said::in_database(other)
                } else {
                    let message = format!(
                        "does not count while the environment says something of it, too: unset {}, or delete it here",
                        environment.settings.join(" and ")
                    );
                    problems.push(Problem::warning(database_place(&id), message));
                    Said { entry: &unchanged, origin: environment.origin(), fault: None }
                }
            }
            (None, None) => Said { entry: &unchanged, origin: environment.origin(), fault: None },
        };
        let entry = said.entry;
        let own_url = match &entry.base_url {
            Some(text) if said.origin == ProviderOrigin::Database => Some((database_place(&id), text.clone())),
            Some(text) => Some((relay.place("providers", &id), text.clone())),
            None => environment.addresses.get(index).cloned(),
        };
        let has_own_url = own_url.is_some();
        let (place, address) = own_url.unwrap_or_else(|| (id.clone(), known.base_url.clone()));
        let is_stored = said.origin == ProviderOrigin::Database;
        let severity = if is_stored { Severity::Warning } else { Severity::Error };
        let wrong = |message| problems.push(Problem { severity, place, field: None, message });
        let base_url = base_url(&address).map_err(wrong).ok()?;
        let api_key = entry.api_key.clone().or_else(|| environment.api_key.clone());
        let missing = missing_setting(known, has_own_url, api_key.is_some());
        let word = entry.protocol.unwrap_or(known.protocol);
        let provider = Provider {
            id,
            protocol: protocol(word),
            api: api(word, entry, environment.api_version.as_ref()),
            base_url,
            versioned: known.versioned,
            api_key,
            headers: headers(&known.headers, &entry.headers),
            state: said.state(missing),
            local: entry.local.unwrap_or(word == ProtocolWord::Ollama),
            discover: entry.discover.unwrap_or(known.discover && entry.models.is_none()),
            origin: said.origin.clone(),
        };
        Some(configured(provider, entry, known.prices_of.clone().unwrap_or_else(|| known.id.clone())))
    };
    (0..environment.addresses.len().max(1)).filter_map(instance).collect()
}

/// The setting a known provider lacks, by the vendor's usual name where that differs from ours.
fn missing_setting(known: &SeedProvider, has_own_url: bool, has_key: bool) -> Option<String> {
    let url = || known.urls.first().cloned().unwrap_or_else(|| setting(&known.id, "BASE_URL"));
    let key = || known.keys.first().cloned().unwrap_or_else(|| setting(&known.id, "API_KEY"));
    match known.needs {
        Needs::Key => (!has_key && !has_own_url).then(|| setting(&known.id, "API_KEY")),
        Needs::Url => (!has_own_url).then(url),
        Needs::UrlAndKey if !has_own_url => Some(url()),
        Needs::UrlAndKey => (!has_key).then(key),
    }
}

fn setting(id: &str, suffix: &str) -> String {
    format!("{}_{suffix}", id.to_ascii_uppercase())
}

/// Why a provider cannot have this id.
pub(super) fn wrong_id(id: &str) -> Option<&'static str> {
    let is_id = id.starts_with(|first: char| first.is_ascii_alphabetic())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    (!is_id).then_some("a provider's id is a letter, then letters, digits, `_` and `-`")
}

/// A provider the relay does not know: its entry says everything.
fn own(id: &str, said: &Said<'_>, place: &str, problems: &mut Vec<Problem>) -> Option<Configured> {
    let entry = said.entry;
    if let Some(message) = wrong_id(id) {
        problems.push(Problem::error(place, message));
        return None;
    }
    let (Some(word), Some(address)) = (entry.protocol, &entry.base_url) else {
        let message = "not a provider the relay knows, so it needs `protocol` and `base_url`";
        problems.push(Problem::error(place, message));
        return None;
    };
    let base_url = match base_url(address) {
        Ok(url) => url,
        Err(message) => {
            problems.push(Problem::error(place, message));
            return None;
        }
    };
    let needs_key = word == ProtocolWord::Azure && entry.api_key.is_none();
    let provider = Provider {
        id: id.to_owned(),
        protocol: protocol(word),
        api: api(word, entry, None),
        base_url,
        versioned: true,
        api_key: entry.api_key.clone(),
        headers: headers(&Entries::default(), &entry.headers),
        state: said.state(needs_key.then(|| format!("providers.{id}.api_key in relay.yaml"))),
        local: entry.local.unwrap_or(word == ProtocolWord::Ollama),
        discover: entry.discover.unwrap_or(entry.models.is_none() && word != ProtocolWord::Azure),
        origin: said.origin.clone(),
    };
    let prices_of = if word == ProtocolWord::Azure { "openai".to_owned() } else { id.to_owned() };
    Some(configured(provider, entry, prices_of))
}

fn configured(provider: Provider, entry: &ProviderEntry, prices_of: String) -> Configured {
    Configured {
        provider: Arc::new(provider),
        models: entry.models.clone().unwrap_or_default(),
        deployments: entry.deployments.clone(),
        prices_of,
    }
}

fn protocol(word: ProtocolWord) -> Protocol {
    match word {
        ProtocolWord::OpenAi | ProtocolWord::Azure => Protocol::OpenAi,
        ProtocolWord::Anthropic => Protocol::Anthropic,
        ProtocolWord::Gemini => Protocol::Gemini,
        ProtocolWord::Ollama => Protocol::Ollama,
    }
}

fn api(word: ProtocolWord, entry: &ProviderEntry, from_environment: Option<&String>) -> Api {
    match word {
        ProtocolWord::Azure => {
            let version = entry.api_version.as_ref().or(from_environment).cloned();
            Api::Azure { api_version: version.unwrap_or_else(|| AZURE_API_VERSION.to_owned()) }
        }
        ProtocolWord::OpenAi | ProtocolWord::Anthropic | ProtocolWord::Gemini | ProtocolWord::Ollama => Api::Standard,
    }
}

/// Built-in headers, each replaced by a configured one of the same name.
fn headers(known: &Entries<String>, configured: &Entries<String>) -> Vec<(String, String)> {
    let kept = known.iter().filter(|(name, _)| configured.get(name).is_none());
    kept.chain(configured.iter()).map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// An address without a scheme is `http`: `192.168.1.5:11434` is how people write their Ollama's.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let mut url = Url::parse(&with_scheme).map_err(|error| format!("not an address like https://host/v1: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{}` is not a scheme we speak: use http or https", url.scheme()));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}
