//! What is noted on the way from a name to a model.

use std::sync::Arc;

use smol_str::SmolStr;

use super::form::Form;
use crate::catalog::Model;
use crate::routing::{Resolution, ResolvedBy, Route, Step};

/// What was passed on the way.
#[derive(Debug, Default)]
pub(super) struct Trail {
    pub(super) steps: Vec<Step>,
    pub(super) tags: Vec<String>,
    pub(super) alias: Option<String>,
    pub(super) router: Option<String>,
}

impl Trail {
    pub(super) fn step(&mut self, stage: &'static str, from: &str, to: &str) {
        self.steps.push(Step { stage: SmolStr::new_static(stage), from: from.into(), to: to.into() });
    }

    /// Notes how a name was read.
    pub(super) fn read_as(&mut self, form: &Form<'_>) {
        for (stage, from, to) in &form.steps {
            self.step(stage, from, to);
        }
        self.tags.extend(form.tags.iter().map(|tag| (*tag).to_owned()));
    }

    /// The stage that decided is the router or the outermost alias where one was passed, except for the default.
    pub(super) fn end(self, model: Arc<Model>, by: ResolvedBy) -> Resolution {
        let resolved_by = match (&by, &self.router, &self.alias) {
            (ResolvedBy::Default, ..) => by,
            (_, Some(router), _) => ResolvedBy::Router(router.clone()),
            (_, None, Some(alias)) => ResolvedBy::Alias(alias.clone()),
            (_, None, None) => by,
        };
        Resolution {
            route: Route { first: model, rest: Vec::new() },
            resolved_by,
            steps: self.steps,
            tags: self.tags,
            alias: self.alias,
            router: self.router,
        }
    }
}
