//! `llm-relay admin`. A running relay follows within a second.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::Subcommand;

use super::keys::day_and_time;
use super::{Common, print, settings};
use crate::admin;
use crate::clock::UnixMillis;
use crate::store::Store;
use crate::store::admin::{StoredToken, revoke_token, tokens};

/// What to do about the admin page and its API.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a new admin password and print it, for when the old one is lost; it ends all logins
    Password,
    /// Create, list and revoke tokens for scripts that use the admin API
    #[command(subcommand)]
    Token(TokenCommand),
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it; it is shown only now
    Create {
        /// What it is called
        name: String,
    },
    /// List all tokens; the tokens themselves are not stored
    List,
    /// Take a token back
    Revoke {
        /// Its name
        name: String,
    },
}

pub(super) fn run(common: &Common, command: Command) -> anyhow::Result<ExitCode> {
    let (_, settings) = settings::load(common)?;
    match command {
        Command::Password => {
            ensure!(
                settings.admin.password.is_none(),
                "ADMIN_PASSWORD says what the password is: change it there and start the relay again"
            );
            let password = Store::open(&settings.store.database)?.blocking(admin::reset_password)?;
            print(&format!("{}\n", password.expose()));
        }
        Command::Token(command) => run_token(&Store::open(&settings.store.database)?, command)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn run_token(store: &Store, command: TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create { name } => {
            let (token, _) = store.blocking(|conn| Ok(admin::create_token(conn, &name, UnixMillis::now())))??;
            print(&format!("{}\n", token.expose()));
        }
        TokenCommand::List => print(&table(&store.blocking(tokens)?)),
        TokenCommand::Revoke { name } => {
            if !store.blocking(|conn| revoke_token(conn, &name))? {
                bail!("no token is called `{name}`; `llm-relay admin token list` shows them");
            }
            print(&format!("revoked `{name}`\n"));
        }
    }
    Ok(())
}

fn table(tokens: &[StoredToken]) -> String {
    if tokens.is_empty() {
        return "no tokens yet; make one with: llm-relay admin token create NAME\n".to_owned();
    }
    let mut text = format!("{:<24} {:<18} {:<21} LAST USED\n", "NAME", "TOKEN", "CREATED");
    for token in tokens {
        let last_used = token.last_used.map_or_else(|| "never".to_owned(), day_and_time);
        let shown = format!("{}…", token.shown_prefix);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<24} {shown:<18} {:<21} {last_used}", token.name, day_and_time(token.created));
    }
    text
}
