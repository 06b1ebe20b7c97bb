//! Slices in turn: in every round each target is loaded once, in an order that alternates.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Serialize;

use crate::load::{self, Metrics, Plan, Shape, Times, TimesSummary};
use crate::target::Target;
use crate::terminal::progress;
use crate::workload::Chat;

/// One who takes part: a target, and how it is loaded.
#[derive(Debug)]
pub(crate) struct Entrant<'a> {
    /// In the table; the target's name, unless one target takes part twice.
    pub(crate) name: String,
    pub(crate) target: &'a Target,
    pub(crate) plan: Rc<Plan>,
    pub(crate) shape: Shape,
    /// With what it is loaded before the first round.
    pub(crate) warm_up: Option<Shape>,
    /// What is asked, for the target's books; `None` for lists.
    pub(crate) chat: Option<Chat>,
}

/// One slice of one entrant.
#[derive(Debug, Serialize)]
pub(crate) struct Sample {
    entrant: String,
    round: usize,
    seconds: f64,
    n_answers: u64,
    n_left: u64,
    n_errors: u64,
    /// What the target's processes used, its background work for these requests included.
    pub(crate) cpu_us_per_request: Option<f64>,
    /// Since the target's start, which was right before the workload (a peer's was not).
    pub(crate) peak_rss_mib: Option<f64>,
    latency: Option<TimesSummary>,
    first_event: Option<TimesSummary>,
    gap: Option<TimesSummary>,
    token_delay: Option<TimesSummary>,
    #[serde(skip)]
    pub(crate) times: [Times; 4],
}

/// Which times of a sample.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    Latency,
    FirstEvent,
    Gap,
    TokenDelay,
}

/// All slices of one entrant.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) samples: Vec<Sample>,
}

impl Series {
    /// A figure of each round; `None` if a round has none.
    pub(crate) fn values(&self, figure: impl Fn(&Sample) -> Option<f64>) -> Option<Vec<f64>> {
        self.samples.iter().map(figure).collect()
    }
}

impl Sample {
    /// A percentile of some times, in milliseconds.
    pub(crate) fn percentile_ms(&self, which: Which, percentile: f64) -> Option<f64> {
        let times = &self.times[which as usize];
        (!times.is_empty()).then(|| times.percentile_ms(percentile))
    }

    /// Answers per second.
    pub(crate) fn rate(&self) -> f64 {
        count(self.n_answers) / self.seconds
    }
}

/// Loads every entrant in every round.
pub(crate) async fn interleave(entrants: &[Entrant<'_>], n_rounds: usize) -> anyhow::Result<Vec<Series>> {
    for entrant in entrants {
        if let Some(shape) = entrant.warm_up {
            slice(entrant, shape, 0).await?;
        }
    }
    let new = |entrant: &Entrant<'_>| Series { name: entrant.name.clone(), samples: Vec::new() };
    let mut series: Vec<Series> = entrants.iter().map(new).collect();
    for round in 1..=n_rounds {
        let mut order: Vec<usize> = (0..entrants.len()).collect();
        if round % 2 == 0 {
            order.reverse();
        }
        for index in order {
            let entrant = &entrants[index];
            let sample = slice(entrant, entrant.shape, round).await?;
            let cpu = sample.cpu_us_per_request.map(|us| format!(", {us:.1} µs CPU per request")).unwrap_or_default();
            let (n_answers, rate) = (sample.n_answers, sample.rate());
            progress(&format!("  round {round}, {}: {n_answers} answers, {rate:.0}/s{cpu}", entrant.name));
            series[index].samples.push(sample);
        }
    }
    Ok(series)
}

async fn slice(entrant: &Entrant<'_>, shape: Shape, round: usize) -> anyhow::Result<Sample> {
    let name = &entrant.name;
    let tree = entrant.target.tree().with_context(|| name.clone())?;
    let cpu_before = tree.as_ref().map(crate::process::Tree::cpu_ns).transpose().with_context(|| name.clone())?;
    let start = std::time::Instant::now();
    let metrics = load::run(&entrant.plan, shape).await;
    let seconds = start.elapsed().as_secs_f64();
    ensure!(
        metrics.n_errors == 0,
        "{name}: {} of {} requests failed: {}",
        metrics.n_errors,
        metrics.n_errors + metrics.n_requests(),
        metrics.errors.join("; ")
    );
    ensure!(metrics.n_answers > 0, "{name}: no answer came");
    if let Some(chat) = &entrant.chat {
        entrant.target.note(chat, metrics.n_answers, metrics.n_left);
    }
    // Processes may have been started meanwhile.
    let tree = entrant.target.tree().with_context(|| name.clone())?;
    let cpu_after =
        tree.as_ref().map(crate::process::Tree::settled_cpu_ns).transpose().with_context(|| name.clone())?;
    let cpu_ns = cpu_before.zip(cpu_after).map(|(before, after)| after.saturating_sub(before));
    let peak = tree.as_ref().map(crate::process::Tree::peak_rss_bytes).transpose()?;
    Ok(Sample {
        entrant: name.clone(),
        round,
        seconds,
        n_answers: metrics.n_answers,
        n_left: metrics.n_left,
        n_errors: metrics.n_errors,
        cpu_us_per_request: cpu_ns.map(|ns| count(ns) / 1e3 / count(metrics.n_requests())),
        peak_rss_mib: peak.map(mib),
        latency: metrics.latency.summary(),
        first_event: metrics.first_event.summary(),
        gap: metrics.gap.summary(),
        token_delay: metrics.token_delay.summary(),
        times: times_of(metrics),
    })
}

fn times_of(metrics: Metrics) -> [Times; 4] {
    [metrics.latency, metrics.first_event, metrics.gap, metrics.token_delay]
}

/// A shape like another, but short.
pub(crate) fn warm_up(n_clients: usize, slice: Duration) -> Option<Shape> {
    Some(Shape::Closed { n_clients, duration: slice / 3 })
}

/// Bytes as MiB.
pub(crate) fn mib(bytes: u64) -> f64 {
    count(bytes) / 1_048_576.0
}

#[expect(clippy::cast_precision_loss, reason = "no run comes near 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}
