//! W6: how soon a target answers after its start, and how much memory it takes while nobody asks.

use std::time::Duration;

use tempfile::TempDir;

use super::Suite;
use crate::options::Workload;
use crate::report::{Figure, Limit};
use crate::rounds::mib;
use crate::target::Target;
use crate::target::relay::{Extra, Setup};
use crate::terminal::progress;

/// How long a target has been left alone when its memory is read.
const REST: Duration = Duration::from_secs(3);
/// Starts in each round.
const STARTS_PER_ROUND: usize = 3;

/// Values in rounds, of targets in the order in which they first came.
#[derive(Default)]
struct Rounds(Vec<(String, Vec<f64>)>);

impl Rounds {
    fn push(&mut self, name: &str, value: f64) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name.to_owned(), vec![value])),
        }
    }
}

impl Suite<'_> {
    pub(super) async fn idle(&mut self) -> anyhow::Result<()> {
        let folder = TempDir::new_in(&self.folder)?;
        let provider = self.provider.address;
        let mut setups = Vec::new();
        for (name, program) in self.programs() {
            setups.push((name, Setup::new(program, &folder.path().join(name), provider, Extra::Nothing)?));
        }
        let (mut new, mut existing, mut rss) = <(Rounds, Rounds, Rounds)>::default();
        for round in 1..=self.options.n_rounds() {
            for _ in 0..STARTS_PER_ROUND {
                let (target, time) = Target::cold_start_nginx(folder.path(), provider).await?;
                new.push("nginx", milliseconds(time));
                target.close()?;
                for (name, setup) in &setups {
                    setup.delete_data()?;
                    for times in [&mut new, &mut existing] {
                        let (target, time) = Target::cold_start_relay(name, setup).await?;
                        times.push(name, milliseconds(time));
                        target.close()?;
                    }
                }
            }
            let mut resting = vec![Target::nginx(folder.path(), provider).await?];
            for (name, setup) in &setups {
                resting.push(Target::cold_start_relay(name, setup).await?.0);
            }
            tokio::time::sleep(REST).await;
            for target in resting {
                if let Some(tree) = target.tree()? {
                    rss.push(&target.name, mib(tree.rss_bytes()?));
                }
                target.close()?;
            }
            progress(&format!("  round {round}"));
        }
        let cold = Some(Limit { must: 25.0, aim: 8.0 });
        for (metric, rounds, limit) in [
            ("idle RSS, MiB", rss, Some(Limit { must: 12.0, aim: 8.0 })),
            ("cold start ms, new database", new, cold),
            ("cold start ms, existing database", existing, cold),
        ] {
            self.report.figures.push(Figure::of_rounds(Workload::W6, metric, rounds.0, None, limit));
        }
        Ok(())
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
