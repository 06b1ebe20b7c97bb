//! Why a name leads to no model.

/// Why a name leads to no model that can be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Nothing is called that, and there is no default.
    #[error("model `{asked}` not found{}", suggestion(near))]
    NotFound {
        /// The name as the client wrote it.
        asked: String,
        /// Up to three names that look alike, the nearest first.
        near: Vec<String>,
    },
    /// An alias, a router or the default names something that is not there: the configuration's mistake.
    #[error("{by} leads to `{target}`, which does not exist{}", suggestion(near))]
    TargetNotFound {
        /// What points at it: "alias `fast`".
        by: String,
        /// What it points at.
        target: String,
        /// Up to three names that look alike, the nearest first.
        near: Vec<String>,
    },
    /// The operator switched it off.
    #[error("{what} is switched off")]
    Disabled {
        /// "model `openai/o3`" or "provider `openai`".
        what: String,
    },
    /// The provider lacks a setting.
    #[error("model `{model}` cannot be used: provider `{provider}` is not configured, set {setting}")]
    NoKey {
        /// The model asked for.
        model: String,
        /// Its provider.
        provider: String,
        /// The setting that would configure it.
        setting: String,
    },
    /// The provider cannot be used as it is configured.
    #[error("model `{model}` cannot be used: provider `{provider}`: {reason}")]
    Unusable {
        /// The model asked for.
        model: String,
        /// Its provider.
        provider: String,
        /// Why, and what to do.
        reason: String,
    },
    /// No candidate of a router can answer, nor can its fallback.
    #[error("no model of router `{router}` can answer this: {}", reasons.join("; "))]
    NoCandidate {
        /// The router's name.
        router: String,
        /// Why each cannot: "`openai/gpt-4o-mini` cannot see images".
        reasons: Vec<String>,
        /// The request asks for more than any of them can do; else it is the moment, and another may do.
        blames_request: bool,
    },
    /// Redirects go round in a circle, or there are too many.
    #[error("redirects go on for too long: {}", hops.join(" -> "))]
    RedirectLoop {
        /// The names passed, the first one first.
        hops: Vec<String>,
    },
}

fn suggestion(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let quoted: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    format!("; did you mean {}?", quoted.join(" or "))
}
