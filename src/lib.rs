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
//! - [`server`] is the API: routes, and the edge of every client protocol; [`listener`] is the sockets below it.
//! - [`auth`] says who is asking.
//! - [`protocol`] holds the wire formats, as pure translation; [`chat`] is the canonical model they meet in.
//! - [`catalog`] is the immutable snapshot of what can be called; [`routing`] turns a name into models.
//! - [`relay`] carries a request to the first target that answers, and the answer back; [`providers`] is the way there.
//! - [`tracking`] is what happened: usage records, cost, the journal; [`store`] is the database.
//! - [`evaluation`] says from labelled prompts whether a smart router is worth it.
//! - [`config`] reads the environment, `relay.yaml` and `overrides.yaml`.
//! - [`admin`] is the admin listener: pages for operators.
//! - [`app`] puts everything together; [`cli`] is the command line, [`demo`] a simulated provider for trying it out.
//! - [`vault`] encrypts keys of providers that are kept in the database.
//! - [`redaction`] cuts secrets out of texts; [`log`] makes the log's lines and keeps the last ones.
//! - [`money`], [`secret`], [`clock`], [`json`] and [`entry_kind`] are small leaves everyone may use.

pub mod admin;
pub mod app;
pub mod auth;
pub mod catalog;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod entry_kind;
pub mod evaluation;
pub mod json;
pub mod listener;
pub mod log;
pub mod money;
pub mod protocol;
pub mod providers;
pub mod redaction;
pub mod relay;
pub mod routing;
pub mod secret;
pub mod server;
pub mod store;
pub mod tracking;
pub mod vault;
