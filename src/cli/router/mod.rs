//! `llm-relay router`: what is asked about smart routers themselves.

mod eval;

use std::process::ExitCode;

use clap::Subcommand;

use super::Common;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Replay labelled prompts: quality, cost and shares against simpler ways to choose, and against chance
    ///
    /// Designators are really asked, and their calls are recorded; candidates are not asked. docs/router-eval.md
    /// explains the data and the figures.
    Eval(eval::Options),
}

pub(super) fn run(common: &Common, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Eval(options) => eval::run(common, options),
    }
}
