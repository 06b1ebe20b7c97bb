//! A provider: an account at a vendor, or a server of one's own.

use url::Url;

use crate::protocol::Protocol;
use crate::secret::Secret;

/// An account at a vendor, or a server of one's own.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The id used as prefix in model names and in records; compared case-insensitively.
    pub id: String,
    /// The wire format it speaks.
    pub protocol: Protocol,
    /// How addresses and credentials are made from it.
    pub api: Api,
    /// Where its API begins, for example `https://api.openai.com/v1`. No trailing slash is needed.
    pub base_url: Url,
    /// A base address without a path gets the protocol's version segment (`/v1`).
    pub versioned: bool,
    /// Our key there.
    pub api_key: Option<Secret>,
    /// Extra headers sent with every request (OpenRouter's referer and title).
    pub headers: Vec<(String, String)>,
    /// Whether it can be called.
    pub state: ProviderState,
    /// Models run on hardware of our own: their price is zero, not unknown.
    pub local: bool,
    /// The list of models is asked from the provider in the background.
    pub discover: bool,
    /// Who may change it.
    pub origin: ProviderOrigin,
}

/// Where what is known of a provider comes from, which is the only place where it can be changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProviderOrigin {
    /// It is one of those the relay knows, and nobody has said more.
    #[default]
    BuiltIn,
    /// These settings of the environment.
    Environment(Vec<String>),
    /// `relay.yaml`.
    File,
    /// The database.
    Database,
}

/// How addresses and credentials are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// As the protocol says.
    Standard,
    /// Azure OpenAI: the deployment stands in the path, the key in `api-key`.
    Azure {
        /// The `api-version` query parameter.
        api_version: String,
    },
}

/// Whether a provider can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderState {
    /// It has all it needs.
    Ready,
    /// It needs a key; the text names the setting that would give it.
    NoKey(String),
    /// Switched off by the operator.
    Disabled,
    /// It cannot be used as it is; the text says why and what to do.
    Unusable(String),
}

impl Provider {
    /// Whether it can be called.
    pub fn is_ready(&self) -> bool {
        self.state == ProviderState::Ready
    }
}
