//! Gates: what a candidate must pass before anybody is asked about it. Figures come from the catalog.

use std::sync::Arc;

use super::{Considered, Demands};
use crate::catalog::{Catalog, Model, Router};
use crate::protocol::ModelKind;
use crate::routing::{RouteError, reach};

/// Tokens kept free for the answer when the client names no limit.
const ANSWER_ROOM: u64 = 1_024;

/// Who asks, and what is known of the models at this moment.
#[derive(Clone, Copy)]
pub struct Gates<'a> {
    /// Whether the caller may use the candidate: its name in the router, and the model at its end.
    pub may_use: &'a (dyn Fn(&str, &Model) -> bool + Sync),
    /// Whether the model has answered lately.
    pub is_healthy: &'a (dyn Fn(&Model) -> bool + Sync),
}

/// A candidate, and whether it may be chosen.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name as the router has it.
    pub name: String,
    /// What it is good at, in the operator's words.
    pub notes: String,
    /// What its name leads to.
    pub model: Option<Arc<Model>>,
    /// Why it cannot be chosen; `None`: it can.
    pub fell: Option<Gate>,
}

/// Why a candidate cannot be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Gate {
    /// The operator switched the candidate off in this router.
    #[error("is switched off in this router")]
    Disabled,
    /// Its name leads to nothing that can be called.
    #[error("{0}")]
    NotCallable(String),
    /// It turns texts into vectors.
    #[error("is an embedding model")]
    NotChat,
    /// The caller's key does not allow it.
    #[error("is not among the models this API key may use")]
    NotAllowed,
    /// It failed repeatedly a moment ago.
    #[error("has failed repeatedly within the last half minute")]
    Unhealthy,
    /// The prompt and the answer do not fit.
    #[error("has a context of {has} tokens, and about {needs} are needed")]
    Context {
        /// Prompt and room for the answer, tokens.
        needs: u64,
        /// Its window, tokens.
        has: u64,
    },
    /// The request holds what only the client's own protocol has, and the model would need it translated.
    #[error("would need the request translated, and `{place}` cannot be")]
    Untranslatable {
        /// Where that stands in the request.
        place: String,
    },
    /// There are pictures and it cannot see.
    #[error("{}", lacks(*.known, "see images"))]
    Images {
        /// `false`: nothing is known, but others are known to see.
        known: bool,
    },
    /// There is sound and it cannot hear.
    #[error("{}", lacks(*.known, "hear audio"))]
    Audio {
        /// `false`: nothing is known, but others are known to hear.
        known: bool,
    },
    /// There are tools and it cannot call them.
    #[error("cannot call tools")]
    Tools,
    /// A JSON schema is asked for and it does not follow any.
    #[error("cannot follow a JSON schema")]
    JsonSchema,
    /// The client asks for thinking, it does not think, and others do.
    #[error("does not think, and others do")]
    Thinking,
}

fn lacks(known: bool, what: &str) -> String {
    if known { format!("cannot {what}") } else { format!("is not known to {what}, and others are") }
}

impl Gate {
    /// The word under which decisions keep it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::NotCallable(_) => "not_callable",
            Self::NotChat => "not_chat",
            Self::NotAllowed => "not_allowed",
            Self::Unhealthy => "unhealthy",
            Self::Context { .. } => "context",
            Self::Untranslatable { .. } => "untranslatable",
            Self::Images { .. } => "images",
            Self::Audio { .. } => "audio",
            Self::Tools => "tools",
            Self::JsonSchema => "json_schema",
            Self::Thinking => "thinking",
        }
    }

    /// It is the request that asks too much, not the moment that is bad.
    pub fn blames_request(&self) -> bool {
        match self {
            Self::Context { .. }
            | Self::Untranslatable { .. }
            | Self::Images { .. }
            | Self::Audio { .. }
            | Self::Tools
            | Self::JsonSchema
            | Self::Thinking => true,
            Self::Disabled | Self::NotCallable(_) | Self::NotChat | Self::NotAllowed | Self::Unhealthy => false,
        }
    }
}

impl Candidate {
    /// The model, if it may be chosen.
    pub fn passing(&self) -> Option<&Arc<Model>> {
        self.model.as_ref().filter(|_| self.fell.is_none())
    }

