//! LLM Relay: one binary that looks like an Ollama server and like the OpenAI API, sends each request to any model,
//! and knows who spent what.
//!
//! A request walks one line and its answer walks it back:
//!
//! ```text
//! client -> server -> auth -> protocol.decode -> routing -> relay -> protocol.encode -> transport -> provider
//! client <- server <- protocol.encode <- relay (usage recorded once) <- protocol.decode <- transport <- provider
//! ```
//!
//! - [`chat`] is the canonical model every wire format is translated to and from.
//! - [`config`] reads the environment, `relay.yaml` and `overrides.yaml`.
//! - [`protocol`] holds the wire formats, as pure translation.
//! - [`catalog`] is the immutable snapshot of what can be called; [`routing`] turns a name into models.
//! - [`auth`] says who is asking; [`store`] is the database.
//! - [`tracking`] is what happened: usage records, cost, the journal.
//! - [`demo`] is a simulated provider for `llm-relay demo`, reached over a real socket.
//! - [`money`], [`secret`] and [`clock`] are small leaves everyone may use.

pub mod auth;
pub mod catalog;
pub mod chat;
pub mod clock;
pub mod demo;
pub mod config;
pub mod money;
pub mod protocol;
pub mod routing;
pub mod secret;
pub mod store;
pub mod tracking;
