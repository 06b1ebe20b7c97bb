//! The simulated provider behind `llm-relay demo`: no key, no network, nothing to install.
//!
//! It is a small OpenAI-format server on a loopback socket, so the relay reaches it as it reaches any provider and
//! everything a user sees is the real path: names, streams, usage, cost. What it says is made up and says so.
//! It knows nothing of the rest of the program. Start at [`serve`]; [`relay_yaml`], [`overrides_yaml`] and
//! [`sample_requests`] are the configuration and the bit of traffic that go with it.

mod chat;
mod choice;
mod embedding;
mod example;
mod script;
mod server;
mod setup;

pub use server::serve;
pub use setup::{SampleRequest, overrides_yaml, relay_yaml, sample_requests};

/// What the provider offers. The relay is told through `/v1/models` and through [`relay_yaml`].
const MODELS: [&str; 4] = ["demo-small", "demo-large", "demo-thinker", "demo-embed"];
