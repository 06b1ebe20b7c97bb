//! Logging, to standard error: text for people or JSON for machines. The last lines stay in memory for the admin page.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use anyhow::Context;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LogSettings};
use crate::log::{Format, Lines, Output, RecentLog};

/// Starts logging, and returns where its last lines will be, and what is to be dropped last of all: it waits for lines
/// that are not written yet. Called once per process.
pub(super) fn start(settings: &LogSettings) -> anyhow::Result<(Arc<RecentLog>, Output)> {
    // The settings were checked when they were read.
    let filter: Targets = settings.level.parse().unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    let format = match settings.format {
        LogFormat::Text => Format::Text { colored: io::stderr().is_terminal() },
        LogFormat::Json => Format::Json,
    };
    let recent = Arc::new(RecentLog::default());
    let output = Output::start(io::stderr()).context("cannot start the log's thread")?;
    let lines = Lines::new(format, Arc::clone(&recent), output.taker());
    tracing_subscriber::registry().with(lines).with(filter).init();
    Ok((recent, output))
}
