//! What few records have, in tables of its own: the decision of a smart router, and the prompt where prompts are kept.

use super::UsageRecord;
use crate::clock::UnixMillis;
use crate::routing::smart::Decision;
use crate::store::decisions::{self, StoredDecision};
use crate::store::prompts::{self, KeptPrompt};
use crate::store::{Conn, StoreError};

/// A decision and the request it was made for.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MadeDecision {
    /// The request's id.
    pub request_id: String,
    /// When it arrived.
    pub started: UnixMillis,
    /// The decision.
    #[serde(flatten)]
    pub decision: Decision,
}

/// Stores what lies beside a new record, in the transaction that stores the record.
pub(super) fn insert(conn: &mut Conn<'_>, record: &UsageRecord) -> Result<(), StoreError> {
    if let Some(decision) = &record.decision {
        let stored = StoredDecision {
            request_id: record.id.clone(),
            started: record.started,
            router: decision.router.clone(),
            cause: decision.cause.to_string(),
            model: decision.model.clone(),
            // Plain data: there is nothing in it that JSON could refuse.
            decision: serde_json::to_string(decision).unwrap_or_default(),
        };
        decisions::insert(conn, &stored)?;
    }
    if let Some(body) = &record.prompt {
        let prompt = KeptPrompt {
            request_id: record.id.clone(),
            started: record.started,
            endpoint: record.endpoint.to_string(),
            body: body.clone(),
        };
        prompts::insert(conn, &prompt)?;
    }
    Ok(())
}

/// The decision made for a request.
///
/// # Errors
/// When the database cannot be read.
pub fn decision(conn: &mut Conn<'_>, request_id: &str) -> Result<Option<MadeDecision>, StoreError> {
    decisions::find(conn, request_id)?.map(read).transpose()
}

/// Decisions of a router, or of all, that began before a moment; newest first, at most `limit`.
///
/// # Errors
/// When the database cannot be read.
pub fn recent_decisions(
    conn: &mut Conn<'_>,
    router: Option<&str>,
    before: UnixMillis,
    limit: u32,
) -> Result<Vec<MadeDecision>, StoreError> {
    decisions::recent(conn, router, before, limit)?.into_iter().map(read).collect()
}

/// A request that a router decided, and whose body was kept.
#[derive(Debug, Clone)]
pub struct PastRequest {
    /// Its record.
    pub record: UsageRecord,
    /// What was decided.
    pub decision: Decision,
    /// The body as it came.
    pub body: String,
}

/// The newest requests of a router whose bodies were kept, newest first, at most `limit`.
///
/// # Errors
/// When the database cannot be read.
pub fn past_requests(conn: &mut Conn<'_>, router: &str, limit: u32) -> Result<Vec<PastRequest>, StoreError> {
    let mut past = Vec::new();
    for prompt in prompts::routed_by(conn, router, limit)? {
        let made = decision(conn, &prompt.request_id)?;
        let record = super::find(conn, &prompt.request_id)?.into_iter().find(|record| record.id == prompt.request_id);
        if let (Some(made), Some(record)) = (made, record) {
            past.push(PastRequest { record, decision: made.decision, body: prompt.body });
        }
    }
    Ok(past)
}

fn read(stored: StoredDecision) -> Result<MadeDecision, StoreError> {
    let decision = serde_json::from_str(&stored.decision)
        .map_err(|error| StoreError::Unreadable { what: "decision", source: error.into() })?;
    Ok(MadeDecision { request_id: stored.request_id, started: stored.started, decision })
}
