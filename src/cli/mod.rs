//! The command line: what each command is called, what it takes, and where it goes.

mod admin;
mod arenas;
mod backup;
mod check;
mod demo;
mod keys;
mod log;
mod names;
mod report;
mod resolve;
mod router;
mod serve;
mod settings;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// One binary that looks like an Ollama server and like the OpenAI API, sends each request to any model,
/// and knows who spent what.
///
/// Without a command it serves. Settings come from the environment, from `.env` and from `relay.yaml`;
/// docs/configuration.md lists them all.
#[derive(Debug, Parser)]
#[command(name = "llm-relay", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: Common,
}

/// Options every command understands.
#[derive(Debug, Clone, Args)]
struct Common {
    /// The configuration file [default: relay.yaml in this folder, when there is one]
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the APIs (the default)
    Serve,
    /// Serve with a simulated provider: no key, no configuration, nothing leaves this machine
    Demo,
    /// Check the configuration and print every problem with its place; exit code 1 if it would be refused
    Check,
    /// Print the steps a model name goes through, and where it ends; what a smart router chooses for a prompt, and why
    Resolve(resolve::Options),
    /// List what can be called, with context windows and prices
    Models,
    /// Create, list and revoke API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// The admin page: a new password, tokens for scripts
    #[command(subcommand)]
    Admin(admin::Command),
    /// Who spent what: requests, tokens and cost by tag, model, provider, key, client, alias or router
    Report(report::Options),
    /// Print all definitions of the database, secrets as hashes, as one file
    Export(backup::Export),
    /// Make the database say what such a file says
    Import(backup::Import),
    /// Smart routers: whether they are worth it
    #[command(subcommand)]
    Router(router::Command),
}

/// Runs the command given on the command line.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&arguments.common),
        Command::Demo => demo::run(&arguments.common),
        Command::Check => check::run(&arguments.common),
        Command::Resolve(options) => resolve::run(&arguments.common, &options),
        Command::Models => names::models(&arguments.common),
        Command::Keys(command) => keys::run(&arguments.common, command),
        Command::Admin(command) => admin::run(&arguments.common, command),
        Command::Report(options) => report::run(&arguments.common, &options),
        Command::Export(options) => backup::export(&arguments.common, &options),
        Command::Import(options) => backup::import(&arguments.common, &options),
        Command::Router(command) => router::run(&arguments.common, &command),
    };
    result.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

/// Prints an error with its causes for a person at a terminal.
#[expect(clippy::print_stderr, reason = "the command line talks to a person")]
fn complain(error: &anyhow::Error) {
    eprintln!("llm-relay: {error:#}");
}

/// Prints a command's result.
#[expect(clippy::print_stdout, reason = "the command line talks to a person")]
fn print(text: &str) {
    print!("{text}");
}
