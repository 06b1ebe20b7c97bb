//! Who spent what: sums over any period, by a dimension and narrowed by others, with their course over time and the period
//! before.

use std::sync::Arc;

use http::HeaderValue;
use http::header::CONTENT_DISPOSITION;
use serde::Serialize;

use super::super::Shared;
use super::super::reply::{self, Reply};
use super::super::usage::Question;
use super::error::ApiError;
use crate::clock::UnixMillis;
use crate::tracking::{self, Detail, Latency};

/// The answer as JSON. How long answers took is known of all requests together only.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    detail: &'a Detail,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
}

/// Rows, totals and points; or, with `format=csv`, the rows.
pub(super) async fn report(shared: &Arc<Shared>, query: &str) -> Result<Reply, ApiError> {
    let wrong = |wrong| ApiError::new(400, "query", wrong);
    let question = Question::read(query).map_err(wrong)?;
    let asked = question.understand(UnixMillis::now()).map_err(wrong)?;
    shared
        .with_database(move |_, conn| {
            let (detail, latency) = conn.read(|tx| {
                let latency = if asked.filters.is_empty() { Some(tracking::latency(tx, asked.period)?) } else { None };
                Ok((tracking::usage(tx, &asked)?, latency))
            })?;
            if !question.as_csv {
                return Ok(super::json(200, &Answer { detail: &detail, latency }));
            }
            let csv = detail.to_csv().map_err(|error| {
                tracing::error!(%error, "a report cannot be written as CSV");
                ApiError::new(500, "internal", "the answer cannot be written; the log says why")
            })?;
            let mut reply = reply::bytes(200, "text/csv; charset=utf-8", csv);
            let name = HeaderValue::from_static("attachment; filename=\"usage.csv\"");
            reply.headers_mut().insert(CONTENT_DISPOSITION, name);
            Ok(reply)
        })
        .await
}
