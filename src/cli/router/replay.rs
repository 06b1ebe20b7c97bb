//! `llm-relay router replay`: a changed router over requests of the past.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;

use super::{Format, at_router};
use crate::app::Workbench;
use crate::catalog::Model;
use crate::chat::{ChatRequest, Usage};
use crate::cli::{Common, print, settings};
use crate::evaluation::{Replay, Replayed};
use crate::money::NanoUsd;
use crate::protocol::ClientFormat;
use crate::routing::smart::Decision;
use crate::tracking::{self, PastRequest, UsageRecord};

/// What to replay.
#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    /// The router, as it is configured now (with --config, in that file)
    name: String,
    /// The newest N of its requests whose prompts were kept
    #[arg(long, value_name = "N", default_value = "200", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    last: u32,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

pub(in crate::cli) fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let (variables, settings) = settings::load(common)?;
    let replay = settings::small_runtime()?.block_on(async {
        let workbench = Workbench::open(variables, &settings).await?;
        let router = at_router(workbench.catalog(), &options.name)?.router();
        let past = workbench.past_requests(&router.name, options.last).await?;
        if past.is_empty() {
            bail!(
                "no prompts of requests to `{}` were kept: start the relay with KEEP_PROMPTS=routed, and replay once \
                 there was some traffic",
                router.name
            );
        }
        let (mut rows, mut refused) = (Vec::new(), BTreeMap::new());
        for request in past {
            match again(&workbench, &options.name, &request).await {
                Ok(row) => rows.push(row),
                Err(error) => {
                    refused.insert(request.record.id, format!("{error:#}"));
                }
            }
        }
        let replay = Replay::new(&router.name, &router.version, rows, refused);
        workbench.close().await?;
        anyhow::Ok(replay)
    })?;
    match options.format {
        Format::Table => print(&replay.to_table()),
        Format::Json => print(&format!("{}\n", serde_json::to_string(&replay)?)),
    }
    Ok(ExitCode::SUCCESS)
}

/// The request once more, through the router as it is now. Sessions and cached decisions do not count: each request
/// shows what its own text leads to.
async fn again(workbench: &Workbench, name: &str, past: &PastRequest) -> anyhow::Result<Replayed> {
    let request = decode(&past.record.endpoint, &past.body)?;
    let at = at_router(workbench.catalog(), name)?;
    let (resolution, decision) = workbench.choose(at, name, "router replay", &request).await?;
    let record = &past.record;
    Ok(Replayed {
        request_id: record.id.clone(),
        from: past.decision.model.clone(),
        cause_then: past.decision.cause,
        cause_now: decision.cause,
        cost_then: record.cost,
        cost_now: if decision.model == past.decision.model {
            record.cost
        } else {
            as_answered_by(&resolution.route.first, record)
        },
        asking_then: asking(&past.decision),
        asking_now: asking(&decision),
        to: decision.model,
    })
}

fn decode(endpoint: &str, body: &str) -> anyhow::Result<ChatRequest> {
    let format = ClientFormat::of_path(endpoint).with_context(|| format!("`{endpoint}` is no path of a chat"))?;
    Ok(format.codec().read_request(body.as_bytes())?)
}

/// What asking cost; nobody asked is nothing.
fn asking(decision: &Decision) -> Option<NanoUsd> {
    if decision.calls.is_empty() { Some(NanoUsd(0)) } else { decision.cost() }
}

/// What the same tokens would cost at another model. What was cached there need not be cached here, so all of the prompt
/// counts in full.
fn as_answered_by(model: &Model, record: &UsageRecord) -> Option<NanoUsd> {
    let usage = Usage {
        input: Some(record.usage.prompt_total()?),
        output: Some(record.usage.completion_total()?),
        ..Usage::default()
    };
    tracking::cost(&usage, model.price.as_deref(), model.provider.local, record.started, true).amount
}
