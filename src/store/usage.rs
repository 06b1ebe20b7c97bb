//! Sums per hour, so that reports never scan the log.
//!
//! Two tables are written together. `usage_by_dimension` answers what reports ask (one dimension, or the total) from a
//! few rows per hour, however many combinations there are. `usage_hourly` has those combinations, for questions that
//! narrow one dimension by another. A row there stands for a *set* of tags: a request with two tags counts fully for
//! each of them, and once in everything else. It says whether they name an end user, but not which one:
//! `usage_hourly_by_user` has the combinations of those that do once more per user. Only questions about users read it,
//! and of one hour it has a thousand of them at most. [`latency`] has how long answers took.

mod breakdown;
mod combinations;
mod hours;
pub mod latency;
mod read;
mod write;

use std::borrow::Cow;
use std::str::FromStr;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

pub use breakdown::{Breakdown, Bucket, Cell, Filters, Group, Span, breakdown};
pub use hours::hours_with;
pub use read::{first_hour, last_hours_by, series, sums_by, total};
pub use write::{MAX_USERS_PER_HOUR, add_all};

use super::StoreError;
use super::driver::Row;
use crate::clock::UnixMillis;

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Stands where a dimension's word would, for the sums of end users beyond the limit of an hour.
const OTHER_USERS: &str = "other_users";
/// Stands where a dimension's word would, for the sums of all requests.
const TOTAL: &str = "total";

/// What requests are told apart by; an absent one is the empty text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dimensions<'a> {
    /// The start of the hour.
    pub hour: UnixMillis,
    /// Sorted, without duplicates.
    pub tags: &'a [SmolStr],
    /// Id of the provider that answered.
    pub provider: &'a str,
    /// The provider's model that answered.
    pub model: &'a str,
    /// Name of the API key.
    pub key: &'a str,
    /// Address of the client.
    pub client: &'a str,
    /// The alias passed through.
    pub alias: &'a str,
    /// The smart router that decided.
    pub router: &'a str,
    /// The end user, as the client names them.
    pub user: &'a str,
}

/// Sums over requests. Tokens are disjoint, except `reasoning_tokens`, which lie inside `output_tokens`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Upstream answers, failed ones included.
    pub requests: i64,
    /// Those of them that failed, or that the client did not wait for.
    pub errors: i64,
    /// Prompt tokens outside caches, sound and pictures included.
    pub input_tokens: i64,
    /// Generated tokens, sound included.
    pub output_tokens: i64,
    /// Thinking tokens, a part of the output.
    pub reasoning_tokens: i64,
    /// Prompt tokens read from providers' caches.
    pub cache_read_tokens: i64,
    /// Prompt tokens written to providers' caches, for any time.
    pub cache_write_tokens: i64,
    /// Known costs, nano-USD.
    pub cost_nano_usd: i64,
    /// Requests that used something whose cost is not known; the true sum is higher than the cost.
    pub unpriced_requests: i64,
    /// Requests whose token counts are our estimate.
    pub estimated_requests: i64,
    /// From arrival to end, milliseconds, summed.
    pub total_ms: i64,
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Counters", 10)?;
        fields.serialize_field("requests", &self.requests)?;
        fields.serialize_field("errors", &self.errors)?;
        fields.serialize_field("input_tokens", &self.input_tokens)?;
        fields.serialize_field("output_tokens", &self.output_tokens)?;
        fields.serialize_field("reasoning_tokens", &self.reasoning_tokens)?;
        fields.serialize_field("cache_read_tokens", &self.cache_read_tokens)?;
        fields.serialize_field("cache_write_tokens", &self.cache_write_tokens)?;
        fields.serialize_field("cost_nano_usd", &self.known_cost())?;
        fields.serialize_field("unpriced_requests", &self.unpriced_requests)?;
        fields.serialize_field("estimated_requests", &self.estimated_requests)?;
        fields.end()
    }
}

