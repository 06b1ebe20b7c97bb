//! The workloads that ask one thing of all targets: W1 to W5, W7, latency, first event.

use std::time::Duration;

use tempfile::TempDir;

use super::{Direct, Suite};
use crate::load::Shape;
use crate::options::Workload;
use crate::report::{Figure, JUDGED, Limit};
use crate::rounds::{Entrant, Sample, Series, Which, interleave, warm_up};
use crate::script::Script;
use crate::stats::Comparison;
use crate::target::Target;
use crate::terminal::progress;
use crate::workload::Chat;

impl Suite<'_> {
    /// Whole answers: CPU time, and memory.
    pub(super) async fn whole(
        &mut self,
        workload: Workload,
        chat: Chat,
        n_clients: usize,
        limit: Limit,
    ) -> anyhow::Result<()> {
        let series = self.closed(workload, &chat, n_clients).await?;
        self.report_cpu(workload, "CPU µs per request", &series, limit);
        self.report_p50(workload, "p50 ms", &series, Which::Latency);
        let peak = (workload == Workload::W1).then_some(Limit { must: 28.0, aim: 18.0 });
        self.report.figures.push(Figure::peak_rss(workload, &series, peak));
        self.report.keep(workload, &chat.script.to_string(), series);
        Ok(())
    }

    /// Streams of a burst: CPU time. Once the burst is there as a whole, as from a provider that is faster than the
    /// target; once each event is a write of its own, so that they trickle in.
    pub(super) async fn streams(&mut self, workload: Workload, chat: Chat, limit: Limit) -> anyhow::Result<()> {
        for joined in [true, false] {
            let chat = Chat { script: Script { joined, ..chat.script }, ..chat };
            let how = if joined { "one write" } else { "a write per event" };
            progress(&format!(" {how}"));
            let series = self.closed(workload, &chat, 16).await?;
            self.report_cpu(workload, &format!("CPU µs per stream, {how}"), &series, limit);
            self.report_p50(workload, &format!("p50 ms, {how}"), &series, Which::Latency);
            self.report_p50(workload, &format!("first event p50 ms, {how}"), &series, Which::FirstEvent);
            self.report.keep(workload, &chat.script.to_string(), series);
        }
        Ok(())
    }

    /// Many streams at the pace of a model.
    pub(super) async fn many_streams(&mut self) -> anyhow::Result<()> {
        let workload = Workload::W7;
        let (n_clients, n_tokens) = if self.options.quick { (100, 16) } else { (1_000, 64) };
        let chat = Chat { script: Script::paced(n_tokens, 100), ..Chat::STREAM };
        let shape = Shape::Each { n_clients, n_requests: 1, ramp: Duration::from_secs(1) };
        let series = self.chat(workload, &chat, shape, None, Direct::Always).await?;
        self.report_cpu(workload, "CPU µs per stream", &series, Limit { must: 1.6, aim: 1.3 });
        self.report.figures.push(Figure::peak_rss(workload, &series, Some(Limit { must: 60.0, aim: 40.0 })));
        for (metric, percentile) in [("delay of a token, p50 ms", 50.0), ("delay of a token, p99 ms", 99.0)] {
            let delay = move |sample: &Sample| sample.percentile_ms(Which::TokenDelay, percentile);
            let pairs = [((JUDGED, "direct"), None), (("nginx", "direct"), None), (("baseline", "direct"), None)];
            self.report_pairs(workload, metric, &series, delay, Comparison::Difference, pairs);
        }
        let gap = |sample: &Sample| sample.percentile_ms(Which::Gap, 99.0);
        let figure = Figure::of_series(workload, "between tokens, p99 ms", &series, gap, None, None);
        self.report.figures.push(figure);
        self.report.keep(workload, &chat.script.to_string(), series);
        Ok(())
    }

    /// What a request takes longer when there is little to do.
    pub(super) async fn latency(&mut self) -> anyhow::Result<()> {
        let workload = Workload::Latency;
        let duration = self.options.slice()?;
        let shape = Shape::Open { rate: 50, duration };
        let warm_up = Some(Shape::Open { rate: 50, duration: duration / 3 });
        let series = self.chat(workload, &Chat::WHOLE, shape, warm_up, Direct::Always).await?;
        self.report_added(workload, "p50 ms at 50/s", &series, Which::Latency, Limit { must: 0.45, aim: 0.25 });
        let p99 = |sample: &Sample| sample.percentile_ms(Which::Latency, 99.0);
        self.report.figures.push(Figure::of_series(workload, "p99 ms at 50/s", &series, p99, None, None));
        self.report.keep(workload, &Chat::WHOLE.script.to_string(), series);
        Ok(())
    }

    /// How much later a stream begins. At a pace, so that the burst behind the first event does not compete with it.
    pub(super) async fn first_event(&mut self) -> anyhow::Result<()> {
        let workload = Workload::FirstEvent;
        let chat = Chat { script: Script::paced(4, 2), ..Chat::STREAM };
        let shape = Shape::Closed { n_clients: 1, duration: self.options.slice()? };
        let warm_up = warm_up(1, self.options.slice()?);
        let series = self.chat(workload, &chat, shape, warm_up, Direct::Always).await?;
        self.report_added(workload, "p50 ms", &series, Which::FirstEvent, Limit { must: 0.3, aim: 0.15 });
        self.report.keep(workload, &chat.script.to_string(), series);
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
            entrants.push(Entrant { name: target.name.clone(), target, plan, shape, warm_up, chat: Some(*chat) });
        }
        let series = interleave(&entrants, self.options.n_rounds()).await;
        self.provider.check()?;
        let series = series?;
        drop(entrants);
        targets.into_iter().try_for_each(Target::close)?;
        Ok(series)
    }

    fn report_p50(&mut self, workload: Workload, metric: &str, series: &[Series], which: Which) {
        let p50 = |sample: &Sample| sample.percentile_ms(which, 50.0);
        self.report.figures.push(Figure::of_series(workload, metric, series, p50, None, None));
    }

    /// The median time against the provider asked directly; nginx's is there to compare with.
    fn report_added(&mut self, workload: Workload, metric: &str, series: &[Series], which: Which, limit: Limit) {
        let p50 = |sample: &Sample| sample.percentile_ms(which, 50.0);
        let peer = self.options.peer.address.as_ref().map(|peer| peer.name.as_str());
        let others = [(JUDGED, "nginx"), ("nginx", "direct"), ("baseline", "direct")];
        let others = others.into_iter().chain(peer.map(|peer| (peer, "direct"))).map(|pair| (pair, None));
        let pairs = [((JUDGED, "direct"), Some(limit))].into_iter().chain(others);
        self.report_pairs(workload, metric, series, p50, Comparison::Difference, pairs);
    }
}
