//! Micro-benchmarks of LLM Relay's hot pieces, in instructions and allocations instead of time.
//!
//! Time needs a quiet machine, instructions do not: the same binary gives the same counts beside any load, so a change of
//! one percent shows. The price is that nothing is said of caches, system calls or waiting; the load harness measures those.
//!
//! [`cases`] lists what is measured, over the inputs in [`fixtures`]. Each case runs in a process of its own under
//! callgrind ([`callgrind`]), which executes this very program with `--execute`. [`baseline`] is the file the counts are
//! compared with, [`table`] prints them.

mod baseline;
mod callgrind;
mod case;
mod cases;
mod fixtures;
mod table;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;

use baseline::Baseline;
use case::Case;
use table::Row;

/// Counts instructions and allocations of LLM Relay's hot pieces and compares them with the baseline.
#[derive(Debug, Parser)]
#[command(name = "bench/micro/run")]
struct Arguments {
    /// Measure only cases whose name contains one of these words.
    words: Vec<String>,
    /// Write the counts to the baseline file; cases that were not measured keep theirs.
    #[arg(long)]
    save: bool,
    /// Fail when a case takes over PERCENT more instructions or allocations than the baseline says.
    #[arg(long, value_name = "PERCENT")]
    check: Option<f64>,
    /// Keep the profiles in this folder, for `callgrind_annotate` and `kcachegrind`.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// List the cases.
    #[arg(long)]
    list: bool,
    /// The baseline file.
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.tsv"))]
    baseline: PathBuf,
    /// Run one case, without counting: what callgrind is given to run.
    #[arg(long, value_name = "CASE", hide = true)]
    execute: Option<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let cases = cases::all();
    if let Some(name) = &arguments.execute {
        let case = cases.into_iter().find(|case| case.name == *name);
        case.with_context(|| format!("there is no case `{name}`"))?.execute();
        return Ok(ExitCode::SUCCESS);
    }
    let is_wanted = |case: &&Case| {
        arguments.words.is_empty() || arguments.words.iter().any(|word| case.name.contains(word.as_str()))
    };
    let wanted: Vec<_> = cases.iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        bail!("no case is called like that, see --list");
    }
    let mut out = io::stdout().lock();
    if arguments.list {
        for case in &wanted {
            writeln!(out, "{}", case.name)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut baseline = Baseline::load(&arguments.baseline)?;
    baseline.retain(|name| cases.iter().any(|case| case.name == name));
    measure(&arguments, &wanted, baseline, &mut out)
}

fn measure(
    arguments: &Arguments,
    cases: &[&Case],
    mut baseline: Baseline,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let tools = callgrind::tools()?;
    if arguments.check.is_some() && baseline.is_empty() {
        bail!("there is no baseline in {} to check against, write one with --save", arguments.baseline.display());
    }
    if let Some(theirs) = baseline.made_with().filter(|theirs| *theirs != tools) {
        writeln!(out, "The baseline was made with {theirs}, this is {tools}: small changes may come from that.\n")?;
    }
    let temporary;
    let folder = match &arguments.keep {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            folder
        }
        None => {
            temporary = tempfile::tempdir()?;
            temporary.path()
        }
    };
    let mut rows = Vec::new();
    table::head(out)?;
    for case in cases {
        let counts = callgrind::count(&case.name, folder)?;
        let row = Row { case, counts, before: baseline.get(&case.name) };
        table::row(out, &row)?;
        rows.push(row);
    }
    let worse = arguments.check.map_or(0, |percent| rows.iter().filter(|row| row.is_worse_by(percent)).count());
    if let Some(percent) = arguments.check {
        writeln!(out, "\n{worse} of {} cases got worse by more than {percent} %", rows.len())?;
    }
    if arguments.save {
        for row in &rows {
            baseline.set(&row.case.name, row.counts);
        }
        baseline.save(&arguments.baseline, &tools)?;
        writeln!(out, "\nsaved to {}", arguments.baseline.display())?;
    }
    Ok(if worse > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
