//! What clients ask before they chat: `/api/version`, `/api/tags`, `/api/ps`, `/api/show`. Pure builders from plain inputs.
//!
//! Clients are strict here: Open WebUI needs both `name` and `model`, Zed every text of `details`, ollama-python the key
//! `model_info`, and one digest per model is what keeps models apart in `llm`. [`Details`] therefore has no optional texts.

mod show;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::UnixNanos;
use crate::protocol::{Capabilities, ModelKind};

use super::names;

pub use show::Show;

/// What a model is made of. The six texts are always written, unknown ones as `""`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The model it was made from.
    #[serde(deserialize_with = "or_default")]
    pub parent_model: String,
    /// `gguf`, `safetensors`; empty for a model that runs elsewhere.
    #[serde(deserialize_with = "or_default")]
    pub format: String,
    /// For example `llama`.
    #[serde(deserialize_with = "or_default")]
    pub family: String,
    /// All families; may be `null`.
    pub families: Option<Vec<String>>,
    /// For example `8.0B`.
    #[serde(deserialize_with = "or_default")]
    pub parameter_size: String,
    /// For example `Q4_K_M`.
    #[serde(deserialize_with = "or_default")]
    pub quantization_level: String,
    /// Prompt window in tokens; written in `/api/tags` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u64>,
    /// Length of vectors; written in `/api/tags` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_length: Option<u64>,
}

/// A model in `/api/tags`.
#[derive(Debug, Clone, PartialEq)]
pub struct TagEntry {
    /// The name as shown, with its tag ([`super::display_name`]).
    pub name: String,
    /// When it was made or last changed.
    pub modified_at: UnixNanos,
    /// Bytes on disk; a few hundred for a model that runs elsewhere.
    pub size: u64,
    /// 64 hex digits without prefix, different for every model ([`super::digest`]).
    pub digest: String,
    /// What it is made of.
    pub details: Details,
    /// Ollama's words for what it can do ([`capability_names`]); left out when empty.
    pub capabilities: Vec<String>,
    /// The provider's own name for a model that runs elsewhere.
    pub remote_model: Option<String>,
    /// Where it runs.
    pub remote_host: Option<String>,
}

/// A model in `/api/ps`: one that is ready to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct PsEntry {
    /// The name as in [`TagEntry`]: Open WebUI compares the two.
    pub name: String,
    /// Bytes in memory.
    pub size: u64,
    /// As in [`TagEntry`].
    pub digest: String,
    /// What it is made of.
    pub details: Details,
    /// When it will be let go; [`FOREVER`] for never.
    pub expires_at: UnixNanos,
    /// Bytes in the memory of graphics cards.
    pub size_vram: u64,
    /// Prompt window in tokens, zero when not known.
    pub context_length: u64,
}

/// The time Ollama shows for a model that stays loaded until told otherwise: as far ahead as nanoseconds go (year 2262).
pub const FOREVER: UnixNanos = UnixNanos(i64::MAX);

impl Details {
    /// The details as `/api/show` and `/api/ps` write them: the six texts only.
    fn without_lengths(&self) -> Self {
        Self { context_length: None, embedding_length: None, ..self.clone() }
    }
}

impl TagEntry {
    /// An entry for a model that has no files here: digest from its name, nothing known about its size.
    pub fn remote(name: &str, modified_at: UnixNanos) -> Self {
        Self {
            name: names::display_name(name),
            modified_at,
            size: 0,
            digest: names::digest(name),
            details: Details::default(),
            capabilities: Vec::new(),
            remote_model: None,
            remote_host: None,
        }
    }

