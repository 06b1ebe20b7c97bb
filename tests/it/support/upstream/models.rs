//! What a fake Ollama has installed and loaded.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What a fake Ollama has installed and loaded. Names carry their tag.
#[derive(Debug)]
pub(crate) struct OllamaModels {
    installed: BTreeMap<String, &'static [&'static str]>,
    loaded: BTreeMap<String, Timestamp>,
}

impl Default for OllamaModels {
    /// `m`: chat and tools, `t:7b`: thinking as well, `p`: chat only, `e`: embeddings.
    fn default() -> Self {
        let installed: [(&str, &[&str]); 4] = [
            ("m:latest", &["completion", "tools"]),
            ("t:7b", &["completion", "tools", "thinking"]),
            ("p:latest", &["completion"]),
            ("e:latest", &["embedding"]),
        ];
        let installed = installed.map(|(name, abilities)| (name.to_owned(), abilities));
        Self { installed: installed.into(), loaded: BTreeMap::new() }
    }
}

impl OllamaModels {
    /// The installed name a client's spelling means.
    pub(super) fn find(&self, asked: &str) -> Option<String> {
        let name = Self::full_name(asked);
        self.installed.contains_key(&name).then_some(name)
    }

    /// The name as Ollama shows it: without the default host and namespace, with a tag.
    pub(super) fn full_name(asked: &str) -> String {
        let name = asked.trim().to_ascii_lowercase();
        let name = name.strip_prefix("registry.ollama.ai/").unwrap_or(&name);
        let name = name.strip_prefix("library/").unwrap_or(name);
        if name.contains(':') { name.to_owned() } else { format!("{name}:latest") }
    }

    /// What the model can do.
    pub(super) fn abilities(&self, name: &str) -> &'static [&'static str] {
        self.installed.get(name).copied().unwrap_or_default()
    }

    /// Keeps a model in memory as `keep_alive` says: seconds, Go's `0s` and `5m`, or negative for ever.
    pub(super) fn load(&mut self, name: &str, keep_alive: &Value) {
        let minutes = |count| SignedDuration::from_mins(count);
        let duration = match keep_alive {
            Value::Number(seconds) => match seconds.as_i64() {
                Some(seconds) if seconds >= 0 => SignedDuration::from_secs(seconds),
                Some(_) | None => SignedDuration::from_hours(24 * 365 * 292),
            },
            Value::String(text) if text.trim_end_matches('s') == "0" => SignedDuration::ZERO,
            _ => minutes(5),
        };
        if duration.is_zero() {
            self.loaded.remove(name);
        } else {
            self.loaded.insert(name.to_owned(), Timestamp::now() + duration);
        }
    }

    /// `/api/tags`.
    pub(super) fn tags(&self) -> Value {
        let entries: Vec<Value> = self.installed.keys().map(|name| self.entry(name)).collect();
        json!({ "models": entries })
    }

    /// `/api/ps`.
    pub(super) fn running(&self) -> Value {
        let entry = |(name, expires): (&String, &Timestamp)| {
            json!({
                "name": name, "model": name, "size": 1_000_000, "digest": digest(name), "details": details(),
                "expires_at": expires.to_string(), "size_vram": 1_000_000, "context_length": 4096,
            })
        };
        json!({ "models": self.loaded.iter().map(entry).collect::<Vec<Value>>() })
    }

    /// `/api/show`.
    pub(super) fn show(&self, name: &str) -> Value {
        json!({
            "modelfile": format!("# Modelfile of a fake\nFROM {name}\n"), "parameters": "", "template": "{{ .Prompt }}",
            "details": details(), "capabilities": self.abilities(name), "modified_at": MODIFIED,
            "model_info": {
                "general.architecture": "llama", "general.basename": "fake", "general.parameter_count": 1_000_000,
                "llama.context_length": 8192, "llama.embedding_length": 4,
            },
        })
    }

    /// Makes a second name for a model.
    pub(super) fn copy(&mut self, source: &str, destination: &str) {
        let abilities = self.abilities(source);
        self.installed.insert(Self::full_name(destination), abilities);
    }

    /// Forgets a model.
    pub(super) fn delete(&mut self, name: &str) {
        self.installed.remove(name);
        self.loaded.remove(name);
    }

    fn entry(&self, name: &str) -> Value {
        json!({
            "name": name, "model": name, "modified_at": MODIFIED, "size": 1_000_000, "digest": digest(name),
            "details": details(), "capabilities": self.abilities(name),
        })
    }
}

const MODIFIED: &str = "2026-01-01T00:00:00.5Z";

/// 64 hex digits that depend on the name.
pub(super) fn digest(name: &str) -> String {
    let seed = name.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(1_099_511_628_211).wrapping_add(byte.into()));
    format!("{seed:016x}").repeat(4)
}

fn details() -> Value {
    json!({
        "parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"],
        "parameter_size": "1M", "quantization_level": "Q4_K_M",
    })
}
