//! How long clients waited.

use serde::Serialize;

use super::Period;
use crate::store::usage::latency::{Histogram, Measure, histogram};
use crate::store::{Conn, StoreError};

/// Times of the answers to the requests of a period; failed ones are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// From arrival to the end.
    pub total: Percentiles,
    /// From arrival to the first token, of streams.
    pub first_token: Percentiles,
}

/// The time of the middle answer and of the slowest of a hundred, within 6 %. `None`: nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub answers: i64,
    /// Half of them took at most this long.
    pub p50_ms: Option<u32>,
    /// Ninety-nine of a hundred took at most this long.
    pub p99_ms: Option<u32>,
}

/// The times of a period, from hourly histograms.
///
/// # Errors
/// When the database cannot be read.
pub fn latency(conn: &mut Conn<'_>, period: Period) -> Result<Latency, StoreError> {
    let mut of = |measure| {
        histogram(conn, measure, period.from, period.to).map(|histogram: Histogram| Percentiles {
            answers: histogram.answers(),
            p50_ms: histogram.percentile(50),
            p99_ms: histogram.percentile(99),
        })
    };
    Ok(Latency { total: of(Measure::Total)?, first_token: of(Measure::FirstToken)? })
}
