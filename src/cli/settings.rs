//! Where every command begins: the settings of this process.

use std::path::Path;

use anyhow::bail;

use super::Common;
use crate::config::{self, Problem, Settings, Variables};

/// The environment and `.env`, with what the command line sets.
pub(super) fn variables(common: &Common) -> (Variables, Vec<Problem>) {
    let (variables, problems) = Variables::from_process(Path::new("."));
    match &common.config {
        Some(path) => (variables.with("CONFIG", &path.to_string_lossy()), problems),
        None => (variables, problems),
    }
}

/// Settings that can be used, or an error that names everything wrong with them.
pub(super) fn load(common: &Common) -> anyhow::Result<(Variables, Settings)> {
    let (variables, mut problems) = variables(common);
    match Settings::load(&variables) {
        Ok(settings) if problems.is_empty() => Ok((variables, settings)),
        loaded => {
            problems.extend(loaded.err().unwrap_or_default());
            bail!("{}", config::check(&problems).trim_end());
        }
    }
}

/// A runtime for a command that waits for little.
pub(super) fn small_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
