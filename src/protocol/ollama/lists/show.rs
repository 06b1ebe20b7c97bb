//! `/api/show`: what is known about one model, in the form Ollama reads from a model's file.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::UnixNanos;

use super::Details;

/// What `/api/show` tells about a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Show {
    /// The name as shown, with its tag.
    pub name: String,
    /// `general.architecture`, the prefix of the other keys (Copilot and Obsidian look for `<it>.context_length`).
    pub architecture: String,
    /// `general.basename`: the label GitHub Copilot shows. It wants the name as the client sent it.
    pub basename: String,
    /// Prompt window in tokens.
    pub context_length: Option<u64>,
    /// Length of vectors, for models that make them.
    pub embedding_length: Option<u64>,
    /// What it is made of.
    pub details: Details,
    /// Ollama's words for what it can do. Always written: Copilot skips a model without them.
    pub capabilities: Vec<String>,
    /// When it was made or last changed.
    pub modified_at: UnixNanos,
    /// The provider's own name for a model that runs elsewhere.
    pub remote_model: Option<String>,
    /// Where it runs.
    pub remote_host: Option<String>,
}

#[derive(Serialize)]
struct WireShow<'a> {
    modelfile: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<String>,
    template: &'static str,
    details: Details,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_host: Option<&'a str>,
    model_info: Map<String, Value>,
    capabilities: &'a [String],
    modified_at: String,
}

impl Show {
    /// The body.
    pub fn to_vec(&self) -> Vec<u8> {
        super::json(&WireShow {
            modelfile: format!("# This model runs elsewhere: there is no file to build it from.\nFROM {}\n", self.name),
            // One key padded to 30 columns per line; Continue reads its context window from here.
            parameters: self.context_length.map(|length| format!("{:<30} {length}", "num_ctx")),
            template: self.template(),
            details: self.details.without_lengths(),
            remote_model: self.remote_model.as_deref(),
            remote_host: self.remote_host.as_deref(),
            model_info: self.model_info(),
            capabilities: &self.capabilities,
            modified_at: self.modified_at.to_rfc3339(),
        })
    }

    /// Continue offers fill-in-the-middle when the template speaks of a suffix.
    fn template(&self) -> &'static str {
        if self.capabilities.iter().any(|capability| capability == "insert") {
            "{{ .Prompt }}{{ .Suffix }}"
        } else {
            "{{ .Prompt }}"
        }
    }

    fn model_info(&self) -> Map<String, Value> {
        let architecture = &self.architecture;
        let lengths = [("context_length", self.context_length), ("embedding_length", self.embedding_length)];
        let names = [
            ("general.architecture".to_owned(), architecture.as_str().into()),
            ("general.basename".to_owned(), self.basename.as_str().into()),
        ];
        let lengths = lengths
            .into_iter()
            .filter_map(|(key, length)| Some((format!("{architecture}.{key}"), Value::from(length?))));
        names.into_iter().chain(lengths).collect()
    }
}
