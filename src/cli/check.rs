//! `llm-relay check`.

use std::process::ExitCode;

use super::{Common, print, settings};
use crate::app;
use crate::config::{self, Problem, Settings};

pub(super) fn run(common: &Common) -> anyhow::Result<ExitCode> {
    let (variables, mut problems) = settings::variables(common);
    match Settings::load(&variables) {
        Ok(settings) => problems.extend(app::check(&variables, &settings)),
        Err(found) => problems.extend(found),
    }
    print(&config::check(&problems));
    Ok(if problems.iter().any(Problem::is_error) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
