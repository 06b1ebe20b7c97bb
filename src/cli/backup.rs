//! `llm-relay export` and `llm-relay import`. A running relay follows within a second or two.

use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::{Common, print, settings};
use crate::admin::{self, Backup, ChangeWord, Plan};
use crate::clock::UnixMillis;
use crate::config::{RelayFile, Settings, Variables};
use crate::entry_kind::EntryKind;
use crate::store::Store;
use crate::store::history::Author;

#[derive(Debug, Args)]
pub(super) struct Export {
    /// Where to write it; there must be no such file yet [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// What `llm-relay export` wrote; `-` is standard input
    file: PathBuf,
    /// Only print what would change
    #[arg(long)]
    dry_run: bool,
    /// Leave alone what the file does not have, instead of deleting it
    #[arg(long)]
    keep: bool,
}

pub(super) fn export(common: &Common, options: &Export) -> anyhow::Result<ExitCode> {
    let (_, settings) = settings::load(common)?;
    let text = Store::open(&settings.store.database)?.blocking(|conn| Backup::make(conn, UnixMillis::now()))?.to_text();
    match &options.output {
        Some(path) => write_new(path, &text).with_context(|| path.display().to_string())?,
        None => print(&text),
    }
    Ok(ExitCode::SUCCESS)
}

/// The hashes of keys are in it: it is the operator's alone.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

pub(super) fn import(common: &Common, options: &Import) -> anyhow::Result<ExitCode> {
    let (variables, settings) = settings::load(common)?;
    let backup = Backup::read(&read(&options.file).with_context(|| options.file.display().to_string())?)?;
    let elsewhere = elsewhere(&variables, &settings)?;
    let store = Store::open(&settings.store.database)?;
    let (plan, _) = store.blocking(|conn| {
        conn.transaction(|tx| {
            let planned = admin::plan(tx, &backup, elsewhere, options.keep, UnixMillis::now())?;
            if let (Ok((plan, _)), false) = (&planned, options.dry_run) {
                admin::apply(tx, plan, &Author::CommandLine)?;
            }
            Ok(planned)
        })
    })??;
    print(&told(&plan, options.dry_run));
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return std::fs::read(path);
    }
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text)?;
    Ok(text)
}

/// What is not the database's to say, because `relay.yaml` or the environment says it.
fn elsewhere(
    variables: &Variables,
    settings: &Settings,
) -> anyhow::Result<impl Fn(EntryKind, &str) -> Option<String> + use<>> {
    let relay = RelayFile::load(&settings.files.relay, variables)
        .map_err(|problems| anyhow::anyhow!("{}", crate::config::check(&problems).trim_end()))?;
    let fixed = settings.fixed.clone();
    Ok(move |kind: EntryKind, name: &str| {
        let is_there = match kind {
            EntryKind::Alias => relay.aliases.get(name).is_some(),
            EntryKind::Redirect => relay.redirects.get(name).is_some(),
            EntryKind::Router => relay.routers.get(name).is_some(),
            EntryKind::Provider => relay.providers.get(name).is_some(),
            // Laid over what files say.
            EntryKind::Model => false,
            EntryKind::Setting => {
                let fixed = fixed.iter().find(|setting| setting.name() == name);
                if let Some(variable) = fixed.and_then(crate::config::Setting::variable) {
                    return Some(variable.to_owned());
                }
                return (name == "default_model" && relay.default_model.is_some()).then(|| relay.place(name, ""));
            }
        };
        is_there.then(|| relay.place(kind.section(), name))
    })
}

fn told(plan: &Plan, is_rehearsal: bool) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for change in &plan.changes {
        let word = match change.change {
            ChangeWord::New => "new",
            ChangeWord::Changed => "changed",
            ChangeWord::Gone => "gone",
        };
        let _ = writeln!(text, "{word:<8} {} `{}`", change.kind, change.name);
    }
    for one in &plan.skipped {
        let _ = writeln!(text, "skipped  {} `{}`: {}", one.kind, one.name, one.reason);
    }
    let done = if is_rehearsal { "would be changed" } else { "changed" };
    let _ = writeln!(text, "{done}: {}, the same already: {}", plan.changes.len(), plan.unchanged);
    text
}
