//! `relay.yaml`: providers, names, routers and keys. Read and checked in shape here; what the names mean is the
//! catalog's business.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::locate::Locator;
use super::{ConfiguredPath, Entries, Problem, Variables, entries, values, yaml};
use crate::secret::Secret;

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

/// A provider.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderEntry {
    /// What it speaks; needed for ids the relay does not know.
    pub protocol: Option<ProtocolWord>,
    /// Where its API begins.
    pub base_url: Option<String>,
    /// Our key there.
    #[serde(deserialize_with = "values::secret")]
    pub api_key: Option<Secret>,
    /// Headers sent with every request.
    pub headers: Entries<String>,
    /// Its models, besides the built-in ones; absent: they are asked from the provider.
    pub models: Option<Vec<String>>,
    /// Names of its own for models the relay knows (Azure deployments): deployment to model.
    pub deployments: Entries<String>,
    /// Azure: the `api-version` parameter.
    pub api_version: Option<String>,
    /// Its models run on hardware of one's own and cost nothing; default: true for Ollama.
    pub local: Option<bool>,
    /// `false`: switched off.
    pub enabled: Option<bool>,
    /// Whether its list of models is asked for; default: yes, unless `models` are given.
    pub discover: Option<bool>,
}

/// What a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolWord {
    /// OpenAI Chat Completions.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic Messages.
    Anthropic,
    /// Google's `generateContent`.
    Gemini,
    /// Ollama's native API.
    Ollama,
    /// OpenAI's format at Azure's addresses.
    Azure,
}

/// Another name for a model, router or alias.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedirectEntry {
    /// The new name; a trailing `*` carries over what the pattern's `*` matched.
    pub target: String,
    /// Tags every request through it gets.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A smart router.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterEntry {
    /// What the candidates are chosen for, in words.
    #[serde(default)]
    pub purpose: String,
    /// The model that chooses.
    pub designator: String,
    /// What it chooses from.
    #[serde(deserialize_with = "entries::short_or_full_list")]
    pub candidates: Vec<CandidateEntry>,
    /// Used when the designator gives no usable answer.
    pub fallback: String,
    /// How long a choice holds.
    #[serde(default)]
    pub strategy: StrategyWord,
    /// `per_session`: how long a session is remembered; `90s`, `30m`, `1h`, `7d`.
    #[serde(default, deserialize_with = "time_span")]
    pub session_ttl: Option<Duration>,
    /// Tags every request through it gets.
    #[serde(default)]
    pub tags: Vec<String>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
}

/// A model a router may choose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateEntry {
    /// Its name.
    pub model: String,
    /// What it is good at, for the designator.
    #[serde(default)]
    pub notes: String,
}

/// How long a router's choice holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyWord {
    /// For one request.
    #[default]
    PerRequest,
    /// For a conversation.
    PerSession,
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

    /// What the shape alone cannot say.
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, router) in self.routers.iter() {
            let place = self.place("routers", name);
            if router.candidates.is_empty() {
                problems.push(Problem::error(place, "a router needs candidates"));
            } else if router.session_ttl.is_some() && router.strategy == StrategyWord::PerRequest {
                problems.push(Problem::error(place, "session_ttl needs `strategy: per_session`"));
            }
        }
        for (index, entry) in self.keys.iter().enumerate() {
            let place = self.place("keys", &index.to_string());
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

/// A number with its unit: `90s`, `30m`, `1h`, `7d`.
fn time_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let expected = || serde::de::Error::custom(format!("`{text}` is not a time span like 90s, 30m, 1h or 7d"));
    let unit = text.chars().last().ok_or_else(expected)?;
    let seconds_per_unit: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(expected()),
    };
    let number: u64 = text[..text.len() - 1].trim().parse().map_err(|_| expected())?;
    let seconds = number.checked_mul(seconds_per_unit).filter(|&seconds| seconds > 0).ok_or_else(expected)?;
    Ok(Some(Duration::from_secs(seconds)))
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
        Self { model, ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