impl<'a> Dimensions<'a> {
    /// The values under which a request with these is summed up in one dimension: one, or as many as it has tags.
    fn values(&self, of: Dimension) -> Vec<Cow<'a, str>> {
        let one = match of {
            Dimension::Tag if self.tags.is_empty() => "",
            Dimension::Tag => return self.tags.iter().map(|tag| Cow::from(tag.as_str())).collect(),
            Dimension::Model if self.model.is_empty() => "",
            Dimension::Model => return vec![format!("{}/{}", self.provider, self.model).into()],
            Dimension::Provider => self.provider,
            Dimension::Key => self.key,
            Dimension::Client => self.client,
            Dimension::Alias => self.alias,
            Dimension::Router => self.router,
            Dimension::User => self.user,
        };
        vec![one.into()]
    }
}

impl Counters {
    /// The cost, nano-USD; `None` when nothing is known but that there was something to pay.
    pub fn known_cost(&self) -> Option<i64> {
        (self.unpriced_requests == 0 || self.cost_nano_usd != 0).then_some(self.cost_nano_usd)
    }

    /// Adds another sum; at the end of the range it stays there.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.fields_mut().into_iter().zip(other.fields()) {
            *sum = sum.saturating_add(more);
        }
    }

    /// Nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Prompt and answer together, caches included.
    pub fn tokens(&self) -> i64 {
        let parts = [self.input_tokens, self.output_tokens, self.cache_read_tokens, self.cache_write_tokens];
        parts.into_iter().fold(0, i64::saturating_add)
    }

    /// In the order of the columns.
    fn fields(&self) -> [i64; 11] {
        let mut copy = *self;
        copy.fields_mut().map(|field| *field)
    }

    fn fields_mut(&mut self) -> [&mut i64; 11] {
        [
            &mut self.requests,
            &mut self.errors,
            &mut self.input_tokens,
            &mut self.output_tokens,
            &mut self.reasoning_tokens,
            &mut self.cache_read_tokens,
            &mut self.cache_write_tokens,
            &mut self.cost_nano_usd,
            &mut self.unpriced_requests,
            &mut self.estimated_requests,
            &mut self.total_ms,
        ]
    }

    fn read(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        let mut counters = Self::default();
        for (offset, field) in counters.fields_mut().into_iter().enumerate() {
            *field = row.integer(first + offset)?;
        }
        Ok(counters)
    }
}

/// The names of the sums' columns, in the order of [`Counters::fields`].
const COUNTER_COLUMNS: [&str; 11] = [
    "requests",
    "errors",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_nano",
    "unpriced_requests",
    "estimated_requests",
    "total_ms",
];

/// What a report is grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Each tag; a request with two tags stands in two groups.
    Tag,
    /// `provider/model`.
    Model,
    /// The provider's id.
    Provider,
    /// The API key's name.
    Key,
    /// The client's address.
    Client,
    /// The alias passed through.
    Alias,
    /// The smart router that decided.
    Router,
    /// The end user, as the client names them.
    User,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 8] =
        [Self::Tag, Self::Model, Self::Provider, Self::Key, Self::Client, Self::Alias, Self::Router, Self::User];

    /// The word used on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Key => "key",
            Self::Client => "client",
            Self::Alias => "alias",
            Self::Router => "router",
            Self::User => "user",
        }
    }
}

/// The word is none that a report can be grouped by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not tag, model, provider, key, client, alias, router or user")]
pub struct UnknownDimension(String);

impl FromStr for Dimension {
    type Err = UnknownDimension;

    fn from_str(word: &str) -> Result<Self, UnknownDimension> {
        let found = Self::ALL.iter().find(|dimension| dimension.as_str() == word);
        found.copied().ok_or_else(|| UnknownDimension(word.to_owned()))
    }
}

/// The start of the hour a moment lies in.
pub fn hour_of(at: UnixMillis) -> UnixMillis {
    UnixMillis(at.0.div_euclid(HOUR_MS).saturating_mul(HOUR_MS))
}
