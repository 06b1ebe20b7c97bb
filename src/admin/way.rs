//! Where a name leads, step by step, as pages and the API show it. The resolver is the one that requests go through.

use serde::Serialize;

use crate::catalog::{Catalog, Model};
use crate::routing::{Resolved, RouteError, Step, price_in_words, reach, resolve};

/// The way of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Way {
    /// The name as it was written.
    pub(super) asked: String,
    /// Every step, in order; empty where it leads nowhere.
    pub(super) steps: Vec<Step>,
    /// Tags that requests get on the way.
    pub(super) tags: Vec<String>,
    #[serde(flatten)]
    pub(super) end: End,
}

/// What is at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum End {
    /// A model.
    Model {
        /// As `provider/model`.
        model: String,
        /// The stage that decided: `alias:fast`, `prefix`, ….
        resolved_by: String,
        /// Tokens it can take; absent: not known.
        #[serde(skip_serializing_if = "Option::is_none")]
        context_length: Option<u64>,
        /// In words; absent: not known.
        #[serde(skip_serializing_if = "Option::is_none")]
        price: Option<String>,
    },
    /// A smart router, which chooses anew for each request.
    Router {
        /// Its name.
        router: String,
        /// What it can choose at the moment, as `provider/model`.
        choices: Vec<String>,
        /// What it takes when nobody chooses.
        fallback: String,
    },
    /// Nothing that could be called.
    Nowhere {
        /// Why.
        error: String,
    },
}

impl Way {
    pub(super) fn of(catalog: &Catalog, asked: &str) -> Self {
        let asked = asked.trim().to_owned();
        let nowhere = |error: &RouteError| End::Nowhere { error: error.to_string() };
        let (steps, tags, end) = match resolve(catalog, &asked) {
            Ok(Resolved::Model(resolution)) => {
                let model: &Model = &resolution.route.first;
                let end = End::Model {
                    model: model.name(),
                    resolved_by: resolution.resolved_by.to_string(),
                    context_length: model.profile.context_length,
                    price: model.price.as_deref().map(price_in_words),
                };
                (resolution.steps, resolution.tags, end)
            }
            Ok(Resolved::Router(at)) => {
                let entry = &at.router().entry;
                let enabled = entry.candidates.iter().filter(|candidate| candidate.enabled);
                let reached = |name: &str| reach(catalog, name).map(|model| model.name());
                let mut choices: Vec<_> = enabled.filter_map(|candidate| reached(&candidate.model).ok()).collect();
                let fallback = reached(&entry.fallback).unwrap_or_else(|_| entry.fallback.clone());
                if !choices.contains(&fallback) {
                    choices.push(fallback.clone());
                }
                let end = End::Router { router: at.router().name.clone(), choices, fallback };
                (at.steps().to_vec(), at.tags().to_vec(), end)
            }
            Err(error) => (Vec::new(), Vec::new(), nowhere(&error)),
        };
        Self { asked, steps, tags, end }
    }

    /// What a request of this name may be answered by.
    pub(super) fn reaches(&self, model: &str) -> bool {
        match &self.end {
            End::Model { model: only, .. } => only == model,
            End::Router { choices, .. } => choices.iter().any(|choice| choice == model),
            End::Nowhere { .. } => model.is_empty(),
        }
    }
}
