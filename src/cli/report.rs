//! `llm-relay report`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::{Common, print, settings};
use crate::clock::UnixMillis;
use crate::store::Store;
use crate::tracking::{self, Dimension, Journal, Period, Recorder};

/// What to report.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// What the rows are: tag, model, provider, key, client, alias, router or user
    #[arg(long, value_name = "WHAT", default_value = "tag")]
    by: Dimension,
    /// Begin of the period: 2026-11-01, 2026-11-01T08:00:00Z, 7d or 24h ago (UTC, whole hours) [default: 30d]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// End of the period, in the same forms; a bare date includes that day [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Aligned columns for people
    Table,
    /// For spreadsheets, without a total
    Csv,
    /// For programs
    Json,
}

pub(super) fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let (_, settings) = settings::load(common)?;
    let period = Period::parse(options.from.as_deref(), options.to.as_deref(), UnixMillis::now())?;
    let store = Store::open(&settings.store.database)?;
    // What a killed relay left in its journal counts too. A running one's own segments are left to it.
    let journal = Arc::new(Journal::open(&settings.store.data_dir.join("journal"))?);
    settings::small_runtime()?.block_on(Recorder::new(store.clone(), journal).copy_all())?;
    let report = store.blocking(|conn| tracking::report(conn, options.by, period))?;
    match options.format {
        Format::Table => print(&report.to_table()),
        Format::Csv => print(&report.to_csv()?),
        Format::Json => print(&format!("{}\n", report.to_json()?)),
    }
    Ok(ExitCode::SUCCESS)
}
