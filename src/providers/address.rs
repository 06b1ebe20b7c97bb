//! Where an operation lives at a provider.

use url::Url;

use crate::catalog::{Api, Provider};
use crate::protocol::Protocol;

/// What is asked of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A chat.
    Chat {
        /// Piece by piece; only Gemini's address depends on it.
        stream: bool,
    },
    /// A prompt completion in the provider's own format (`/completions`, `/api/generate`).
    Completion,
    /// Embeddings.
    Embed,
    /// The list of models.
    Models,
}

/// The URL of an operation. Base addresses are accepted with or without a trailing slash and with or without the
/// version segment (`/v1`, `/v1beta`), which is never doubled.
pub fn address(provider: &Provider, model: &str, operation: Operation) -> Url {
    if let Api::Azure { api_version } = &provider.api {
        return azure(&provider.base_url, api_version, model, operation);
    }
    match provider.protocol {
        Protocol::OpenAi => {
            let base = versioned(&provider.base_url, "v1", provider.versioned);
            match operation {
                Operation::Chat { .. } => join(&base, &["chat", "completions"]),
                Operation::Completion => join(&base, &["completions"]),
                Operation::Embed => join(&base, &["embeddings"]),
                Operation::Models => join(&base, &["models"]),
            }
        }
        Protocol::Anthropic => {
            let base = versioned(&provider.base_url, "v1", true);
            match operation {
                Operation::Chat { .. } | Operation::Completion | Operation::Embed => join(&base, &["messages"]),
                Operation::Models => {
                    let mut url = join(&base, &["models"]);
                    url.set_query(Some("limit=1000"));
                    url
                }
            }
        }
        Protocol::Gemini => gemini(&versioned(&provider.base_url, "v1beta", true), model, operation),
        Protocol::Ollama => {
            let base = ollama_root(&provider.base_url);
            match operation {
                Operation::Chat { .. } => join(&base, &["api", "chat"]),
                Operation::Completion => join(&base, &["api", "generate"]),
                Operation::Embed => join(&base, &["api", "embed"]),
                Operation::Models => join(&base, &["api", "tags"]),
            }
        }
    }
}

/// A management endpoint of an Ollama instance, for example `pull` or `blobs/sha256:…`.
pub fn ollama_endpoint(provider: &Provider, endpoint: &str) -> Url {
    let segments: Vec<&str> = std::iter::once("api").chain(endpoint.split('/')).collect();
    join(&ollama_root(&provider.base_url), &segments)
}

/// An Ollama instance's address without the `/api` or `/v1` some people add.
fn ollama_root(base: &Url) -> Url {
    let mut root = base.clone();
    let path = root.path().trim_end_matches('/');
    let path = path.strip_suffix("/api").or_else(|| path.strip_suffix("/v1")).unwrap_or(path).to_owned();
    root.set_path(&path);
    root
}

fn gemini(base: &Url, model: &str, operation: Operation) -> Url {
    let method = match operation {
        Operation::Chat { stream: true } => "streamGenerateContent",
        Operation::Chat { stream: false } | Operation::Completion => "generateContent",
        Operation::Embed => "batchEmbedContents",
        Operation::Models => {
            let mut url = join(base, &["models"]);
            url.set_query(Some("pageSize=1000"));
            return url;
        }
    };
    let mut url = join(base, &["models", &format!("{model}:{method}")]);
    if operation == (Operation::Chat { stream: true }) {
        // Without it the answer is one growing JSON array.
        url.set_query(Some("alt=sse"));
    }
    url
}

/// The classic surface: the deployment stands in the path and the version in the query.
fn azure(base: &Url, api_version: &str, deployment: &str, operation: Operation) -> Url {
    let mut url = match operation {
        Operation::Chat { .. } => join(base, &["openai", "deployments", deployment, "chat", "completions"]),
        Operation::Completion => join(base, &["openai", "deployments", deployment, "completions"]),
        Operation::Embed => join(base, &["openai", "deployments", deployment, "embeddings"]),
        Operation::Models => join(base, &["openai", "models"]),
    };
    url.query_pairs_mut().append_pair("api-version", api_version);
    url
}

/// The base with its version segment, when it has no path of its own.
fn versioned(base: &Url, version: &str, wanted: bool) -> Url {
    if wanted && base.path().trim_matches('/').is_empty() { join(base, &[version]) } else { base.clone() }
}

fn join(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{ProviderOrigin, ProviderState};

    fn at(protocol: Protocol, base: &str, model: &str, operation: Operation) -> String {
        let provider = Provider {
            id: "p".into(),
            protocol,
            api: Api::Standard,
            base_url: base.parse().unwrap(),
            api_key: None,
            headers: vec![],
            state: ProviderState::Ready,
            local: false,
            discover: true,
            versioned: true,
            origin: ProviderOrigin::File,
        };
        address(&provider, model, operation).to_string()
    }

    #[test]
    fn the_version_segment_is_added_when_missing_and_never_doubled() {
        let chat = Operation::Chat { stream: false };
        for base in ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"] {
            assert_eq!(at(Protocol::OpenAi, base, "m", chat), "http://h:1/v1/chat/completions", "{base}");
            assert_eq!(at(Protocol::Anthropic, base, "m", chat), "http://h:1/v1/messages", "{base}");
        }
        assert_eq!(at(Protocol::OpenAi, "http://h/api/paas/v4", "m", chat), "http://h/api/paas/v4/chat/completions");
    }

    #[test]
    fn ollama_addresses_may_carry_api_or_v1() {
        for base in ["http://h:1", "http://h:1/", "http://h:1/api", "http://h:1/v1/"] {
            assert_eq!(at(Protocol::Ollama, base, "m", Operation::Models), "http://h:1/api/tags", "{base}");
        }
        assert_eq!(at(Protocol::Ollama, "http://h/ollama/", "m", Operation::Embed), "http://h/ollama/api/embed");
    }

    #[test]
    fn gemini_puts_model_and_method_in_the_path() {
        let base = "https://generativelanguage.googleapis.com/v1beta";
        assert_eq!(
            at(Protocol::Gemini, base, "gemini-2.5-pro", Operation::Chat { stream: true }),
            format!("{base}/models/gemini-2.5-pro:streamGenerateContent?alt=sse")
        );
        assert_eq!(
            at(Protocol::Gemini, "http://h", "g", Operation::Embed),
            "http://h/v1beta/models/g:batchEmbedContents"
        );
    }

    #[test]
    fn azure_puts_the_deployment_in_the_path() {
        let url = azure(
            &"https://r.openai.azure.com/".parse().unwrap(),
            "2024-10-21",
            "my gpt",
            Operation::Chat { stream: true },
        );
        assert_eq!(
            url.as_str(),
            "https://r.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
        );
    }
}
