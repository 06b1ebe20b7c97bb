//! What the database takes now, and what it will take when it has grown as old as the settings let it.
//!
//! The forecast is a multiplication of figures that can be looked at: records per day in the last seven days, bytes that a
//! record takes in the file with its indexes, days. Nothing is assumed where there is nothing to measure.

use serde::Serialize;
use serde_with_macros::skip_serializing_none;

use super::Shared;
use crate::clock::UnixMillis;
use crate::config::LiveSettings;
use crate::store::{Conn, StoreError, TableSpace, decisions, prompts, requests};

/// Days that are looked back at.
const DAYS: i64 = 7;
const DAY_MS: i64 = 86_400_000;
/// What is kept for good is told of for a year.
const YEAR: u32 = 365;

/// What the database takes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Storage {
    /// All of the file, bytes.
    pub(super) total_bytes: u64,
    /// What was deleted and not given back; it is used again.
    pub(super) free_bytes: u64,
    /// The file gives back by itself what was deleted.
    pub(super) shrinks: bool,
    /// Records, decisions, bodies; then all the rest, which does not grow with requests but with hours.
    pub(super) kinds: [Kind; 3],
    pub(super) rest_bytes: u64,
    /// What all three will take, as far as it is known.
    pub(super) forecast_bytes: u64,
    /// How the forecast was made, for people.
    pub(super) how: String,
}

/// What there is of one kind.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
pub(super) struct Kind {
    pub(super) what: &'static str,
    pub(super) rows: i64,
    /// In the file, indexes included.
    pub(super) size_bytes: u64,
    /// Of those of the last days.
    pub(super) rows_per_day: f64,
    /// None: there is no row to measure.
    pub(super) bytes_per_row: Option<u64>,
    /// None: for good.
    pub(super) keep_days: Option<u32>,
    /// After so many days: those it is kept for, or a year.
    pub(super) forecast_days: u32,
    pub(super) forecast_bytes: Option<u64>,
}

impl Storage {
    /// Measures, counts and multiplies.
    pub(super) fn read(shared: &Shared, conn: &mut Conn<'_>, now: UnixMillis) -> Result<Self, StoreError> {
        let settings = shared.in_force.settings();
        let tables = shared.table_sizes.read(conn)?;
        conn.read(|tx| {
            let space = tx.file_space()?;
            let since = UnixMillis(now.0 - DAYS * DAY_MS);
            let counts = [requests::counts(tx, since)?, decisions::counts(tx, since)?, prompts::counts(tx, since)?];
            Ok(Self::of(space.total_bytes, space.free_bytes, space.shrinks, &tables, counts, &settings))
        })
    }

    fn of(
        total_bytes: u64,
        free_bytes: u64,
        shrinks: bool,
        tables: &[TableSpace],
        counts: [(i64, i64); 3],
        settings: &LiveSettings,
    ) -> Self {
        let size_of = |name: &str| tables.iter().find(|table| table.table == name).map_or(0, |table| table.size_bytes);
        let kinds = [
            ("requests", size_of("requests"), counts[0], settings.keep_requests_days),
            ("decisions", size_of("decisions"), counts[1], settings.keep_decisions_days),
            ("bodies", size_of("kept_prompts"), counts[2], Some(settings.keep_prompts_days)),
        ];
        let kinds = kinds.map(|(what, size_bytes, count, days)| Kind::of(what, size_bytes, count, days));
        let measured: u64 = tables.iter().map(|table| table.size_bytes).sum();
        let of_kinds: u64 = kinds.iter().map(|kind| kind.size_bytes).sum();
        Self {
            total_bytes,
            free_bytes,
            shrinks,
            forecast_bytes: kinds.iter().filter_map(|kind| kind.forecast_bytes).sum(),
            kinds,
            rest_bytes: measured.saturating_sub(of_kinds),
            how: format!(
                "rows that arrived in the last {DAYS} days ÷ {DAYS}, times the bytes that a row takes in the file with its \
                 indexes, times the days it is kept; a year for what is kept for good"
            ),
        }
    }
}

impl Kind {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a forecast"
    )]
    fn of(what: &'static str, size_bytes: u64, (rows, lately): (i64, i64), keep_days: Option<u32>) -> Self {
        let rows_per_day = lately as f64 / DAYS as f64;
        let bytes_per_row = u64::try_from(rows).ok().filter(|rows| *rows > 0).map(|rows| size_bytes / rows);
        let forecast_days = keep_days.unwrap_or(YEAR);
        let forecast_bytes = bytes_per_row.map(|bytes| (rows_per_day * bytes as f64 * f64::from(forecast_days)) as u64);
        Self { what, rows, size_bytes, rows_per_day, bytes_per_row, keep_days, forecast_days, forecast_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_is_rows_per_day_times_bytes_times_days() {
        let table = |table: &str, size_bytes| TableSpace { table: table.to_owned(), size_bytes };
        let tables = [table("requests", 100_000), table("kept_prompts", 8_000), table("prices", 500)];
        let settings = LiveSettings { keep_requests_days: Some(30), ..LiveSettings::default() };
        let storage = Storage::of(120_000, 9_000, true, &tables, [(100, 70), (0, 0), (4, 0)], &settings);
        let [requests, decisions, bodies] = &storage.kinds;
        assert_eq!((requests.bytes_per_row, requests.forecast_bytes), (Some(1000), Some(300_000)));
        assert_eq!((decisions.bytes_per_row, decisions.forecast_bytes, decisions.forecast_days), (None, None, 365));
        assert_eq!((bodies.bytes_per_row, bodies.forecast_bytes), (Some(2000), Some(0)));
        assert_eq!((storage.rest_bytes, storage.forecast_bytes), (500, 300_000));
    }
}
