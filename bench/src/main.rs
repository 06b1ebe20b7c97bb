//! The load benchmark of LLM Relay: how much CPU time, memory and waiting it costs to have it in between.
//!
//! A run starts a fake provider ([`fake`]) and, for each workload ([`suite`]), fresh targets ([`target`]): nginx as the
//! reference, and the relay with everything on. It loads them ([`load`]) in interleaved slices ([`rounds`]), reads CPU
//! time and memory from the operating system ([`process`]), and reports ([`report`]). `BENCHMARKS.md` explains why.

mod clock;
mod fake;
mod history;
mod http1;
mod load;
mod machine;
mod options;
mod process;
mod report;
mod rounds;
mod script;
mod stats;
mod suite;
mod target;
mod terminal;
mod workload;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::machine::Machine;
use crate::options::{Command, CommandLine, Options};
use crate::report::{Report, Verdict};
use crate::suite::Suite;
use crate::target::{Provider, nginx, relay};
use crate::terminal::{print, progress};

/// Descriptors a run needs: a thousand clients, and both sides of each in a proxy.
const MIN_OPEN_FILES: u64 = 4_096;

fn main() -> anyhow::Result<ExitCode> {
    let command_line = CommandLine::parse();
    raise_open_files()?;
    // One thread: it leaves the other core to the target.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command_line.command {
        Some(Command::Fake { port }) => runtime.block_on(fake::serve(port)).map(|()| ExitCode::SUCCESS),
        None => runtime.block_on(run(&command_line.options)),
    }
}

async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut machine = Machine::look();
    machine.nginx = nginx::version()?;
    machine.relay = relay::Setup::version(&options.relay)?;
    machine.baseline = options.baseline.as_deref().map(relay::Setup::version).transpose()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/runs");
    std::fs::create_dir_all(&folder)?;
    let report = Report { machine, arguments: std::env::args().collect(), ..Report::default() };
    let provider = Provider::start(options.fake_port)?;
    let mut suite = Suite { options, provider, folder, report };
    for workload in options.workloads() {
        suite.run(workload).await;
    }
    let mut report = suite.report;
    report.machine.load_average_after = machine::load_average();
    let json = serde_json::to_string_pretty(&report)?;
    std::fs::write(&options.json, json).with_context(|| format!("cannot write {}", options.json.display()))?;
    progress(&format!("raw data: {}", options.json.display()));
    print(&format!("{}\n\n{}", report.machine.line(), report.table()))?;
    let missed = report.figures.iter().any(|figure| figure.verdict == Some(Verdict::Missed));
    if missed {
        progress("some figures miss what they must be");
    }
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Allows as many open files as the system lets us; targets inherit it.
fn raise_open_files() -> anyhow::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("cannot raise the limit of open files")?;
    if hard < MIN_OPEN_FILES {
        progress(&format!("only {hard} files may be open, so W7 will fail; say `ulimit -n {MIN_OPEN_FILES}` as root"));
    }
    Ok(())
}
