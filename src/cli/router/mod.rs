//! `llm-relay router`: what is asked about smart routers themselves.

mod eval;
mod replay;

use std::process::ExitCode;

use anyhow::bail;
use clap::{Subcommand, ValueEnum};

use super::Common;
use crate::catalog::Catalog;
use crate::routing::{AtRouter, Resolved, resolve};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Replay labelled prompts: quality, cost and shares against simpler ways to choose, and against chance
    ///
    /// Designators are really asked, and their calls are recorded; candidates are not asked. docs/router-eval.md
    /// explains the data and the figures.
    Eval(eval::Options),
    /// Run the router as it is now over recent requests: what would move, and what it would cost
    ///
    /// Needs prompts that were kept (`KEEP_PROMPTS=routed`). Designators are really asked, and their calls are recorded;
    /// candidates are not asked.
    Replay(replay::Options),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Aligned columns for people
    Table,
    /// For programs
    Json,
}

pub(super) fn run(common: &Common, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Eval(options) => eval::run(common, options),
        Command::Replay(options) => replay::run(common, options),
    }
}

fn at_router<'a>(catalog: &'a Catalog, name: &str) -> anyhow::Result<AtRouter<'a>> {
    match resolve(catalog, name)? {
        Resolved::Router(at) => Ok(at),
        Resolved::Model(resolution) => bail!("`{name}` is no router: it leads to {}", resolution.route.first.name()),
    }
}
