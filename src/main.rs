//! The `llm-relay` program; see [`llm_relay::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    llm_relay::cli::run()
}
