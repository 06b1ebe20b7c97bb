//! A decision of a smart router, as it is stored and shown.

use serde::{Deserialize, Serialize};
use serde_with_macros::skip_serializing_none;

use super::Demands;
use crate::money::NanoUsd;

/// How a smart router came to its choice. The journal and the database hold it as JSON; fields may be added with a
/// default, never renamed.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The router, in its configured spelling.
    pub router: String,
    /// Its version at that moment.
    pub version: String,
    /// Why this choice.
    pub cause: Cause,
    /// The chosen name, as the router has it.
    pub choice: String,
    /// What the name leads to, as `provider/model`.
    pub model: String,
    /// What the request asked of a model.
    pub demands: Demands,
    /// Every candidate, in the router's order, and the gate it fell at.
    pub candidates: Vec<Considered>,
    /// The designator calls made for it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<DesignatorCall>,
    /// What of the conversation was remembered: `header`, `chat` or `turns`; `None`: the router has no sessions.
    #[serde(default)]
    pub session: Option<String>,
    /// From the first look at the request to the choice, microseconds.
    pub took_us: u64,
}

/// Why a choice was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The designator said so.
    Designator,
    /// Only one candidate passed the gates.
    Single,
    /// The conversation has its model already.
    Pin,
    /// The same question was decided a moment ago.
    Cache,
    /// A question of the client program itself (a title, tags, …).
    SideCall,
    /// No candidate passed the gates.
    FallbackGates,
    /// No designator answered in time.
    FallbackTimeout,
    /// The designator's answer named no candidate, twice.
    FallbackInvalid,
    /// The designator could not be asked.
    FallbackError,
    /// Every designator has failed so often that it is left alone for a while.
    Breaker,
}

/// A candidate as a decision keeps it.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// Its name as the router has it.
    pub name: String,
    /// What the name leads to, as `provider/model`.
    pub model: Option<String>,
    /// The gate it fell at; `None`: it could be chosen.
    pub gate: Option<String>,
    /// The same in words.
    pub reason: Option<String>,
}

/// One call of a designator.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DesignatorCall {
    /// Id of its usage record.
    pub id: String,
    /// Who was asked, as `provider/model`.
    pub model: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What it said, cut to a line; the error when it said nothing.
    pub answer: Option<String>,
    /// How long it took, milliseconds.
    pub ms: u32,
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Answer tokens.
    pub output_tokens: Option<u64>,
    /// What it cost; absent: not known.
    pub cost_nano_usd: Option<NanoUsd>,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It named a candidate.
    Chosen,
    /// It named none, or several.
    Invalid,
    /// It did not answer in time.
    Timeout,
    /// It could not be reached, or refused.
    Error,
}

impl Cause {
    /// The word in headers, records and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Designator => "designator",
            Self::Single => "single",
            Self::Pin => "pin",
            Self::Cache => "cache",
            Self::SideCall => "side-call",
            Self::FallbackGates => "fallback-gates",
            Self::FallbackTimeout => "fallback-timeout",
            Self::FallbackInvalid => "fallback-invalid",
            Self::FallbackError => "fallback-error",
            Self::Breaker => "breaker",
        }
    }

    /// The same in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Designator => "the designator chose",
            Self::Single => "only one candidate passed the gates",
            Self::Pin => "the conversation has its model already",
            Self::Cache => "the same question was decided a moment ago",
            Self::SideCall => "a question of the client program itself",
            Self::FallbackGates => "no candidate passed the gates, so the fallback",
            Self::FallbackTimeout => "no designator answered in time, so the fallback",
            Self::FallbackInvalid => "the designator named no candidate, so the fallback",
            Self::FallbackError => "no designator could be asked, so the fallback",
            Self::Breaker => "every designator has failed too often, so the fallback",
        }
    }

    /// Nobody chose: what came is what was left.
    pub fn is_fallback(self) -> bool {
        match self {
            Self::FallbackGates
            | Self::FallbackTimeout
            | Self::FallbackInvalid
            | Self::FallbackError
            | Self::Breaker => true,
            Self::Designator | Self::Single | Self::Pin | Self::Cache | Self::SideCall => false,
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Decision {
    /// What asking cost; `None` when nobody was asked, or one of the costs is not known.
    pub fn cost(&self) -> Option<NanoUsd> {
        if self.calls.is_empty() {
            return None;
        }
        self.calls.iter().map(|call| call.cost_nano_usd.map(|cost| cost.0)).sum::<Option<i64>>().map(NanoUsd)
    }
}
