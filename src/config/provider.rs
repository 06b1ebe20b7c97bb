//! Providers, as `relay.yaml` and the database have them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use serde_with_macros::skip_serializing_none;

use super::{Entries, values};
use crate::secret::Secret;

/// A provider.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderEntry {
    /// What it speaks; needed for ids the relay does not know.
    pub protocol: Option<ProtocolWord>,
    /// Where its API begins.
    pub base_url: Option<String>,
    /// Our key there.
    #[serde(deserialize_with = "values::secret", skip_serializing)]
    pub api_key: Option<Secret>,
    /// Headers sent with every request.
    #[serde(skip_serializing_if = "Entries::is_empty")]
    pub headers: Entries<String>,
    /// Its models, besides the built-in ones; absent: they are asked from the provider.
    pub models: Option<Vec<String>>,
    /// Names of its own for models the relay knows (Azure deployments): deployment to model.
    #[serde(skip_serializing_if = "Entries::is_empty")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

impl ProtocolWord {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::Azure => "azure",
        }
    }
}

/// A provider of the database: what `relay.yaml` would say of it, but for its key, which is sealed in a table of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredProvider {
    /// What it says. `api_key` is never written; whoever opens the sealed key puts it there.
    pub entry: ProviderEntry,
    /// Which sealed key is its own.
    pub key: Option<KeyName>,
    /// Why it cannot be used, whatever it says. Never written.
    pub fault: Option<String>,
}

/// Names a sealed key, and says as much of it as may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyName {
    /// The row that holds it.
    pub id: String,
    /// Its last characters, to be recognised by; empty where they would say too much.
    pub ends_with: String,
}

/// Where its JSON names the sealed key.
const KEY: &str = "key";

impl Serialize for StoredProvider {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            entry: &'a ProviderEntry,
            #[serde(skip_serializing_if = "Option::is_none")]
            key: Option<&'a KeyName>,
        }
        Whole { entry: &self.entry, key: self.key.as_ref() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StoredProvider {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let key = fields.remove(KEY).map(serde_json::from_value).transpose().map_err(D::Error::custom)?;
        let entry: ProviderEntry = serde_json::from_value(Value::Object(fields)).map_err(D::Error::custom)?;
        if entry.api_key.is_some() {
            return Err(D::Error::custom("a stored provider holds no `api_key`"));
        }
        Ok(Self { entry, key, fault: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_provider_names_its_key_and_never_holds_it() {
        let text = r#"{"protocol":"openai","base_url":"http://lab/v1","models":["a"],"enabled":false,"key":{"id":"k1","ends_with":"cret"}}"#;
        let mut stored: StoredProvider = serde_json::from_str(text).unwrap();
        assert_eq!(stored.key.as_ref().map(|key| key.id.as_str()), Some("k1"));
        stored.entry.api_key = Some(Secret::new("sk-secret"));
        stored.fault = Some("lost".into());
        assert_eq!(serde_json::to_string(&stored).unwrap(), text);
        assert_eq!(serde_json::to_string(&StoredProvider::default()).unwrap(), "{}");
        for wrong in [r#"{"api_key":"x"}"#, r#"{"baseurl":"x"}"#, r#"{"protocol":"x"}"#, r#"{"key":"k1"}"#] {
            assert!(serde_json::from_str::<StoredProvider>(wrong).is_err(), "{wrong}");
        }
    }
}
