//! Logging, to standard error: text for people or JSON for machines. The last lines stay in memory for the admin page.

mod json;

use std::io::IsTerminal;
use std::sync::Arc;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, LogSettings};
use crate::recent_log::RecentLog;
use json::JsonLines;

/// Starts logging, and returns where its last lines will be. Called once per process.
pub(super) fn start(settings: &LogSettings) -> Arc<RecentLog> {
    // The settings were checked when they were read.
    let filter: Targets = settings.level.parse().unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    let recent = Arc::new(RecentLog::default());
    let text = (settings.format == LogFormat::Text).then(|| {
        fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed()
    });
    let lines = JsonLines { recent: recent.clone(), to_stderr: settings.format == LogFormat::Json };
    tracing_subscriber::registry().with(text).with(lines).with(filter).init();
    recent
}
