//! The workloads: who takes part, what is asked, and what is made of what was seen.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use crate::fake::Format;
use crate::load::Shape;
use crate::options::{Options, Workload};
use crate::report::{Figure, JUDGED, Limit, Report};
use crate::rounds::{Entrant, Series, Which, interleave, warm_up};
use crate::script::Script;
use crate::stats::Comparison;
use crate::target::relay::Setup;
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

/// Who takes part in a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direct {
    Always,
    IfAskedFor,
}

impl Suite<'_> {
    /// Runs one workload; a failure is noted and the next one goes on.
    pub(crate) async fn run(&mut self, workload: Workload) {
        progress(&format!("{workload:?}"));
        let outcome = match workload {
            Workload::W1 => self.whole(workload, "W1", Chat::WHOLE, 64, Limit { must: 3.3, aim: 2.2 }).await,
            Workload::W2 => self.stream(workload, "W2", Chat::STREAM, Limit { must: 4.5, aim: 2.5 }).await,
            Workload::W3 => {
                let chat = Chat { provider: Format::Anthropic, ..Chat::STREAM };
                self.stream(workload, "W3", chat, Limit { must: 12.0, aim: 6.0 }).await
            }
            Workload::W4 => {
                let chat = Chat { client: Format::Ollama, ..Chat::STREAM };
                self.stream(workload, "W4", chat, Limit { must: 12.0, aim: 6.0 }).await
            }
            Workload::W5 => {
                let chat = Chat { prompt: Prompt::Long, ..Chat::WHOLE };
                self.whole(workload, "W5", chat, 16, Limit { must: 3.0, aim: 2.0 }).await
            }
            Workload::W7 => self.many_streams(workload).await,
            Workload::Latency => self.latency(workload).await,
            Workload::FirstEvent => self.first_event(workload).await,
            Workload::W6 | Workload::W8 | Workload::W9 => Err(anyhow::anyhow!("not yet")),
        };
        if let Err(error) = outcome {
            let failure = format!("{workload:?}: {error:#}");
            progress(&format!("FAILED: {failure}"));
            self.report.failures.push(failure);
        }
    }

    /// Whole answers: CPU time, and memory in W1.
    async fn whole(
        &mut self,
        workload: Workload,
        name: &'static str,
        chat: Chat,
        n_clients: usize,
        limit: Limit,
    ) -> anyhow::Result<()> {
        let series = self.closed(workload, &chat, n_clients).await?;
        self.cpu(name, "CPU µs per request", &series, limit);
        self.report.figures.push(Figure::new(
            name,
            "p50 ms",
            &series,
            |sample| sample.percentile_ms(Which::Latency, 50.0),
            None,
            None,
        ));
        let peak = (workload == Workload::W1).then_some(Limit { must: 28.0, aim: 18.0 });
        self.report.figures.push(Figure::peak_rss(name, &series, peak));
        self.report.keep(name, series);
        Ok(())
    }

    /// Streams of 128 tokens at once: CPU time.
    async fn stream(&mut self, workload: Workload, name: &'static str, chat: Chat, limit: Limit) -> anyhow::Result<()> {
        let series = self.closed(workload, &chat, 16).await?;
        self.cpu(name, "CPU µs per stream", &series, limit);
        for (metric, which) in [("p50 ms", Which::Latency), ("first event p50 ms", Which::FirstEvent)] {
            self.report.figures.push(Figure::new(
                name,
                metric,
                &series,
                |sample| sample.percentile_ms(which, 50.0),
                None,
                None,
            ));
        }
        self.report.keep(name, series);
        Ok(())
    }

    /// Many streams at the pace of a model.
    async fn many_streams(&mut self, workload: Workload) -> anyhow::Result<()> {
        let (n_clients, n_tokens) = if self.options.quick { (100, 16) } else { (1_000, 64) };
        let chat = Chat { script: Script::paced(n_tokens, 100), ..Chat::STREAM };
        let shape = Shape::Each { n_clients, n_requests: 1, ramp: Duration::from_secs(1) };
        let series = self.chat(workload, &chat, shape, None, Direct::Always).await?;
        self.cpu("W7", "CPU µs per stream", &series, Limit { must: 1.6, aim: 1.3 });
        self.report.figures.push(Figure::peak_rss("W7", &series, Some(Limit { must: 60.0, aim: 40.0 })));
        for (metric, percentile) in [("delay of a token, p50 ms", 50.0), ("delay of a token, p99 ms", 99.0)] {
            let delay = |sample: &_| crate::rounds::Sample::percentile_ms(sample, Which::TokenDelay, percentile);
            let comparison = (JUDGED, "direct", Comparison::Difference);
            self.report.figures.push(Figure::new("W7", metric, &series, delay, Some(comparison), None));
        }
        let gap = |sample: &_| crate::rounds::Sample::percentile_ms(sample, Which::Gap, 99.0);
        self.report.figures.push(Figure::new("W7", "between tokens, p99 ms", &series, gap, None, None));
        self.report.keep("W7", series);
        Ok(())
    }

    /// What a request takes longer when there is little to do.
    async fn latency(&mut self, workload: Workload) -> anyhow::Result<()> {
        let duration = self.options.slice()?;
        let shape = Shape::Open { rate: 50, duration };
        let warm_up = Some(Shape::Open { rate: 50, duration: duration / 3 });
        let series = self.chat(workload, &Chat::WHOLE, shape, warm_up, Direct::Always).await?;
        let limit = Limit { must: 0.45, aim: 0.25 };
        self.added("latency", "p50 ms at 50/s", &series, (Which::Latency, 50.0), limit);
        let p99 = |sample: &_| crate::rounds::Sample::percentile_ms(sample, Which::Latency, 99.0);
        self.report.figures.push(Figure::new("latency", "p99 ms at 50/s", &series, p99, None, None));
        self.report.keep("latency", series);
        Ok(())
    }

    /// How much later a stream begins. At a pace, so that the burst behind the first event does not compete with it.
    async fn first_event(&mut self, workload: Workload) -> anyhow::Result<()> {
        let chat = Chat { script: Script::paced(4, 2), ..Chat::STREAM };
        let shape = Shape::Closed { n_clients: 1, duration: self.options.slice()? };
        let warm_up = warm_up(1, self.options.slice()?);
        let series = self.chat(workload, &chat, shape, warm_up, Direct::Always).await?;
        let limit = Limit { must: 0.3, aim: 0.15 };
        self.added("first-event", "p50 ms", &series, (Which::FirstEvent, 50.0), limit);
        self.report.keep("first-event", series);
        Ok(())
    }

    async fn closed(&mut self, workload: Workload, chat: &Chat, n_clients: usize) -> anyhow::Result<Vec<Series>> {
        let duration = self.options.slice()?;
        let shape = Shape::Closed { n_clients, duration };
        self.chat(workload, chat, shape, warm_up(n_clients, duration), Direct::IfAskedFor).await
    }

    /// Asks a chat of fresh targets, in rounds; in the end the relays' books must be right.
    async fn chat(
        &mut self,
        workload: Workload,
        chat: &Chat,
        shape: Shape,
        warm_up: Option<Shape>,
        direct: Direct,
    ) -> anyhow::Result<Vec<Series>> {
        let folder = TempDir::new_in(&self.folder)?;
        let targets = self.targets(workload, folder.path(), direct).await?;
        let mut entrants = Vec::new();
        for target in &targets {
            let plan = target.plan(chat, None).await?;
            entrants.push(Entrant { name: target.name.clone(), target, plan, shape, chat: Some(*chat) });
        }
        let series = interleave(&entrants, self.options.n_rounds(), warm_up).await;
        self.provider.check()?;
        let series = series?;
        drop(entrants);
        targets.into_iter().try_for_each(Target::close)?;
        Ok(series)
    }

    async fn targets(&self, workload: Workload, folder: &Path, direct: Direct) -> anyhow::Result<Vec<Target>> {
        let provider = self.provider.address;
        let mut targets = Vec::new();
        if self.options.direct || direct == Direct::Always {
            targets.push(Target::direct(provider));
        }
        targets.push(Target::nginx(folder, provider).await?);
        for (name, program) in self.relays() {
            let setup = Setup::new(program, &folder.join(name), provider, None)?;
            targets.push(Target::relay(name, &setup).await?);
        }
        let peer = &self.options.peer;
        if let Some(address) = peer.address.as_ref().filter(|_| peer.workloads.contains(&workload)) {
            let face = PeerFace { key: peer.key.clone(), model: peer.model.clone(), headers: peer.headers.clone() };
            targets.push(Target::peer(&address.name, &address.url, address.pid, face).context("--peer")?);
        }
        Ok(targets)
    }

    /// The relay's programs and their names.
    fn relays(&self) -> Vec<(&'static str, &Path)> {
        let baseline = self.options.baseline.as_deref().map(|program| ("baseline", program));
        [(JUDGED, self.options.relay.as_path())].into_iter().chain(baseline).collect()
    }

    /// CPU time against nginx, and against the baseline if there is one.
    fn cpu(&mut self, name: &'static str, metric: &str, series: &[Series], limit: Limit) {
        let cpu = |sample: &crate::rounds::Sample| sample.cpu_us_per_request;
        let comparison = Some((JUDGED, "nginx", Comparison::Ratio));
        self.report.figures.push(Figure::new(name, metric, series, cpu, comparison, Some(limit)));
        for (who, with) in [("baseline", "nginx"), (JUDGED, "baseline")] {
            if self.options.baseline.is_some() {
                let figure = Figure::new(name, metric, series, cpu, Some((who, with, Comparison::Ratio)), None);
                self.report.figures.push(figure);
            }
        }
        if let Some(peer) = self.options.peer.address.as_ref() {
            let figure = Figure::new(name, metric, series, cpu, Some((&peer.name, "nginx", Comparison::Ratio)), None);
            self.report.figures.extend(Some(figure).filter(|figure| figure.compared.is_some()));
        }
    }

    /// Time against the provider asked directly; nginx's is there to compare with.
    fn added(
        &mut self,
        name: &'static str,
        metric: &str,
        series: &[Series],
        (which, percentile): (Which, f64),
        limit: Limit,
    ) {
        let time = |sample: &crate::rounds::Sample| sample.percentile_ms(which, percentile);
        let how = Comparison::Difference;
        let mut comparisons = vec![(JUDGED, "direct", Some(limit)), (JUDGED, "nginx", None), ("nginx", "direct", None)];
        if self.options.baseline.is_some() {
            comparisons.push(("baseline", "direct", None));
        }
        for (who, with, limit) in comparisons {
            self.report.figures.push(Figure::new(name, metric, series, time, Some((who, with, how)), limit));
        }
    }
}
