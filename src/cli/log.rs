//! Logging, to standard error: text for people or JSON for machines. The last lines stay in memory for the admin page.

use std::io::IsTerminal;
use std::sync::Arc;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LogSettings};
use crate::log::{Format, Lines, RecentLog};

/// Starts logging, and returns where its last lines will be. Called once per process.
pub(super) fn start(settings: &LogSettings) -> Arc<RecentLog> {
    // The settings were checked when they were read.
    let filter: Targets = settings.level.parse().unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    let format = match settings.format {
        LogFormat::Text => Format::Text { colored: std::io::stderr().is_terminal() },
        LogFormat::Json => Format::Json,
    };
    let recent = Arc::new(RecentLog::default());
    let lines = Lines::to_stderr(format, Arc::clone(&recent));
    tracing_subscriber::registry().with(lines).with(filter).init();
    recent
}
