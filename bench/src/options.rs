//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// The load benchmark of LLM Relay.
#[derive(Debug, Parser)]
#[command(name = "bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What is not a run.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve as the fake provider until standard input ends; print the port first
    Fake {
        /// The port; 0 lets the system choose
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
}

/// What is run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these workloads, separated by commas
    #[arg(long, value_delimiter = ',', ignore_case = true, value_name = "WORKLOADS")]
    only: Vec<Workload>,
    /// How often each target gets its slice
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Seconds of a slice
    #[arg(long, default_value_t = 3.0)]
    slice: f64,
    /// A fast look whether everything works: 2 rounds of half a second, small numbers. Its figures mean little
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where the raw data goes
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/results.json"))]
    pub(crate) json: PathBuf,
    /// The relay's program
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/llm-relay"))]
    pub(crate) relay: PathBuf,
    /// A second relay's program, to compare with in the same rounds
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Ask the fake provider directly, too
    #[arg(long)]
    pub(crate) direct: bool,
    /// Port of the fake provider, for peers that are configured before the run; 0: any
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub(crate) fake_port: u16,
    #[command(flatten)]
    pub(crate) peer: PeerOptions,
}

/// Another gateway that already runs.
#[derive(Debug, Args)]
pub(crate) struct PeerOptions {
    /// Another gateway, as `NAME=http://HOST:PORT,pid=PID`; with `pid` its CPU time and memory are measured
    #[arg(long = "peer", value_name = "PEER", value_parser = parse_peer)]
    pub(crate) address: Option<PeerAddress>,
    /// Its key
    #[arg(long = "peer-key", value_name = "KEY", default_value = "sk-none")]
    pub(crate) key: String,
    /// The model's name there; `{}` stands for the name the fake provider knows
    #[arg(long = "peer-model", value_name = "MODEL", default_value = "{}")]
    pub(crate) model: String,
    /// A header it wants, as `name: value`; may be repeated
    #[arg(long = "peer-header", value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// The workloads it takes part in
    #[arg(
        long = "peer-workloads",
        value_delimiter = ',',
        ignore_case = true,
        value_name = "WORKLOADS",
        default_value = "W1,W2,W5,W7,latency,first-event"
    )]
    pub(crate) workloads: Vec<Workload>,
}

/// Where another gateway is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerAddress {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) pid: Option<i32>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// OpenAI to OpenAI, whole answers, 64 connections
    #[value(name = "W1")]
    W1,
    /// OpenAI to OpenAI, streams of 128 tokens at once, 16 connections
    #[value(name = "W2")]
    W2,
    /// OpenAI to Anthropic, the same
    #[value(name = "W3")]
    W3,
    /// Ollama to OpenAI, the same
    #[value(name = "W4")]
    W4,
    /// OpenAI to OpenAI, a prompt of 100 KB, 16 connections
    #[value(name = "W5")]
    W5,
    /// Idle memory, cold start
    #[value(name = "W6")]
    W6,
    /// 1,000 streams at 10 tokens per second
    #[value(name = "W7")]
    W7,
    /// W1 with 5 % of the clients leaving and 1 million records in the database
    #[value(name = "W8")]
    W8,
    /// Lists of 1,000 models
    #[value(name = "W9")]
    W9,
    /// W1 at 50 requests per second, open loop
    #[value(name = "latency")]
    Latency,
    /// The first event of a stream, one connection
    #[value(name = "first-event")]
    FirstEvent,
    /// W1 through smart routers that remember, ask a designator, or ask one that never answers
    #[value(name = "routers")]
    Routers,
    /// The admin pages with a thousand and with a million records
    #[value(name = "pages")]
    Pages,
}

impl Workload {
    /// As in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::W1 => "W1",
            Self::W2 => "W2",
            Self::W3 => "W3",
            Self::W4 => "W4",
            Self::W5 => "W5",
            Self::W6 => "W6",
            Self::W7 => "W7",
            Self::W8 => "W8",
            Self::W9 => "W9",
            Self::Latency => "latency",
            Self::FirstEvent => "first-event",
            Self::Routers => "routers",
            Self::Pages => "pages",
        }
    }
}

impl Options {
    /// What is to be measured, in order.
    pub(crate) fn workloads(&self) -> Vec<Workload> {
        let all = Workload::value_variants().iter().copied();
        all.filter(|workload| self.only.is_empty() || self.only.contains(workload)).collect()
    }

    pub(crate) fn n_rounds(&self) -> usize {
        if self.quick { 2 } else { usize::from(self.rounds) }
    }

    pub(crate) fn slice(&self) -> anyhow::Result<Duration> {
        let seconds = if self.quick { 0.5 } else { self.slice };
        Duration::try_from_secs_f64(seconds).context("--slice wants seconds")
    }
}

fn parse_peer(text: &str) -> anyhow::Result<PeerAddress> {
    let (name, rest) = text.split_once('=').context("it is not like NAME=http://HOST:PORT,pid=PID")?;
    let (url, pid) = match rest.split_once(",pid=") {
        Some((url, pid)) => (url, Some(pid.parse().context("pid= wants a number")?)),
        None => (rest, None),
    };
    Ok(PeerAddress { name: name.to_owned(), url: url.to_owned(), pid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;

        CommandLine::command().debug_assert();
        let line = CommandLine::try_parse_from(["bench", "--only", "W2,latency"]).unwrap();
        assert_eq!(line.options.workloads(), [Workload::W2, Workload::Latency]);
    }

    #[test]
    fn a_peer_may_have_a_process_id() {
        let peer = parse_peer("lite=http://127.0.0.1:4000,pid=12").unwrap();
        assert_eq!((peer.name.as_str(), peer.url.as_str(), peer.pid), ("lite", "http://127.0.0.1:4000", Some(12)));
        assert_eq!(parse_peer("lite=http://127.0.0.1:4000").unwrap().pid, None);
        assert!(parse_peer("http://127.0.0.1:4000").is_err());
    }
}
