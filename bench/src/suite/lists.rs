//! W9: what it costs to list a thousand models.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Suite;
use crate::load::{Plan, Shape};
use crate::options::Workload;
use crate::report::{Figure, JUDGED, Limit};
use crate::rounds::{Entrant, Sample, interleave, warm_up};
use crate::stats::Comparison;
use crate::target::Target;
use crate::target::relay::Extra;
use crate::terminal::progress;

const N_MODELS: usize = 1_000;
const N_CLIENTS: usize = 4;
/// How long a relay may take to ask its provider for the models.
const DISCOVERED_WITHIN: Duration = Duration::from_secs(20);

impl Suite<'_> {
    pub(super) async fn lists(&mut self) -> anyhow::Result<()> {
        let workload = Workload::W9;
        let folder = TempDir::new_in(&self.folder)?;
        let targets = self.relays(folder.path(), Extra::Models(N_MODELS)).await?;
        let duration = self.options.slice()?;
        for (path, key) in [("/v1/models", "data"), ("/api/tags", "models")] {
            progress(&format!(" {path}"));
            let mut entrants = Vec::new();
            for target in &targets {
                entrants.push(Entrant {
                    name: target.name.clone(),
                    target,
                    plan: discovered(target, path, key).await?,
                    shape: Shape::Closed { n_clients: N_CLIENTS, duration },
                    warm_up: warm_up(N_CLIENTS, duration),
                    chat: None,
                });
            }
            let series = interleave(&entrants, self.options.n_rounds()).await?;
            let cpu_ms = |sample: &Sample| sample.cpu_us_per_request.map(|us| us / 1e3);
            let limit = Some(Limit { must: 0.3, aim: 0.05 });
            let metric = format!("CPU ms, {path}, {N_MODELS} models");
            self.report.figures.push(Figure::of_series(workload, &metric, &series, cpu_ms, None, limit));
            let pairs = [((JUDGED, "baseline"), None)];
            self.report_pairs(workload, &metric, &series, cpu_ms, Comparison::Ratio, pairs);
            self.report.keep(workload, path, series);
        }
        targets.into_iter().try_for_each(Target::close)
    }
}

/// A plan to ask for a list, once the relay knows the models.
async fn discovered(target: &Target, path: &str, key: &str) -> anyhow::Result<Rc<Plan>> {
    let start = Instant::now();
    loop {
        match target.plan_list(path, key, N_MODELS).await {
            Err(_) if start.elapsed() < DISCOVERED_WITHIN => tokio::time::sleep(Duration::from_millis(100)).await,
            plan => return plan,
        }
    }
}