    /// The entry of an Ollama server under the name it has here. What the server left out or garbled is filled
    /// as in [`TagEntry::remote`].
    pub fn from_listed(name: &str, listed: &Value) -> Self {
        let text = |key: &str| listed.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let modified_at = text("modified_at").and_then(|time| time.parse::<jiff::Timestamp>().ok());
        let nanoseconds = modified_at.and_then(|time| i64::try_from(time.as_nanosecond()).ok()).unwrap_or_default();
        let entry = Self::remote(name, UnixNanos(nanoseconds));
        let read = |key: &str| listed.get(key).cloned().unwrap_or_default();
        Self {
            size: listed.get("size").and_then(Value::as_u64).unwrap_or(entry.size),
            digest: text("digest").map_or(entry.digest, str::to_owned),
            details: serde_json::from_value(read("details")).unwrap_or_default(),
            capabilities: serde_json::from_value(read("capabilities")).unwrap_or_default(),
            remote_model: text("remote_model").map(str::to_owned),
            remote_host: text("remote_host").map(str::to_owned),
            name: entry.name,
            modified_at: entry.modified_at,
        }
    }
}

/// Ollama's words for what a model is known to do. What is not known is not claimed.
pub fn capability_names(kind: ModelKind, capabilities: &Capabilities) -> Vec<String> {
    let known = match kind {
        ModelKind::Embedding => vec![("embedding", Some(true))],
        ModelKind::Chat => vec![
            ("completion", Some(true)),
            ("tools", capabilities.tools),
            ("insert", capabilities.insert),
            ("vision", capabilities.vision),
            ("thinking", capabilities.reasoning),
            ("audio", capabilities.audio),
        ],
    };
    known.into_iter().filter(|(_, can)| *can == Some(true)).map(|(name, _)| name.to_owned()).collect()
}

/// The body of `/api/version`. Open WebUI turns every part between dots into a number, Copilot wants at least 0.6.4.
pub fn version(version: &str) -> Vec<u8> {
    json(&serde_json::json!({ "version": version }))
}

/// The body of `/api/tags`, in the order given. (Ollama sorts by `modified_at`, newest first.)
pub fn tags(entries: &[TagEntry]) -> Vec<u8> {
    json(&List { models: entries.iter().map(WireTag::from).collect() })
}

/// The body of `/api/ps`, latest `expires_at` first.
pub fn ps(entries: &[PsEntry]) -> Vec<u8> {
    let mut models: Vec<&PsEntry> = entries.iter().collect();
    models.sort_by_key(|entry| Reverse(entry.expires_at));
    json(&List { models: models.into_iter().map(WirePs::from).collect() })
}

#[derive(Serialize)]
struct List<T> {
    models: Vec<T>,
}

#[derive(Serialize)]
struct WireTag<'a> {
    name: &'a str,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_host: Option<&'a str>,
    modified_at: String,
    size: u64,
    digest: &'a str,
    details: &'a Details,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    capabilities: &'a [String],
}

impl<'a> From<&'a TagEntry> for WireTag<'a> {
    fn from(entry: &'a TagEntry) -> Self {
        Self {
            name: &entry.name,
            model: &entry.name,
            remote_model: entry.remote_model.as_deref(),
            remote_host: entry.remote_host.as_deref(),
            modified_at: entry.modified_at.to_rfc3339(),
            size: entry.size,
            digest: &entry.digest,
            details: &entry.details,
            capabilities: &entry.capabilities,
        }
    }
}

#[derive(Serialize)]
struct WirePs<'a> {
    name: &'a str,
    model: &'a str,
    size: u64,
    digest: &'a str,
    details: Details,
    expires_at: String,
    size_vram: u64,
    context_length: u64,
}

impl<'a> From<&'a PsEntry> for WirePs<'a> {
    fn from(entry: &'a PsEntry) -> Self {
        Self {
            name: &entry.name,
            model: &entry.name,
            size: entry.size,
            digest: &entry.digest,
            details: entry.details.without_lengths(),
            expires_at: entry.expires_at.to_rfc3339(),
            size_vram: entry.size_vram,
            context_length: entry.context_length,
        }
    }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data always serialises into memory")
}

/// `null` for a text is an empty text.
fn or_default<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
