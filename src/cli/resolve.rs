//! `llm-relay resolve`: where a name leads, and what a smart router chooses for a prompt.
//!
//! Providers are asked for their lists once, as a running relay would. With a prompt a router's designator is really
//! asked; the call is recorded like any other.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Common, names, print, settings};
use crate::app::Workbench;
use crate::chat::{ChatRequest, Message, Role};
use crate::protocol::ClientFormat;
use crate::routing::smart::{Decision, describe, explain_decision};
use crate::routing::{self, Resolution, Resolved, RouteError};

/// What to resolve, and how to show it.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The name a client would send, for example `fast` or `openai/gpt-4o@team-a`
    name: String,
    /// Have a smart router choose for this prompt: its designator is really asked, and the call is recorded
    #[arg(long, value_name = "TEXT", conflicts_with = "request")]
    prompt: Option<String>,
    /// The same for a whole request with pictures, tools or several turns: the body of an OpenAI chat; - is standard input
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: the router's decision as records keep it; where no router decided, the way of the name
    Json,
}

pub(super) fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let request = match (&options.prompt, &options.request) {
        (Some(prompt), _) => {
            Some(ChatRequest { messages: vec![Message::text(Role::User, prompt.as_str())], ..ChatRequest::default() })
        }
        (None, Some(file)) => Some(read_request(file)?),
        (None, None) => None,
    };
    let Some(request) = request else {
        let catalog = names::current_catalog(common)?;
        let router = match routing::resolve(&catalog, &options.name) {
            Ok(Resolved::Router(at)) => Some(at.router()),
            Ok(Resolved::Model(_)) | Err(_) => None,
        };
        let code = show(&routing::settle(&catalog, &options.name), None, options.format);
        if let Some(router) = router.filter(|_| options.format == Format::Text) {
            print(&format!("\n{}", describe(router)));
        }
        return Ok(code);
    };
    let (variables, settings) = settings::load(common)?;
    settings::small_runtime()?.block_on(async {
        let workbench = Workbench::open(variables, &settings).await?;
        let result = match routing::resolve(workbench.catalog(), &options.name) {
            Ok(Resolved::Router(at)) => {
                let chosen = workbench.choose(at, &options.name, "resolve", &request).await;
                chosen.map(|(resolution, decision)| (resolution, Some(decision)))
            }
            Ok(Resolved::Model(resolution)) => Ok((resolution, None)),
            Err(error) => Err(error),
        };
        let code = match result {
            Ok((resolution, decision)) => show(&Ok(resolution), decision.as_ref(), options.format),
            Err(error) => show(&Err(error), None, options.format),
        };
        workbench.close().await?;
        Ok(code)
    })
}

fn show(result: &Result<Resolution, RouteError>, decision: Option<&Decision>, format: Format) -> ExitCode {
    match (format, result) {
        (Format::Text, result) => {
            print(&routing::explain(result));
            if let Some(decision) = decision {
                print(&format!("\n{}", explain_decision(decision)));
            }
        }
        (Format::Json, Err(error)) => print(&format!("{}\n", json!({ "error": error.to_string() }))),
        (Format::Json, Ok(resolution)) => {
            let way = || {
                json!({
                    "model": resolution.route.first.name(), "resolved_by": resolution.resolved_by.to_string(),
                    "steps": resolution.steps, "tags": resolution.tags,
                })
            };
            print(&format!("{}\n", decision.map_or_else(way, |decision| json!(decision))));
        }
    }
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read_request(file: &Path) -> anyhow::Result<ChatRequest> {
    let name = file.display();
    let mut body = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut body).context("standard input")?;
    } else {
        body = std::fs::read(file).with_context(|| format!("{name} cannot be read"))?;
    }
    ClientFormat::OpenAiChat
        .codec()
        .read_request(&body)
        .with_context(|| format!("{name} is not the body of an OpenAI chat"))
}
