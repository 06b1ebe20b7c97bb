//! Smart routers: what a remembered choice costs, what asking a designator adds to its own time, and how long
//! designators that never answer hold a request up.

use anyhow::Context;
use tempfile::TempDir;

use super::Suite;
use crate::load::Shape;
use crate::options::Workload;
use crate::report::{Figure, JUDGED, Limit};
use crate::rounds::{Entrant, Sample, Series, Which, interleave, warm_up};
use crate::stats::Comparison;
use crate::target::Target;
use crate::target::relay::{Extra, STALLED_LIMIT_MS};
use crate::terminal::progress;
use crate::workload::{Chat, DESIGNATOR_MS, Router};

const N_CLIENTS: usize = 64;
/// Requests per second in the open loop.
const RATE: u32 = 50;
/// The column of a time that was set.
const HARD_LIMIT: &str = "hard limit";

impl Suite<'_> {
    /// All of it on the same relays, so that in the end their reports must have a right row for each router.
    pub(super) async fn routers(&mut self) -> anyhow::Result<()> {
        let folder = TempDir::new_in(&self.folder)?;
        let targets = self.relays(folder.path(), Extra::Routers).await?;
        self.remembered(&targets).await?;
        self.designated(&targets).await?;
        self.stalled(&targets).await?;
        self.provider.check()?;
        targets.into_iter().try_for_each(Target::close)
    }

    /// W1's request by the model's name, in a conversation that has its model, and as a question decided before.
    async fn remembered(&mut self, targets: &[Target]) -> anyhow::Result<()> {
        progress(" remembered");
        let duration = self.options.slice()?;
        let shape = Shape::Closed { n_clients: N_CLIENTS, duration };
        let mut entrants = Vec::new();
        for target in targets {
            for router in [None, Some(Router::Pinned), Some(Router::Cached)] {
                entrants.push(entrant(target, router, shape, warm_up(N_CLIENTS, duration)).await?);
            }
        }
        let series = interleave(&entrants, self.options.n_rounds()).await?;
        let cpu = |sample: &Sample| sample.cpu_us_per_request;
        for router in [Router::Pinned, Router::Cached] {
            let metric = format!("CPU µs per request, {}", router.name());
            let mut rounds = Vec::new();
            for target in targets {
                rounds.push((target.name.clone(), values(&series, &name_of(target, None), cpu)?));
                rounds.push((routed(&target.name), values(&series, &name_of(target, Some(router)), cpu)?));
            }
            let with = |target: &Target| target.name.clone();
            self.report_more(&metric, &rounds, targets, with, Limit { must: 50.0, aim: 25.0 });
        }
        self.report.keep(Workload::Routers, &Chat::WHOLE.script.to_string(), series);
        Ok(())
    }

    /// What a request takes longer when a designator is asked first, less what the designator takes when it is asked
    /// without a relay.
    async fn designated(&mut self, targets: &[Target]) -> anyhow::Result<()> {
        progress(" designated");
        let duration = self.options.slice()?;
        let shape = Shape::Open { rate: RATE, duration };
        let warm_up = Some(Shape::Open { rate: RATE, duration: duration / 3 });
        let direct = Target::direct(self.provider.address);
        let plan = direct.plan_question(Router::Asking.designator()).await?;
        let name = direct.name.clone();
        let mut entrants = vec![Entrant { name, target: &direct, plan, shape, warm_up, chat: None }];
        for target in targets {
            for router in [None, Some(Router::Asking)] {
                entrants.push(entrant(target, router, shape, warm_up).await?);
            }
        }
        let series = interleave(&entrants, self.options.n_rounds()).await?;
        let p50 = |sample: &Sample| sample.percentile_ms(Which::Latency, 50.0);
        let metric = format!("p50 ms at {RATE}/s, designator takes {DESIGNATOR_MS} ms");
        let designator = values(&series, &direct.name, p50)?;
        // What a routed request would take if routing took no time.
        let ideal = |target: &Target| format!("({} + {})", target.name, direct.name);
        let mut rounds = vec![(direct.name.clone(), designator.clone())];
        for target in targets {
            let named = values(&series, &name_of(target, None), p50)?;
            let sums = named.iter().zip(&designator).map(|(named, designator)| named + designator).collect();
            rounds.push((target.name.clone(), named));
            rounds.push((ideal(target), sums));
            rounds.push((routed(&target.name), values(&series, &name_of(target, Some(Router::Asking)), p50)?));
        }
        self.report_more(&metric, &rounds, targets, ideal, Limit { must: 2.0, aim: 1.0 });
        drop(entrants);
        self.report.keep(Workload::Routers, &Router::Asking.designator().to_string(), series);
        Ok(())
    }

    /// The longest request of each round, against the time in which a choice must be made. One client: while a
    /// designator that has failed is tried again, everybody else's choice is the fallback at once.
    async fn stalled(&mut self, targets: &[Target]) -> anyhow::Result<()> {
        progress(" stalled");
        // So few requests fit into a slice that there is time for more of them.
        let shape = Shape::Closed { n_clients: 1, duration: self.options.slice()? * 2 };
        let mut entrants = Vec::new();
        for target in targets {
            entrants.push(entrant(target, Some(Router::Stalled), shape, None).await?);
        }
        let series = interleave(&entrants, self.options.n_rounds()).await?;
        let hard_limits = vec![f64::from(STALLED_LIMIT_MS); self.options.n_rounds()];
        let (mut medians, mut longest) = (Vec::new(), vec![(HARD_LIMIT.to_owned(), hard_limits)]);
        for target in targets {
            let (name, routed) = (name_of(target, Some(Router::Stalled)), routed(&target.name));
            let of =
                |percentile| values(&series, &name, move |sample| sample.percentile_ms(Which::Latency, percentile));
            medians.push((routed.clone(), of(50.0)?));
            longest.push((routed, of(100.0)?));
        }
        let figure = Figure::of_rounds(Workload::Routers, "p50 ms, designators stall", medians, None, None);
        self.report.figures.push(figure);
        let (with, limit) = (|_: &Target| HARD_LIMIT.to_owned(), Limit { must: 5.0, aim: 2.0 });
        self.report_more("longest ms, designators stall", &longest, targets, with, limit);
        self.report.keep(Workload::Routers, &Router::Stalled.designator().to_string(), series);
        Ok(())
    }

    /// How much more each target's requests to a router have than another column says; only the relay is judged by it.
    fn report_more(
        &mut self,
        metric: &str,
        rounds: &[(String, Vec<f64>)],
        targets: &[Target],
        with: impl Fn(&Target) -> String,
        limit: Limit,
    ) {
        for target in targets {
            let (who, with) = (routed(&target.name), with(target));
            let comparing = Some((who.as_str(), with.as_str(), Comparison::Difference));
            let limit = (target.name == JUDGED).then_some(limit);
            let figure = Figure::of_rounds(Workload::Routers, metric, rounds.to_vec(), comparing, limit);
            self.report.figures.push(figure);
        }
    }
}

/// Asks for W1's answer: by the model's name, or of a router.
async fn entrant(
    target: &Target,
    router: Option<Router>,
    shape: Shape,
    warm_up: Option<Shape>,
) -> anyhow::Result<Entrant<'_>> {
    let chat = Chat { router, ..Chat::WHOLE };
    let plan = target.plan(&chat, None).await?;
    Ok(Entrant { name: name_of(target, router), target, plan, shape, warm_up, chat: Some(chat) })
}

/// Under which name a target takes part.
fn name_of(target: &Target, router: Option<Router>) -> String {
    router.map_or_else(|| target.name.clone(), |router| format!("{}, {}", target.name, router.name()))
}

/// The column of requests to routers: one for all of them, or the table would have no end.
fn routed(name: &str) -> String {
    format!("{name}, router")
}

/// A figure of each round of one who took part.
fn values(series: &[Series], name: &str, figure: impl Fn(&Sample) -> Option<f64>) -> anyhow::Result<Vec<f64>> {
    let series = series.iter().find(|series| series.name == name).with_context(|| format!("{name} took no part"))?;
    series.values(figure).with_context(|| format!("a slice of {name} has no figure"))
}
