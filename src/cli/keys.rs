//! `llm-relay keys`. A running relay follows within a second.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::Subcommand;

use super::{Common, print, settings};
use crate::auth;
use crate::clock::{UnixMillis, UnixNanos};
use crate::store::Store;
use crate::store::history::Author;
use crate::store::keys::{self, StoredKey};

/// Who does it, as the history says.
const WHO: &Author = &Author::CommandLine;

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key and print it; it is shown only now
    Create {
        /// What the key is called in reports
        name: String,
        /// A tag for every request with it (may be given several times)
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        /// A model, alias or router it may use; `*` stands for any characters (may be given several times) [default: all]
        #[arg(long = "model", value_name = "PATTERN")]
        models: Vec<String>,
        /// Days until it expires [default: never]
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
    },
    /// List all keys; the keys themselves are not stored
    List,
    /// Take a key back
    Revoke {
        /// Its name or id
        name: String,
    },
}

pub(super) fn run(common: &Common, command: Command) -> anyhow::Result<ExitCode> {
    let (_, settings) = settings::load(common)?;
    let store = Store::open(&settings.store.database)?;
    let now = UnixMillis::now();
    match command {
        Command::Create { name, tags, models, expires_in_days } => {
            ensure!(!name.trim().is_empty(), "a key needs a name");
            let tags = auth::tags::union(tags.iter().map(String::as_str))?;
            let expires = expires_in_days.map(|days| in_days(days, now));
            let minted = auth::new_key();
            let row = minted.to_stored(name.trim(), tags, models, expires, now);
            if !store.blocking(|conn| conn.transaction(|tx| keys::create(tx, &row, WHO)))? {
                bail!("there is a key `{}` already; revoke it first, or take another name", row.name);
            }
            print(&format!("{}\n", minted.key.expose()));
        }
        Command::List => print(&table(&store.blocking(keys::list)?, now)),
        Command::Revoke { name } => {
            if !store.blocking(|conn| conn.transaction(|tx| keys::revoke(tx, &name, now, WHO)))? {
                bail!("no key in use is called `{name}`; `llm-relay keys list` shows them");
            }
            print(&format!("revoked `{name}`\n"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn table(keys: &[StoredKey], now: UnixMillis) -> String {
    if keys.is_empty() {
        return "no keys yet; make one with: llm-relay keys create NAME\n".to_owned();
    }
    let mut text = format!("{:<24} {:<18} {:<9} {:<21} {:<21} TAGS\n", "NAME", "KEY", "STATE", "CREATED", "LAST USED");
    for key in keys {
        let state = match (key.revoked, key.expires) {
            (Some(_), _) => "revoked",
            (None, Some(expires)) if expires <= now => "expired",
            (None, _) => "active",
        };
        let last_used = key.last_used.map_or_else(|| "never".to_owned(), day_and_time);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<24} {:<18} {state:<9} {:<21} {last_used:<21} {}",
            key.name,
            format!("{}…", key.shown_prefix),
            day_and_time(key.created),
            key.tags.join(","),
        );
    }
    text
}

pub(super) fn in_days(days: u32, now: UnixMillis) -> UnixMillis {
    UnixMillis(now.0 + i64::from(days) * 86_400_000)
}

pub(super) fn day_and_time(at: UnixMillis) -> String {
    UnixNanos((at.0 / 1000).saturating_mul(1_000_000_000)).to_rfc3339()
}
