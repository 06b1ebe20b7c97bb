//! `llm-relay admin`. A running relay follows within a second.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::Subcommand;

use super::keys::{day_and_time, in_days};
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
        /// Days until it expires [default: never]
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
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
    let now = UnixMillis::now();
    match command {
        TokenCommand::Create { name, expires_in_days } => {
            let expires = expires_in_days.map(|days| in_days(days, now));
            let (token, _) = store.blocking(|conn| Ok(admin::create_token(conn, &name, expires, now)))??;
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
    let mut text = format!("{:<24} {:<18} {:<21} {:<21} LAST USED\n", "NAME", "TOKEN", "CREATED", "EXPIRES");
    for token in tokens {
        let moment = |at: Option<UnixMillis>| at.map_or_else(|| "never".to_owned(), day_and_time);
        let (expires, last_used) = (moment(token.expires), moment(token.last_used));
        let shown = format!("{}…", token.shown_prefix);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<24} {shown:<18} {:<21} {expires:<21} {last_used}",
            token.name,
            day_and_time(token.created)
        );
    }
    text
}
