//! What a provider that is tried out has shown so far.

use std::net::IpAddr;

use serde::Serialize;
use serde_with_macros::skip_serializing_none;

use crate::money::NanoUsd;
use crate::tracking::ErrorClass;

/// What has become known; times are milliseconds since the beginning.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum ProbeStep {
    /// What is asked, and where.
    Asking {
        /// `provider/model`.
        model: String,
        /// Under which the call is found among the requests.
        request_id: String,
        /// Without query and credentials.
        address: String,
    },
    /// The host has addresses; empty: a proxy will look it up.
    Resolved {
        /// Them.
        addresses: Vec<IpAddr>,
        /// When.
        ms: u64,
    },
    /// There is a connection, TLS included.
    Connected {
        /// When.
        ms: u64,
    },
    /// The head of the answer.
    Headers {
        /// Its HTTP status.
        status: u16,
        /// When.
        ms: u64,
    },
    /// The first piece of the answer.
    FirstToken {
        /// When.
        ms: u64,
    },
    /// A piece of the answer.
    Text {
        /// It.
        text: String,
    },
    /// The end of it.
    Done {
        /// Why it ended.
        finish_reason: Option<String>,
        /// Prompt tokens.
        input_tokens: Option<u64>,
        /// Generated tokens.
        output_tokens: Option<u64>,
        /// What it cost; absent: not known.
        cost_nano_usd: Option<NanoUsd>,
        /// When.
        ms: u64,
    },
    /// It has failed.
    Failed {
        /// What kind of failure it is.
        error: ErrorClass,
        /// What was said, without the key.
        message: String,
        /// What to do.
        hint: String,
        /// When.
        ms: u64,
    },
}
