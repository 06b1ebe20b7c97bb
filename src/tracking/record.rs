//! The record of one upstream answer.

use serde::{Deserialize, Serialize};
use serde_with_macros::skip_serializing_none;
use smol_str::SmolStr;

use crate::chat::Usage;
use crate::clock::UnixMillis;
use crate::money::NanoUsd;
use crate::routing::Step;
use crate::routing::smart::Decision;

/// One upstream answer: who asked, what for, where it went, how it ended, what it took and what it cost.
///
/// Prompts and answers are not in it, unless the operator keeps prompts. The journal holds it as one line of JSON; fields may be added with a default,
/// never renamed, because a newer program must read an older journal.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UsageRecord {
    /// UUID version 7; also the request id the client saw, except for linked calls.
    pub id: String,
    /// The request this call was made for (a designator's call for a routed request).
    pub parent: Option<SmolStr>,
    /// When the request arrived.
    pub started: UnixMillis,
    /// The person behind the client, as the client names them.
    pub end_user: Option<SmolStr>,
    /// Open WebUI's chat id.
    pub chat_id: Option<SmolStr>,
    /// Open WebUI's message id.
    pub message_id: Option<SmolStr>,
    /// Name of the API key.
    pub key: Option<SmolStr>,
    /// Sorted, without duplicates.
    pub tags: Vec<SmolStr>,
    /// The client's address.
    pub client: SmolStr,
    /// The route the client called, for example `/api/chat`.
    pub endpoint: SmolStr,
    /// The client's wire format.
    pub client_protocol: SmolStr,
    /// The provider's wire format.
    pub provider_protocol: SmolStr,
    /// The model's name as the client wrote it.
    pub asked: SmolStr,
    /// How the name was resolved.
    pub steps: Vec<Step>,
    /// The stage that decided (`alias:fast`, `prefix`, …).
    pub resolved_by: SmolStr,
    /// The alias passed through.
    pub alias: Option<SmolStr>,
    /// The smart router that decided.
    pub router: Option<SmolStr>,
    /// How the smart router came to its choice. Stored in a table of its own.
    pub decision: Option<Box<Decision>>,
    /// The request's body, where the operator keeps it. Stored in a table of its own.
    pub prompt: Option<String>,
    /// Who answered.
    pub provider: SmolStr,
    /// The model that answered, in the catalog's spelling.
    pub model: SmolStr,
    /// HTTP status the client got.
    pub status: u16,
    /// What kind of failure it was, if any.
    pub error: Option<ErrorClass>,
    /// The failure in words, key material cut out.
    pub error_message: Option<String>,
    /// Why the answer ended (OpenAI's words).
    pub finish_reason: Option<SmolStr>,
    /// The client asked for a stream.
    pub stream: bool,
    /// From arrival to the first token, milliseconds.
    pub first_token_ms: Option<u32>,
    /// From arrival to the end, milliseconds.
    pub total_ms: u32,
    /// The relay's own share of the time before the upstream was called, microseconds.
    pub relay_us: u32,
    /// What opening a connection to the provider took, TLS included, microseconds; `None` when one was open already.
    pub connect_us: Option<u32>,
    /// Tries it took, over all targets.
    pub attempts: u32,
    /// What the provider reported, or what we estimated.
    pub usage: Usage,
    /// The token counts are our estimate.
    pub estimated: bool,
    /// What it cost; `None` is "not known".
    pub cost: Option<NanoUsd>,
    /// Where the cost comes from.
    pub cost_source: CostSource,
    /// Our own computation, kept beside a provider's figure.
    pub computed_cost: Option<NanoUsd>,
    /// The price row used.
    pub price: Option<SmolStr>,
    /// The computation in a form one can read and check.
    pub formula: Option<String>,
}

impl UsageRecord {
    /// The `endpoint` of a designator's call.
    pub const DESIGNATOR: &'static str = "designator";

    /// The id of the request that a client made: this one's, or that of the request it was made for.
    pub fn asked_id(&self) -> &str {
        self.parent.as_deref().unwrap_or(&self.id)
    }

    /// A call made to find out who shall answer a request, linked to that request.
    pub fn is_designator_call(&self) -> bool {
        self.endpoint == Self::DESIGNATOR
    }

    /// The client got an error, or did not wait for the answer.
    pub fn has_failed(&self) -> bool {
        self.error.is_some() || self.status >= 400
    }

    /// Something was used and its cost is not known. A request that failed before it used anything has no cost either,
    /// but nothing is missing from the bill.
    pub fn is_unpriced(&self) -> bool {
        self.cost.is_none() && (self.error.is_none() || !self.usage.is_unknown())
    }
}

/// Where a cost comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostSource {
    /// There is none: price or usage is not known.
    #[default]
    Unknown,
    /// The provider said so.
    Reported,
    /// Reported tokens times the price row.
    Computed,
    /// Estimated tokens times the price row.
    Estimated,
    /// Hardware of our own.
    Local,
}

impl CostSource {
    /// The word used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Reported => "reported",
            Self::Computed => "computed",
            Self::Estimated => "estimated",
            Self::Local => "local",
        }
    }
}

impl ErrorClass {
    /// All of them, in the order in which people meet them.
    pub const ALL: [Self; 11] = [
        Self::ClientClosed,
        Self::BadRequest,
        Self::Connect,
        Self::Timeout,
        Self::RateLimit,
        Self::Overloaded,
        Self::ProviderAuth,
        Self::Provider,
        Self::Malformed,
        Self::Truncated,
        Self::Shutdown,
    ];

    /// The target failed, not the request: another target, or the same one later, may do better.
    pub fn blames_target(self) -> bool {
        match self {
            Self::ClientClosed | Self::BadRequest | Self::Shutdown => false,
            Self::Connect
            | Self::Timeout
            | Self::RateLimit
            | Self::Overloaded
            | Self::ProviderAuth
            | Self::Provider
            | Self::Malformed
            | Self::Truncated => true,
        }
    }

    /// The word used in records and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientClosed => "client_closed",
            Self::BadRequest => "bad_request",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::RateLimit => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::ProviderAuth => "provider_auth",
            Self::Provider => "provider",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::Shutdown => "shutdown",
        }
    }
}

/// What kind of failure a request met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The client went away before the answer was complete.
    ClientClosed,
    /// The request could not be carried, or the provider refused it (4xx).
    BadRequest,
    /// The provider could not be reached.
    Connect,
    /// The provider did not answer in time.
    Timeout,
    /// The provider asked us to slow down.
    RateLimit,
    /// The provider had too much to do.
    Overloaded,
    /// The provider refused our key.
    ProviderAuth,
    /// The provider failed (5xx, or an error inside a 200).
    Provider,
    /// The provider sent something that is not its protocol.
    Malformed,
    /// The stream ended before the answer was complete.
    Truncated,
    /// The relay was stopped while the answer was running.
    Shutdown,
}