    /// What a decision keeps of it.
    pub fn to_considered(&self) -> Considered {
        Considered {
            name: self.name.clone(),
            model: self.model.as_ref().map(|model| model.name()),
            gate: self.fell.as_ref().map(|gate| gate.word().to_owned()),
            reason: self.fell.as_ref().map(ToString::to_string),
        }
    }
}

/// Every candidate of the router, in its order, each with the first gate it falls at.
pub fn weigh(catalog: &Catalog, router: &Router, demands: &Demands, gates: Gates<'_>) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = router
        .entry
        .candidates
        .iter()
        .map(|entry| {
            let mut candidate = Candidate::weigh(catalog, &entry.model, demands, gates);
            candidate.notes.clone_from(&entry.notes);
            if !entry.enabled {
                candidate.fell = Some(Gate::Disabled);
            }
            candidate
        })
        .collect();
    prefer_able(&mut candidates, demands);
    candidates
}

impl Candidate {
    /// One name at the gates.
    pub fn weigh(catalog: &Catalog, name: &str, demands: &Demands, gates: Gates<'_>) -> Self {
        let (model, fell) = match reach(catalog, name) {
            Ok(model) => {
                let fell = fall(name, &model, demands, gates);
                (Some(model), fell)
            }
            Err(error) => (None, Some(Gate::NotCallable(in_words(&error)))),
        };
        Self { name: name.to_owned(), notes: String::new(), model, fell }
    }
}

/// The first gate a model falls at.
fn fall(name: &str, model: &Model, demands: &Demands, gates: Gates<'_>) -> Option<Gate> {
    let profile = &model.profile;
    let abilities = &profile.capabilities;
    let room = demands.answer_tokens.unwrap_or(ANSWER_ROOM).min(profile.max_output.unwrap_or(u64::MAX));
    let needs = demands.prompt_tokens.saturating_add(room);
    match profile.kind {
        ModelKind::Chat => {}
        ModelKind::Embedding => return Some(Gate::NotChat),
    }
    if !(gates.may_use)(name, model) {
        return Some(Gate::NotAllowed);
    }
    if let Some(has) = profile.context_length.filter(|&has| has < needs) {
        return Some(Gate::Context { needs, has });
    }
    // As `relay::plan` decides it.
    let would_translate = |from: &str| from != model.provider.protocol.as_str() || profile.quirks.reshapes_messages();
    if let Some(part) = demands.untranslatable.as_ref().filter(|part| would_translate(&part.protocol)) {
        return Some(Gate::Untranslatable { place: part.place.clone() });
    }
    if demands.images && abilities.vision == Some(false) {
        return Some(Gate::Images { known: true });
    }
    if demands.audio && abilities.audio == Some(false) {
        return Some(Gate::Audio { known: true });
    }
    if demands.tools && abilities.tools == Some(false) {
        return Some(Gate::Tools);
    }
    if demands.json_schema && abilities.json_schema == Some(false) {
        return Some(Gate::JsonSchema);
    }
    (!(gates.is_healthy)(model)).then_some(Gate::Unhealthy)
}

/// What is asked of a model that another one is better known for. What is not known passes, unless others are known to be
/// able: a model that ignores the picture it was sent answers nonsense. Thinking is a wish, so it never empties the list.
fn prefer_able(candidates: &mut [Candidate], demands: &Demands) {
    type IsAble = fn(&Model) -> bool;
    let wanted: [(bool, IsAble, Gate); 3] = [
        (demands.images, |model| model.profile.capabilities.vision == Some(true), Gate::Images { known: false }),
        (demands.audio, |model| model.profile.capabilities.audio == Some(true), Gate::Audio { known: false }),
        (demands.thinking, |model| model.profile.capabilities.reasoning != Some(false), Gate::Thinking),
    ];
    for (is_wanted, is_able, gate) in wanted {
        let passes = |candidate: &Candidate| candidate.passing().is_some_and(|model| is_able(model));
        if !is_wanted || !candidates.iter().any(passes) {
            continue;
        }
        for candidate in candidates.iter_mut().filter(|candidate| candidate.fell.is_none() && !passes(candidate)) {
            candidate.fell = Some(gate.clone());
        }
    }
}

/// Without the question mark of a suggestion: nobody is there to answer it.
fn in_words(error: &RouteError) -> String {
    match error {
        RouteError::TargetNotFound { target, .. } => format!("`{target}` does not exist"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
