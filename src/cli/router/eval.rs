//! `llm-relay router eval`: labelled prompts through a router, and what comes of it.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use futures_util::{StreamExt, stream};

use super::{Format, at_router};
use crate::app::Workbench;
use crate::catalog::{Model, Router};
use crate::chat::Usage;
use crate::cli::{Common, print, settings};
use crate::clock::UnixMillis;
use crate::evaluation::{Case, Field, LineError, Trial, Verdict, evaluate, read_cases};
use crate::money::NanoUsd;
use crate::routing::reach;
use crate::routing::smart::Demands;
use crate::tracking;

/// Mistakes of a file that are told at once.
const TOLD: usize = 20;

/// What to replay.
#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    /// The router
    name: String,
    /// Labelled prompts, one JSON object per line
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Only the first N of them
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// Questions to designators that may run at the same time
    #[arg(long, value_name = "N", default_value = "1")]
    parallel: NonZeroUsize,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

pub(in crate::cli) fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(&options.data).with_context(|| options.data.display().to_string())?;
    let (variables, settings) = settings::load(common)?;
    let evaluation = settings::small_runtime()?.block_on(async {
        let workbench = Workbench::open(variables, &settings).await?;
        let router = at_router(workbench.catalog(), &options.name)?.router();
        let field = field(router);
        let mut cases = read_cases(&text, &field).map_err(|errors| mistakes(options, &errors))?;
        cases.truncate(options.limit.map_or(usize::MAX, NonZeroUsize::get));
        let trials = replay(&workbench, options, &field, &cases).await?;
        let evaluation = evaluate(&router.name, &router.version, &field, &trials);
        workbench.close().await?;
        anyhow::Ok(evaluation)
    })?;
    match options.format {
        Format::Table => print(&evaluation.to_table()),
        Format::Json => print(&format!("{}\n", serde_json::to_string(&evaluation)?)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Candidates that are switched off cannot be chosen as such, but may be the fallback.
fn field(router: &Router) -> Field {
    let entry = &router.entry;
    let (on, off): (Vec<_>, Vec<_>) = entry.candidates.iter().partition(|candidate| candidate.enabled);
    let others =
        off.into_iter().map(|candidate| &candidate.model).chain([&entry.fallback]).chain(&entry.side_call_model);
    Field::new(on.into_iter().map(|candidate| candidate.model.clone()).collect(), others.cloned())
}

fn mistakes(options: &Options, errors: &[LineError]) -> anyhow::Error {
    let file = options.data.display();
    let mut lines: Vec<String> =
        errors.iter().take(TOLD).map(|error| format!("{file}:{}: {}", error.line, error.problem)).collect();
    if errors.len() > TOLD {
        lines.push(format!("... and {} more", errors.len() - TOLD));
    }
    anyhow::anyhow!("{}", lines.join("\n"))
}

/// Has the router choose for every case, a few at a time; the results keep the order of the cases.
async fn replay(workbench: &Workbench, options: &Options, field: &Field, cases: &[Case]) -> anyhow::Result<Vec<Trial>> {
    let models: Vec<Option<Arc<Model>>> =
        field.names().iter().map(|name| reach(workbench.catalog(), name).ok()).collect();
    let progress = Progress { total: cases.len(), is_shown: std::io::stderr().is_terminal() };
    let mut asking = stream::iter(cases.iter().map(|case| trial(workbench, &options.name, field, &models, case)))
        .buffered(options.parallel.get());
    let mut trials = Vec::with_capacity(cases.len());
    while let Some(trial) = asking.next().await {
        trials.push(trial?);
        progress.show(trials.len());
    }
    Ok(trials)
}

async fn trial(
    workbench: &Workbench,
    name: &str,
    field: &Field,
    models: &[Option<Arc<Model>>],
    case: &Case,
) -> anyhow::Result<Trial> {
    let at = at_router(workbench.catalog(), name)?;
    let verdict = match workbench.choose(at, name, "router eval", &case.request).await {
        Ok((_, decision)) => {
            let choice = field.place(&decision.choice).context("the router chose a name it does not have")?;
            Some(Verdict::of(&decision, choice))
        }
        // Nothing can answer this request: a client would have got an error.
        Err(_) => None,
    };
    let prompt = Demands::of(&case.request).prompt_tokens;
    let costs = models.iter().map(|model| cost(model.as_deref()?, prompt, case.output_tokens)).collect();
    let Case { id, category, scores, .. } = case.clone();
    Ok(Trial { id, category, scores, costs, verdict })
}

/// What an answer of this length would cost.
fn cost(model: &Model, prompt: u64, output: u64) -> Option<NanoUsd> {
    let usage = Usage { input: Some(prompt), output: Some(output), ..Usage::default() };
    let is_local = model.provider.local;
    tracking::cost(&usage, model.price.as_deref(), is_local, UnixMillis::now(), true).amount
}

/// A line that counts up, where a person watches.
struct Progress {
    total: usize,
    is_shown: bool,
}

impl Progress {
    #[expect(clippy::print_stderr, reason = "the command line talks to a person")]
    fn show(&self, done: usize) {
        if self.is_shown {
            let end = if done == self.total { "\r\u{1b}[K" } else { "" };
            eprint!("\r{done}/{} cases{end}", self.total);
        }
    }
}
