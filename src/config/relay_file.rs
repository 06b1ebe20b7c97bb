//! `relay.yaml`: providers, names, routers and keys. Read and checked in shape here; what the names mean is the
//! catalog's business.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_with_macros::skip_serializing_none;

use super::locate::Locator;
use super::{ConfiguredPath, Entries, Problem, ProviderEntry, TimeSpan, Variables, entries, values, yaml};
use crate::secret::Secret;

/// How long a designator may take, unless the router says otherwise.
const DEFAULT_BUDGET: Duration = Duration::from_millis(800);
/// How long choosing may take in all.
const DEFAULT_HARD_LIMIT: Duration = Duration::from_millis(1500);
const LONGEST_LIMIT: Duration = Duration::from_secs(60);
const DEFAULT_BREAKER_TIME: Duration = Duration::from_secs(30);
const DEFAULT_CACHE_TTL: Duration = Duration::from_secs(5 * 60);
const DEFAULT_SESSION_TTL: Duration = Duration::from_secs(60 * 60);
/// More than a model can weigh against each other, and than its prompt should hold.
const MAX_CANDIDATES: usize = 50;

/// `relay.yaml`. Every part is optional.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelayFile {
    /// What an unknown name becomes; absent: unknown names are errors.
    pub default_model: Option<String>,
    /// Providers by id: known ones with something changed, and own ones.
    pub providers: Entries<ProviderEntry>,
    /// Aliases by name.
    #[serde(deserialize_with = "entries::short_or_full")]
    pub aliases: Entries<AliasEntry>,
    /// Redirects by the name, or pattern ending in `*`, they replace.
    #[serde(deserialize_with = "entries::short_or_full")]
    pub redirects: Entries<RedirectEntry>,
    /// Smart routers by name.
    pub routers: Entries<RouterEntry>,
    /// Keys of clients.
    pub keys: Vec<KeyEntry>,
    #[serde(skip)]
    locator: Locator,
}

/// Another name for a model, router or alias.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasEntry {
    /// What it stands for.
    pub target: String,
    /// Tags every request through it gets.
    #[serde(default)]
    pub tags: Vec<String>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
}

/// What replaces a name before anything else is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedirectEntry {
    /// The new name; a trailing `*` carries over what the pattern's `*` matched.
    pub target: String,
    /// Tags every request through it gets.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A smart router. Its JSON, under `/admin/api/routers`, is the same as its YAML.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterEntry {
    /// What the candidates are chosen for, in words.
    #[serde(default)]
    pub purpose: String,
    /// The model that chooses.
    pub designator: String,
    /// Asked when the first one gives no usable answer in time.
    #[serde(default)]
    pub second_designator: Option<String>,
    /// What it chooses from.
    #[serde(deserialize_with = "entries::short_or_full_list")]
    pub candidates: Vec<CandidateEntry>,
    /// Used when no designator gives a usable answer.
    pub fallback: String,
    /// How long a choice holds.
    #[serde(default)]
    pub strategy: StrategyWord,
    /// `per_session`: how long a session is remembered after its last request; default one hour.
    #[serde(default)]
    pub session_ttl: Option<TimeSpan>,
    /// How long one designator may take; default 800 ms.
    #[serde(default)]
    pub budget: Option<TimeSpan>,
    /// How long choosing may take in all, second designator included; default 1.5 s, or the budget if that is longer.
    #[serde(default)]
    pub hard_limit: Option<TimeSpan>,
    /// How long a designator that failed three times in a row is left alone; default 30 s.
    #[serde(default)]
    pub breaker_time: Option<TimeSpan>,
    /// Open a connection to the fallback's provider when the designator has not answered after this time.
    #[serde(default)]
    pub hedge_after: Option<TimeSpan>,
    /// How long a choice is used again for the same question; default five minutes, `0s` never.
    #[serde(default)]
    pub cache_ttl: Option<TimeSpan>,
    /// Who answers Open WebUI's own questions (titles, tags, follow-ups, search queries); default: the fallback.
    #[serde(default)]
    pub side_call_model: Option<String>,
    /// `false`: those questions are routed like any other.
    #[serde(default = "yes")]
    pub side_calls: bool,
    /// Tags every request through it gets.
    #[serde(default)]
    pub tags: Vec<String>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// `false`: switched off; its name is an error that says so.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A model a router may choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateEntry {
    /// Its name.
    pub model: String,
    /// What it is good at, for the designator.
    #[serde(default)]
    pub notes: String,
    /// `false`: not to be chosen for now.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// How long a router's choice holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyWord {
    /// For one request.
    #[default]
    PerRequest,
    /// For a conversation.
    PerSession,
}

fn yes() -> bool {
    true
}

