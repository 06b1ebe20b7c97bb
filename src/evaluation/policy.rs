//! Ways to choose, and what they would have brought.

use serde::Serialize;

use super::{Field, Trial};
use crate::money::NanoUsd;

/// A way to choose, over all cases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    /// `router`, `always-cheapest`, `always-best` or `oracle`.
    pub policy: &'static str,
    /// Whom a policy that always chooses the same chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub always: Option<String>,
    /// Mean score, 0 to 1.
    pub quality: f64,
    /// Mean cost of a case; the router's includes its designator's.
    pub cost: MeanCost,
    /// How often each name was chosen, in the order of the field; what was never chosen is there with 0.
    pub shares: Vec<Share>,
    #[serde(skip)]
    choices: Vec<Option<usize>>,
}

/// How often a name was chosen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// The name as the router has it.
    pub name: String,
    /// Cases.
    pub cases: usize,
    /// Of all cases, 0 to 1.
    pub share: f64,
}

/// A mean of costs, some of which may not be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MeanCost {
    /// For each case; a lower bound when something is not known, and `None` when nothing is.
    pub mean_nano_usd: Option<NanoUsd>,
    /// Cases of which a cost is not known.
    pub unpriced: usize,
}

/// Costs on the way to their mean.
#[derive(Debug, Default)]
pub(super) struct Tally {
    nano: i128,
    cases: usize,
    unpriced: usize,
}

impl Tally {
    /// Adds a case with all it cost.
    pub(super) fn add(&mut self, costs: impl IntoIterator<Item = Option<NanoUsd>>) {
        let mut is_known = true;
        for cost in costs {
            is_known &= cost.is_some();
            self.nano += i128::from(cost.unwrap_or_default().0);
        }
        self.cases += 1;
        self.unpriced += usize::from(!is_known);
    }

    /// Rounded to nano-dollars, half up: costs are not negative.
    pub(super) fn mean(&self) -> MeanCost {
        let cases = self.cases.max(1) as i128;
        let mean = (2 * self.nano + cases) / (2 * cases);
        let nothing_known = self.unpriced > 0 && self.nano == 0;
        let mean_nano_usd = (!nothing_known).then(|| NanoUsd(i64::try_from(mean).unwrap_or(i64::MAX)));
        MeanCost { mean_nano_usd, unpriced: self.unpriced }
    }
}

impl Policy {
    pub(super) fn new(policy: &'static str, field: &Field, trials: &[&Trial], choices: Vec<Option<usize>>) -> Self {
        let mut cost = Tally::default();
        for (trial, choice) in trials.iter().zip(&choices) {
            cost.add(choice.map(|choice| trial.costs[choice]));
        }
        let share = |(at, name): (usize, &String)| {
            let cases = choices.iter().filter(|choice| **choice == Some(at)).count();
            Share { name: name.clone(), cases, share: ratio(cases as f64, choices.len()) }
        };
        let mut policy = Self {
            policy,
            always: None,
            quality: 0.0,
            cost: cost.mean(),
            shares: field.names().iter().enumerate().map(share).collect(),
            choices,
        };
        policy.quality = policy.quality_at(trials, &(0..trials.len()).collect::<Vec<_>>());
        policy
    }

    /// Puts what the designator cost on top of what the answers cost.
    pub(super) fn add_asking(&mut self, trials: &[&Trial]) {
        let mut cost = Tally::default();
        for trial in trials {
            let answer = trial.verdict.as_ref().map(|said| trial.costs[said.choice]);
            cost.add(answer.into_iter().chain(trial.verdict.iter().flat_map(|said| said.spent.iter().copied())));
        }
        self.cost = cost.mean();
    }

    /// Mean quality of some of the cases.
    pub(super) fn quality_at(&self, trials: &[&Trial], places: &[usize]) -> f64 {
        let sum: f64 = places.iter().map(|&at| score(trials[at], self.choices[at])).sum();
        ratio(sum, places.len())
    }

    fn always(policy: &'static str, field: &Field, trials: &[&Trial], candidate: usize) -> Self {
        let always = Some(field.names()[candidate].clone());
        Self { always, ..Self::new(policy, field, trials, vec![Some(candidate); trials.len()]) }
    }
}

/// Always the candidate that costs least, of those whose price is known; `None`: no price is known.
pub(super) fn cheapest(field: &Field, trials: &[&Trial]) -> Option<Policy> {
    let total = |candidate: usize| {
        let costs = trials.iter().map(|trial| trial.costs[candidate].map(|cost| i128::from(cost.0)));
        costs.sum::<Option<i128>>()
    };
    let cheapest = field.candidates().filter_map(|candidate| Some((total(candidate)?, candidate))).min()?;
    Some(Policy::always("always-cheapest", field, trials, cheapest.1))
}

/// Always the candidate with the best mean score, the first of several.
pub(super) fn best(field: &Field, trials: &[&Trial]) -> Policy {
    let total = |candidate: usize| trials.iter().map(|trial| score(trial, Some(candidate))).sum::<f64>();
    let best = field.candidates().rev().max_by(|one, other| total(*one).total_cmp(&total(*other)));
    Policy::always("always-best", field, trials, best.unwrap_or(0))
}

/// For every case the candidate with the best score; of several the one that costs least.
pub(super) fn oracle(field: &Field, trials: &[&Trial]) -> Policy {
    let best = |trial: &&Trial| {
        let cost = |candidate: usize| trial.costs[candidate].map_or(i64::MAX, |cost| cost.0);
        field.candidates().rev().max_by(|one, other| {
            let better = score(trial, Some(*one)).total_cmp(&score(trial, Some(*other)));
            better.then(cost(*other).cmp(&cost(*one)))
        })
    };
    Policy::new("oracle", field, trials, trials.iter().map(best).collect())
}

/// How good an answer is; no answer is none.
pub(super) fn score(trial: &Trial, choice: Option<usize>) -> f64 {
    choice.and_then(|choice| trial.scores[choice]).unwrap_or(0.0)
}

pub(super) fn ratio(sum: f64, count: usize) -> f64 {
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// The smallest of the sorted values that so many percent of them do not exceed.
pub(super) fn nearest_rank<T>(sorted: &[T], percent: usize) -> Option<&T> {
    sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1)
}
