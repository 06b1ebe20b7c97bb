//! From the name a client wrote to the models that will be tried. Pure over a catalog snapshot: no I/O, no clock.
//!
//! The order is fixed: redirect, smart router, alias, prefix, search, default. [`Resolution`] keeps every step,
//! so that headers, records and `llm-relay resolve` can show how a name came to its model. A name that leads to a smart
//! router is not at its end: [`smart`] says who may be chosen, and `relay` has somebody choose.

mod error;
mod explain;
mod resolve;
pub mod smart;
mod suggest;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use error::RouteError;
pub use explain::{explain, price_in_words};
pub use resolve::{AtRouter, Resolved, reach, resolve, settle};

use crate::catalog::Model;

/// The models to try, in order. There is always a first one: "no target" is an error of routing.
#[derive(Debug, Clone)]
pub struct Route {
    /// Tried first.
    pub first: Arc<Model>,
    /// Tried when an earlier one cannot answer.
    pub rest: Vec<Arc<Model>>,
}

/// Where a name led, and how.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// The models to try.
    pub route: Route,
    /// The stage that decided, for the `x-llm-relay-resolved-by` header.
    pub resolved_by: ResolvedBy,
    /// Every step, in order.
    pub steps: Vec<Step>,
    /// Tags of the `@` suffix and of the redirects, alias and router passed on the way, as they were written.
    pub tags: Vec<String>,
    /// The outermost alias passed through, in its configured spelling.
    pub alias: Option<String>,
    /// The router that decided, in its configured spelling.
    pub router: Option<String>,
}

/// The stage that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedBy {
    /// A smart router of this name.
    Router(String),
    /// An alias of this name.
    Alias(String),
    /// The name carried its provider.
    Prefix,
    /// A provider knows the bare name.
    Search,
    /// Nothing knew the name, and a default is set.
    Default,
}

/// One step of a resolution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `registry`, `redirect`, `tags`, `latest`, `router`, `alias`, `prefix`, `search`, `default`.
    pub stage: SmolStr,
    /// The name before the step.
    pub from: SmolStr,
    /// The name after it.
    pub to: SmolStr,
}

impl std::fmt::Display for ResolvedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Router(name) => write!(f, "router:{name}"),
            Self::Alias(name) => write!(f, "alias:{name}"),
            Self::Prefix => f.write_str("prefix"),
            Self::Search => f.write_str("search"),
            Self::Default => f.write_str("default"),
        }
    }
}