/// A client's key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// What it is called in reports.
    pub name: String,
    /// The key itself.
    #[serde(default, deserialize_with = "values::secret")]
    pub key: Option<Secret>,
    /// Tags every request with it gets.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl RouterEntry {
    /// How long one designator may take.
    pub fn budget(&self) -> Duration {
        self.budget.map_or(DEFAULT_BUDGET, TimeSpan::get)
    }

    /// How long choosing may take in all.
    pub fn hard_limit(&self) -> Duration {
        self.hard_limit.map_or_else(|| DEFAULT_HARD_LIMIT.max(self.budget()), TimeSpan::get)
    }

    /// How long a designator that fails again and again is left alone.
    pub fn breaker_time(&self) -> Duration {
        self.breaker_time.map_or(DEFAULT_BREAKER_TIME, TimeSpan::get)
    }

    /// How long a choice is used again for the same question; zero: never.
    pub fn cache_ttl(&self) -> Duration {
        self.cache_ttl.map_or(DEFAULT_CACHE_TTL, TimeSpan::get)
    }

    /// How long a session is remembered after its last request; `None`: choices hold for one request.
    pub fn session_ttl(&self) -> Option<Duration> {
        match self.strategy {
            StrategyWord::PerRequest => None,
            StrategyWord::PerSession => Some(self.session_ttl.map_or(DEFAULT_SESSION_TTL, TimeSpan::get)),
        }
    }

    /// Every name of a model in it.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        let candidates = self.candidates.iter().map(|candidate| &candidate.model);
        let optional = [&self.second_designator, &self.side_call_model].into_iter().flatten();
        [&self.designator, &self.fallback].into_iter().chain(optional).chain(candidates).map(String::as_str)
    }

    /// What is wrong with it, whatever its names mean. `place` is where it stands.
    pub fn problems(&self, place: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |is_wrong: bool, field: &str, message: &str| {
            if is_wrong {
                problems.push(Problem::error(place, message).of(field));
            }
        };
        let names = || self.candidates.iter().map(|candidate| candidate.model.trim());
        let different: BTreeSet<String> = names().map(str::to_ascii_lowercase).collect();
        let is_alone = different.len() < 2;
        wrong(is_alone, "candidates", "a router needs at least two different candidates; for one model, use an alias");
        wrong(different.len() < self.candidates.len(), "candidates", "a candidate stands in the list twice");
        wrong(self.candidates.len() > MAX_CANDIDATES, "candidates", "a router can have 50 candidates at most");
        wrong(names().any(str::is_empty), "candidates", "a candidate needs a `model`");
        let is_missing = |name: &str| name.trim().is_empty();
        wrong(is_missing(&self.designator), "designator", "a router needs a `designator`: the model that chooses");
        let message = "a router needs a `fallback`: the model when nothing can be chosen";
        wrong(is_missing(&self.fallback), "fallback", message);
        let is_per_request = self.strategy == StrategyWord::PerRequest;
        let has_ttl = self.session_ttl.is_some();
        wrong(has_ttl && is_per_request, "session_ttl", "session_ttl needs `strategy: per_session`");
        let is_nothing = self.session_ttl().is_some_and(|span| span.is_zero());
        wrong(is_nothing, "session_ttl", "session_ttl must be longer than nothing");
        wrong(self.budget().is_zero(), "budget", "budget must be longer than nothing");
        wrong(self.hard_limit() < self.budget(), "hard_limit", "hard_limit must not be shorter than budget");
        let is_long = self.hard_limit() > LONGEST_LIMIT;
        wrong(is_long, "hard_limit", "hard_limit is one minute at most: a client waits that long");
        let is_late = self.hedge_after.is_some_and(|span| span.get() >= self.hard_limit());
        wrong(is_late, "hedge_after", "hedge_after must be shorter than hard_limit");
        problems
    }
}

impl RelayFile {
    /// Reads the file; one that is absent and was not asked for by name is empty.
    ///
    /// # Errors
    /// All that is wrong, each with its place.
    pub fn load(file: &ConfiguredPath, variables: &Variables) -> Result<Self, Vec<Problem>> {
        let name = file.path.display().to_string();
        match read(file).map_err(|problem| vec![problem])? {
            Some(text) => Self::parse(&name, &text, variables),
            None => Ok(Self::default()),
        }
    }

    /// Reads the text of the file; `name` stands in front of every place.
    ///
    /// # Errors
    /// All that is wrong, each with its place.
    pub fn parse(name: &str, text: &str, variables: &Variables) -> Result<Self, Vec<Problem>> {
        let mut file: Self = yaml::parse_expanded(name, text, variables)?;
        file.locator = Locator::new(name, text);
        let problems = file.problems();
        if problems.is_empty() { Ok(file) } else { Err(problems) }
    }

    /// The place of an entry, for problems found later: `relay.yaml:12:3 aliases.fast`.
    pub fn place(&self, section: &str, name: &str) -> String {
        self.locator.place(section, name)
    }

    /// The place of a key, by its index: `relay.yaml:12:3 keys.0`.
    pub fn key_place(&self, index: usize) -> String {
        self.locator.item_place("keys", index)
    }

    /// What the shape alone cannot say.
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, router) in self.routers.iter() {
            let place = self.place("routers", name);
            problems.extend(router.problems(&place));
        }
        for (index, entry) in self.keys.iter().enumerate() {
            let place = self.key_place(index);
            if entry.name.trim().is_empty() {
                problems.push(Problem::error(&place, "a key needs a name"));
            }
            if entry.key.is_none() {
                problems.push(Problem::error(&place, format!("key `{}` is empty", entry.name)));
            }
            if self.keys[..index].iter().any(|other| other.name == entry.name) {
                problems.push(Problem::error(&place, format!("the key name `{}` is used twice", entry.name)));
            }
        }
        problems
    }
}

/// The text of a configuration file. `None`: it does not exist, and need not.
pub(super) fn read(file: &ConfiguredPath) -> Result<Option<String>, Problem> {
    let path: &Path = &file.path;
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !file.required => Ok(None),
        Err(error) => Err(Problem::error(path.display().to_string(), format!("cannot be read: {error}"))),
    }
}

impl From<String> for AliasEntry {
    fn from(target: String) -> Self {
        Self { target, ..Self::default() }
    }
}

impl From<String> for RedirectEntry {
    fn from(target: String) -> Self {
        Self { target, ..Self::default() }
    }
}

impl From<String> for CandidateEntry {
    fn from(model: String) -> Self {
        Self { model, notes: String::new(), enabled: true }
    }
}

#[cfg(test)]
mod tests;
