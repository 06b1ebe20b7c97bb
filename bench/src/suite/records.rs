//! W8: whether a long history and clients that go away cost anything.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use super::Suite;
use crate::load::{self, Shape};
use crate::options::Workload;
use crate::report::{Figure, JUDGED, Limit};
use crate::rounds::{Entrant, Sample, interleave, warm_up};
use crate::script::Script;
use crate::stats::Comparison;
use crate::target::Target;
use crate::target::relay::{Extra, Setup};
use crate::terminal::progress;
use crate::workload::Chat;

const N_CLIENTS: usize = 64;
/// One client in twenty: 5 %.
const LEAVE_EVERY: u64 = 20;
/// Requests between two looks at how far the database is.
const FILL_STEP: usize = 64_000;

impl Suite<'_> {
    pub(super) async fn records(&mut self) -> anyhow::Result<()> {
        let workload = Workload::W8;
        let n_records = if self.options.quick { FILL_STEP } else { 1_000_000 };
        let filled = self.filled(n_records).await?;
        let folder = TempDir::new_in(&self.folder)?;
        let full_folder = folder.path().join("full");
        copy(&filled, &full_folder)?;
        let (program, provider) = (&self.options.relay, self.provider.address);
        let empty = Setup::new(program, &folder.path().join("empty"), provider, Extra::Nothing)?;
        let full = Setup::new(program, &full_folder, provider, Extra::Nothing)?;
        let n_full = full.report()?.total.requests;
        ensure!(n_full >= n_records as u64, "{} holds {n_full} records", filled.display());

        let (empty, full) = (Target::relay(JUDGED, &empty).await?, Target::relay("relay, full", &full).await?);
        let duration = self.options.slice()?;
        let mut entrants = Vec::new();
        for (target, leave_every) in [(&empty, None), (&full, Some(LEAVE_EVERY))] {
            entrants.push(Entrant {
                name: target.name.clone(),
                target,
                plan: target.plan(&Chat::WHOLE, leave_every).await?,
                shape: Shape::Closed { n_clients: N_CLIENTS, duration },
                warm_up: warm_up(N_CLIENTS, duration),
                chat: Some(Chat::WHOLE),
            });
        }
        let series = interleave(&entrants, self.options.n_rounds()).await?;
        drop(entrants);
        empty.close()?;
        full.close()?;
        let cpu = |sample: &Sample| sample.cpu_us_per_request;
        let comparing = Some(("relay, full", JUDGED, Comparison::Ratio));
        let limit = Some(Limit { must: 1.15, aim: 1.05 });
        let metric = format!("CPU µs per request, {n_records} records, 5 % leave");
        self.report.figures.push(Figure::of_series(workload, &metric, &series, cpu, comparing, limit));
        self.report.figures.push(Figure::peak_rss(workload, &series, None));
        self.report.keep(workload, &Chat::WHOLE.script.to_string(), series);
        Ok(())
    }

    /// A relay's folder with so many records. They were really asked for, once; later runs find them again.
    async fn filled(&mut self, n_records: usize) -> anyhow::Result<PathBuf> {
        let folder = self.folder.with_file_name(format!("records-{n_records}"));
        let complete = folder.join("complete");
        if complete.exists() {
            return Ok(folder);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let setup = Setup::new(&self.options.relay, &folder, self.provider.address, Extra::Nothing)?;
        let target = Target::relay(JUDGED, &setup).await?;
        let chat = Chat { script: Script::burst(8), ..Chat::WHOLE };
        let plan = target.plan(&chat, None).await?;
        let mut n_asked = 0;
        while n_asked < n_records {
            let n_requests = FILL_STEP.min(n_records - n_asked).div_ceil(N_CLIENTS);
            let shape = Shape::Each { n_clients: N_CLIENTS, n_requests, ramp: std::time::Duration::ZERO };
            let metrics = load::run(&plan, shape).await;
            ensure!(metrics.n_errors == 0, "filling the database failed: {}", metrics.errors.join("; "));
            target.note(&chat, metrics.n_answers, 0);
            n_asked += N_CLIENTS * n_requests;
            target.settle()?;
            progress(&format!("  {n_asked} of {n_records} records; kept for later runs"));
        }
        target.close()?;
        fs::write(&complete, "")?;
        Ok(folder)
    }
}

/// Copies a folder with all that is in it.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
