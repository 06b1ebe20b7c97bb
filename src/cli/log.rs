//! Logging, to standard error: text for people or JSON for machines.

mod json;

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, LogSettings};
use json::JsonLines;

/// Starts logging. Called once per process.
pub(super) fn start(settings: &LogSettings) {
    // The settings were checked when they were read.
    let filter: Targets = settings.level.parse().unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let lines = match settings.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.event_format(JsonLines).boxed(),
    };
    tracing_subscriber::registry().with(lines).with(filter).init();
}
