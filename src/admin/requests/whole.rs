//! Everything that is known of one request.

use serde::Serialize;
use serde_with_macros::skip_serializing_none;

use crate::catalog::Price;
use crate::clock::UnixMillis;
use crate::store::{Conn, StoreError, client_names, prices, prompts};
use crate::tracking::{self, MadeDecision, UsageRecord};

/// Everything that is known of one request, as the API shows it.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Whole {
    pub(super) record: UsageRecord,
    /// Designator's calls and later tries, oldest first.
    pub(super) linked: Vec<UsageRecord>,
    pub(super) decision: Option<MadeDecision>,
    pub(super) prompt: Option<Prompt>,
    /// What the client's address is called, where that is looked up.
    pub(super) client_name: Option<String>,
    /// The row its cost was computed with.
    pub(super) price: Option<UsedPrice>,
}

/// A kept body.
#[derive(Debug, Serialize)]
pub(super) struct Prompt {
    /// The route it came to, which says what format it has.
    pub(super) endpoint: String,
    pub(super) body: String,
}

/// A price row and since when it was in force.
#[derive(Debug, Serialize)]
pub(super) struct UsedPrice {
    pub(super) valid_from_ms: UnixMillis,
    #[serde(flatten)]
    pub(super) price: Price,
}

impl Whole {
    /// Reads it, at one moment. `None`: there is no such record.
    pub(in crate::admin) fn read(conn: &mut Conn<'_>, id: &str) -> Result<Option<Self>, StoreError> {
        conn.read(|tx| {
            let mut linked = tracking::find(tx, id)?;
            let Some(at) = linked.iter().position(|record| record.id == id) else { return Ok(None) };
            let record = linked.remove(at);
            let prompt = prompts::find(tx, id)?.map(|kept| Prompt { endpoint: kept.endpoint, body: kept.body });
            Ok(Some(Self {
                decision: tracking::decision(tx, id)?,
                prompt,
                client_name: client_names::names(tx, [record.client.as_str()].into_iter())?
                    .remove(record.client.as_str()),
                price: used_price(tx, &record)?,
                record,
                linked,
            }))
        })
    }
}

fn used_price(conn: &mut Conn<'_>, record: &UsageRecord) -> Result<Option<UsedPrice>, StoreError> {
    let Some(id) = &record.price else { return Ok(None) };
    let found = prices::find(conn, &record.provider, &record.model, id, record.started)?;
    let Some(dated) = found else { return Ok(None) };
    let price = serde_json::from_str(&dated.row.values)
        .map_err(|error| StoreError::Unreadable { what: "price", source: error.into() })?;
    Ok(Some(UsedPrice { valid_from_ms: dated.from, price }))
}
