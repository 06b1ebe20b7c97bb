//! Sums per hour and dimension, so that reports never scan the log.
//!
//! A row stands for a *set* of tags, not for a tag: grouping by tag counts a request fully for each of its tags,
//! and the total over the rows still counts it once.

use std::str::FromStr;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::driver::{Conn, Row};
use super::{StoreError, hex, list_to_json};
use crate::clock::UnixMillis;

const HOUR_MS: i64 = 3_600_000;

/// What requests are told apart by; an absent one is the empty text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dimensions {
    /// The start of the hour.
    pub hour: UnixMillis,
    /// Sorted, without duplicates.
    pub tags: Vec<String>,
    /// Id of the provider that answered.
    pub provider: String,
    /// The provider's model that answered.
    pub model: String,
    /// Name of the API key.
    pub key: String,
    /// Address of the client.
    pub client: String,
    /// The alias passed through.
    pub alias: String,
    /// The smart router that decided.
    pub router: String,
}

/// Sums over requests. Tokens are disjoint, except `reasoning_tokens`, which lie inside `output_tokens`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
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
    #[serde(skip)]
    pub total_ms: i64,
}

impl Counters {
    /// Adds another sum; at the end of the range it stays there.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.fields_mut().into_iter().zip(other.fields()) {
            *sum = sum.saturating_add(more);
        }
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

/// What a report is grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 7] =
        [Self::Tag, Self::Model, Self::Provider, Self::Key, Self::Client, Self::Alias, Self::Router];

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
        }
    }
}

/// The word is none that a report can be grouped by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not tag, model, provider, key, client, alias or router")]
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
    UnixMillis(at.0.div_euclid(HOUR_MS) * HOUR_MS)
}

/// Adds to an hour's sums, in the transaction that writes the records they come from.
///
/// # Errors
/// When the database cannot be written.
pub fn add(conn: &mut Conn<'_>, of: &Dimensions, counters: &Counters) -> Result<(), StoreError> {
    let tag_set = tag_set(conn, &of.tags)?;
    let mut params = vec![
        of.hour.into(),
        tag_set.into(),
        (&of.provider).into(),
        (&of.model).into(),
        (&of.key).into(),
        (&of.client).into(),
        (&of.alias).into(),
        (&of.router).into(),
    ];
    params.extend(counters.fields().map(Into::into));
    conn.execute(
        "insert into usage_hourly (hour_ms, tag_set, provider, model, key_name, client, alias, router,
             requests, errors, input_tokens, output_tokens, reasoning_tokens, cache_read_tokens, cache_write_tokens,
             cost_nano, unpriced_requests, estimated_requests, total_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
         on conflict (hour_ms, tag_set, provider, model, key_name, client, alias, router) do update set
             requests = usage_hourly.requests + excluded.requests,
             errors = usage_hourly.errors + excluded.errors,
             input_tokens = usage_hourly.input_tokens + excluded.input_tokens,
             output_tokens = usage_hourly.output_tokens + excluded.output_tokens,
             reasoning_tokens = usage_hourly.reasoning_tokens + excluded.reasoning_tokens,
             cache_read_tokens = usage_hourly.cache_read_tokens + excluded.cache_read_tokens,
             cache_write_tokens = usage_hourly.cache_write_tokens + excluded.cache_write_tokens,
             cost_nano = usage_hourly.cost_nano + excluded.cost_nano,
             unpriced_requests = usage_hourly.unpriced_requests + excluded.unpriced_requests,
             estimated_requests = usage_hourly.estimated_requests + excluded.estimated_requests,
             total_ms = usage_hourly.total_ms + excluded.total_ms",
        &params,
    )?;
    Ok(())
}

/// The id of a set of tags, made from its content; the set is remembered when it is new. No tags: the empty id.
fn tag_set(conn: &mut Conn<'_>, tags: &[String]) -> Result<String, StoreError> {
    if tags.is_empty() {
        return Ok(String::new());
    }
    let json = list_to_json(tags);
    let mut id = hex(&Sha256::digest(json.as_bytes()));
    id.truncate(32);
    let is_new = conn.execute(
        "insert into tag_sets (id, tags) values ($1, $2) on conflict (id) do nothing",
        &[(&id).into(), json.into()],
    )?;
    if is_new == 1 {
        for tag in tags {
            conn.execute(
                "insert into tag_set_members (tag_set, tag) values ($1, $2) on conflict (tag_set, tag) do nothing",
                &[(&id).into(), tag.into()],
            )?;
        }
    }
    Ok(id)
}

const SUMS: &str = "cast(coalesce(sum(requests), 0) as bigint), cast(coalesce(sum(errors), 0) as bigint),
    cast(coalesce(sum(input_tokens), 0) as bigint), cast(coalesce(sum(output_tokens), 0) as bigint),
    cast(coalesce(sum(reasoning_tokens), 0) as bigint), cast(coalesce(sum(cache_read_tokens), 0) as bigint),
    cast(coalesce(sum(cache_write_tokens), 0) as bigint), cast(coalesce(sum(cost_nano), 0) as bigint),
    cast(coalesce(sum(unpriced_requests), 0) as bigint), cast(coalesce(sum(estimated_requests), 0) as bigint),
    cast(coalesce(sum(total_ms), 0) as bigint)";

/// Sums of the hours that start in `from..to`, per value of the dimension, in no particular order.
/// Requests without one are under the empty text.
///
/// # Errors
/// When the database cannot be read.
pub fn sums_by(
    conn: &mut Conn<'_>,
    by: Dimension,
    from: UnixMillis,
    to: UnixMillis,
) -> Result<Vec<(String, Counters)>, StoreError> {
    let (value, source) = match by {
        Dimension::Tag => (
            "coalesce(member.tag, '')",
            "usage_hourly left join tag_set_members member on member.tag_set = usage_hourly.tag_set",
        ),
        Dimension::Model => ("case when model = '' then '' else provider || '/' || model end", "usage_hourly"),
        Dimension::Provider => ("provider", "usage_hourly"),
        Dimension::Key => ("key_name", "usage_hourly"),
        Dimension::Client => ("client", "usage_hourly"),
        Dimension::Alias => ("alias", "usage_hourly"),
        Dimension::Router => ("router", "usage_hourly"),
    };
    let sql = format!("select {value}, {SUMS} from {source} where hour_ms >= $1 and hour_ms < $2 group by 1");
    conn.query(&sql, &[from.into(), to.into()], |row| Ok((row.text(0)?, Counters::read(row, 1)?)))
}

/// Sums of the hours that start in `from..to`, each request counted once.
///
/// # Errors
/// When the database cannot be read.
pub fn total(conn: &mut Conn<'_>, from: UnixMillis, to: UnixMillis) -> Result<Counters, StoreError> {
    let sql = format!("select {SUMS} from usage_hourly where hour_ms >= $1 and hour_ms < $2");
    let found = conn.query(&sql, &[from.into(), to.into()], |row| Counters::read(row, 0))?;
    Ok(found.first().copied().unwrap_or_default())
}
