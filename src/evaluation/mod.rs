//! Whether a smart router is worth it: its choices over labelled prompts, against simpler ways to choose.
//!
//! ```text
//! lines of JSON -> Case (request, score of each candidate) -> [the router chooses] -> Trial -> Evaluation -> table, JSON
//! ```
//!
//! Pure: the choosing and the prices come from whoever calls. [`read_cases`] reads the data, [`evaluate`] does the statistics:
//! quality and cost of the router, of always the same candidate, of an oracle, and of the router's own choices dealt out
//! at random, which is what its shares alone are worth.

mod cases;
mod control;
mod policy;
mod replay;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

pub use cases::{Case, Field, LineError, read_cases};
pub use control::Control;
pub use policy::{MeanCost, Policy};
pub use replay::{Comparison, Move, Replay, Replayed};

use crate::money::NanoUsd;
use crate::routing::smart::{Cause, Decision};
use control::shuffled;
use policy::{Tally, nearest_rank};

/// A case the router was asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The case's id.
    pub id: String,
    /// Its category.
    pub category: String,
    /// How good each name's answer is, in the order of [`Field::names`].
    pub scores: Vec<Option<f64>>,
    /// What each name's answer costs, likewise; `None` is "not known".
    pub costs: Vec<Option<NanoUsd>>,
    /// What the router said; `None`: that nothing can answer this.
    pub verdict: Option<Verdict>,
}

/// What the router said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The chosen name's place in [`Field::names`].
    pub choice: usize,
    /// Why.
    pub cause: Cause,
    /// What designators cost, call by call.
    pub spent: Vec<Option<NanoUsd>>,
    /// How long they took together, milliseconds; `None`: nobody was asked.
    pub asked_ms: Option<u32>,
}

impl Verdict {
    /// What matters of a decision; `choice` is the chosen name's place in [`Field::names`].
    pub fn of(decision: &Decision, choice: usize) -> Self {
        let calls = &decision.calls;
        Self {
            choice,
            cause: decision.cause,
            spent: calls.iter().map(|call| call.cost_nano_usd).collect(),
            asked_ms: (!calls.is_empty()).then(|| calls.iter().map(|call| call.ms).sum()),
        }
    }
}

/// The result. Its JSON is what `llm-relay router eval --format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The router.
    pub router: String,
    /// Its version.
    pub version: String,
    /// Cases that count: all lines below are over the same ones.
    pub cases: usize,
    /// Ids of the cases that do not, because what was chosen has no score.
    pub unscored: Vec<String>,
    /// Cases the router could not answer at all. They count, with quality 0.
    pub refused: usize,
    /// The router first, then what it is compared with.
    pub policies: Vec<Policy>,
    /// The router's choices dealt out at random over the same cases: what its shares alone are worth.
    pub shuffled: Control,
    /// The same among those cases only that the designator decided: what is left to it when gates and fallbacks stay.
    pub shuffled_designator: Option<Control>,
    /// Quality in each category.
    pub categories: Vec<Category>,
    /// Why it chose as it did: how many cases for each cause.
    pub causes: BTreeMap<&'static str, usize>,
    /// What asking took.
    pub designator: Asking,
}

/// Quality within one category.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Category {
    /// Its name.
    pub category: String,
    /// Its cases.
    pub cases: usize,
    /// Mean quality by policy.
    pub quality: BTreeMap<&'static str, f64>,
}

/// What asking designators took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asking {
    /// Calls, repeated questions included.
    pub calls: usize,
    /// Their cost, over all cases.
    pub cost: MeanCost,
    /// Half of the decisions for which somebody was asked took no longer, milliseconds.
    pub p50_ms: Option<u32>,
    /// 19 of 20 took no longer.
    pub p95_ms: Option<u32>,
}

/// Compares the router with simpler ways to choose.
pub fn evaluate(router: &str, version: &str, field: &Field, trials: &[Trial]) -> Evaluation {
    let is_scored = |trial: &&Trial| trial.verdict.as_ref().is_none_or(|said| trial.scores[said.choice].is_some());
    let (scored, unscored): (Vec<&Trial>, Vec<&Trial>) = trials.iter().partition(is_scored);
    let chosen: Vec<Option<usize>> = scored.iter().map(|trial| Some(trial.verdict.as_ref()?.choice)).collect();

    let mut policies = vec![Policy::new("router", field, &scored, chosen.clone())];
    policies[0].add_asking(&scored);
    policies.extend(policy::cheapest(field, &scored));
    policies.push(policy::best(field, &scored));
    policies.push(policy::oracle(field, &scored));

    let everywhere: Vec<usize> = (0..scored.len()).collect();
    let decided_by = |at: &usize| scored[*at].verdict.as_ref().is_some_and(|said| said.cause == Cause::Designator);
    let by_designator: Vec<usize> = everywhere.iter().copied().filter(decided_by).collect();
    let quality = policies[0].quality;
    let is_part = !by_designator.is_empty() && by_designator.len() < everywhere.len();

    let mut causes = BTreeMap::new();
    for trial in &scored {
        *causes.entry(trial.verdict.as_ref().map_or("no-candidate", |said| said.cause.as_str())).or_default() += 1;
    }
    Evaluation {
        router: router.to_owned(),
        version: version.to_owned(),
        cases: scored.len(),
        unscored: unscored.iter().map(|trial| trial.id.clone()).collect(),
        refused: scored.iter().filter(|trial| trial.verdict.is_none()).count(),
        shuffled: shuffled(&scored, &chosen, &everywhere, quality),
        shuffled_designator: is_part.then(|| shuffled(&scored, &chosen, &by_designator, quality)),
        categories: categories(&scored, &policies),
        causes,
        designator: asking(&scored),
        policies,
    }
}

fn categories(trials: &[&Trial], policies: &[Policy]) -> Vec<Category> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, trial) in trials.iter().enumerate() {
        places.entry(&trial.category).or_default().push(at);
    }
    let category = |(category, places): (&str, Vec<usize>)| Category {
        category: category.to_owned(),
        cases: places.len(),
        quality: policies.iter().map(|policy| (policy.policy, policy.quality_at(trials, &places))).collect(),
    };
    places.into_iter().map(category).collect()
}

fn asking(trials: &[&Trial]) -> Asking {
    let verdicts = || trials.iter().filter_map(|trial| trial.verdict.as_ref());
    let mut times: Vec<u32> = verdicts().filter_map(|said| said.asked_ms).collect();
    times.sort_unstable();
    let mut cost = Tally::default();
    trials.iter().for_each(|trial| cost.add(trial.verdict.iter().flat_map(|said| &said.spent).copied()));
    Asking {
        calls: verdicts().map(|said| said.spent.len()).sum(),
        cost: cost.mean(),
        p50_ms: nearest_rank(&times, 50).copied(),
        p95_ms: nearest_rank(&times, 95).copied(),
    }
}

#[cfg(test)]
mod tests;
