//! The workloads: who takes part, what is asked, and what is made of what was seen.

mod chats;
mod idle;
mod lists;
mod pages;
mod records;
mod routers;

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::fake::Format;
use crate::options::{Options, Workload};
use crate::report::{Figure, JUDGED, Limit, Report};
use crate::rounds::{Sample, Series};
use crate::stats::Comparison;
use crate::target::relay::{Extra, Setup};
use crate::target::{Provider, Target};
use crate::terminal::progress;
use crate::workload::{Chat, PeerFace, Prompt};

/// A run.
pub(crate) struct Suite<'a> {
    pub(crate) options: &'a Options,
    pub(crate) provider: Provider,
    /// On the disk that the checkout is on, as a relay's data would be.
    pub(crate) folder: PathBuf,
    pub(crate) report: Report,
}

/// Whether the fake provider is asked directly, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direct {
    Always,
    IfAskedFor,
}

impl Suite<'_> {
    /// Runs one workload; a failure is noted and the next one goes on.
    pub(crate) async fn run(&mut self, workload: Workload) {
        progress(workload.name());
        let outcome = match workload {
            Workload::W1 => self.whole(workload, Chat::WHOLE, 64, Limit { must: 3.3, aim: 2.2 }).await,
            Workload::W2 => self.streams(workload, Chat::STREAM, Limit { must: 4.5, aim: 2.5 }).await,
            Workload::W3 => {
                let chat = Chat { provider: Format::Anthropic, ..Chat::STREAM };
                self.streams(workload, chat, Limit { must: 12.0, aim: 6.0 }).await
            }
            Workload::W4 => {
                let chat = Chat { client: Format::Ollama, ..Chat::STREAM };
                self.streams(workload, chat, Limit { must: 12.0, aim: 6.0 }).await
            }
            Workload::W5 => {
                let chat = Chat { prompt: Prompt::Long, ..Chat::WHOLE };
                self.whole(workload, chat, 16, Limit { must: 3.0, aim: 2.0 }).await
            }
            Workload::W6 => self.idle().await,
            Workload::W7 => self.many_streams().await,
            Workload::W8 => self.records().await,
            Workload::W9 => self.lists().await,
            Workload::Latency => self.latency().await,
            Workload::FirstEvent => self.first_event().await,
            Workload::Routers => self.routers().await,
            Workload::Pages => self.pages().await,
        };
        if let Err(error) = outcome {
            let failure = format!("{}: {error:#}", workload.name());
            progress(&format!("FAILED: {failure}"));
            self.report.failures.push(failure);
        }
    }

    /// Fresh targets, with their files in `folder`.
    async fn targets(&self, workload: Workload, folder: &Path, direct: Direct) -> anyhow::Result<Vec<Target>> {
        let provider = self.provider.address;
        let mut targets = Vec::new();
        if self.options.direct || direct == Direct::Always {
            targets.push(Target::direct(provider));
        }
        targets.push(Target::nginx(folder, provider).await?);
        targets.extend(self.relays(folder, Extra::Nothing).await?);
        let peer = &self.options.peer;
        if let Some(address) = peer.address.as_ref().filter(|_| peer.workloads.contains(&workload)) {
            let face = PeerFace { key: peer.key.clone(), model: peer.model.clone(), headers: peer.headers.clone() };
            targets.push(Target::peer(&address.name, &address.url, address.pid, face).context("--peer")?);
        }
        Ok(targets)
    }

    /// A fresh relay of each program.
    async fn relays(&self, folder: &Path, extra: Extra) -> anyhow::Result<Vec<Target>> {
        let mut targets = Vec::new();
        for (name, program) in self.programs() {
            let setup = Setup::new(program, &folder.join(name), self.provider.address, extra)?;
            targets.push(Target::relay(name, &setup).await?);
        }
        Ok(targets)
    }

    /// The relay, and the one to compare it with.
    fn programs(&self) -> Vec<(&'static str, &Path)> {
        let baseline = self.options.baseline.as_deref().map(|program| ("baseline", program));
        [(JUDGED, self.options.relay.as_path())].into_iter().chain(baseline).collect()
    }

    /// CPU time against nginx, and against the baseline if there is one.
    fn report_cpu(&mut self, workload: Workload, metric: &str, series: &[Series], limit: Limit) {
        let peer = self.options.peer.address.as_ref().map(|peer| peer.name.as_str());
        let others = [("baseline", "nginx"), (JUDGED, "baseline")].into_iter().chain(peer.map(|peer| (peer, "nginx")));
        let pairs = [((JUDGED, "nginx"), Some(limit))].into_iter().chain(others.map(|pair| (pair, None)));
        self.report_pairs(workload, metric, series, |sample| sample.cpu_us_per_request, Comparison::Ratio, pairs);
    }

    /// One line for each pair whose figures there are.
    fn report_pairs<'p>(
        &mut self,
        workload: Workload,
        metric: &str,
        series: &[Series],
        figure: impl Fn(&Sample) -> Option<f64> + Copy,
        how: Comparison,
        pairs: impl IntoIterator<Item = ((&'p str, &'p str), Option<Limit>)>,
    ) {
        for ((who, with), limit) in pairs {
            let figure = Figure::of_series(workload, metric, series, figure, Some((who, with, how)), limit);
            if figure.compared.is_some() {
                self.report.figures.push(figure);
            }
        }
    }
}
