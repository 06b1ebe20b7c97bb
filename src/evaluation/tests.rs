//! Every figure is computed by hand from the table in `trials`.

use super::*;

const SMALL: usize = 0;
const STRONG: usize = 1;
const SPARE: usize = 2;

fn field() -> Field {
    Field::new(vec!["small".into(), "strong".into()], ["spare".into()])
}

fn trial(id: &str, category: &str, scores: [f64; 2], choice: usize, cause: Cause) -> Trial {
    let asked = cause == Cause::Designator;
    Trial {
        id: id.into(),
        category: category.into(),
        scores: vec![Some(scores[0]), Some(scores[1]), None],
        costs: vec![Some(NanoUsd(100)), Some(NanoUsd(1_000)), None],
        verdict: Some(Verdict {
            choice,
            cause,
            spent: if asked { vec![Some(NanoUsd(10))] } else { Vec::new() },
            asked_ms: asked.then_some(20),
        }),
    }
}

/// Four easy and four hard cases; small fails at the hard ones, and the router knows which is which.
fn perfect() -> Vec<Trial> {
    let case = |at: usize| match at {
        0..4 => trial(&format!("e{at}"), "easy", [1.0, 0.0], SMALL, Cause::Designator),
        _ => trial(&format!("h{at}"), "hard", [0.0, 1.0], STRONG, Cause::Designator),
    };
    (0..8).map(case).collect()
}

fn policy<'a>(evaluation: &'a Evaluation, name: &str) -> &'a Policy {
    evaluation.policies.iter().find(|policy| policy.policy == name).unwrap()
}

fn known(nano: i64) -> MeanCost {
    MeanCost { mean_nano_usd: Some(NanoUsd(nano)), unpriced: 0 }
}

#[test]
fn each_policy_has_its_quality_cost_and_shares() {
    let mut trials = vec![
        trial("a", "x", [0.5, 0.75], SMALL, Cause::Designator),
        trial("b", "x", [0.25, 1.0], STRONG, Cause::Designator),
        trial("c", "y", [1.0, 1.0], STRONG, Cause::Single),
        trial("d", "y", [0.25, 0.25], SMALL, Cause::FallbackTimeout),
    ];
    // Asked twice, and the second time for longer.
    trials[1].verdict.as_mut().unwrap().spent.push(Some(NanoUsd(30)));
    trials[1].verdict.as_mut().unwrap().asked_ms = Some(70);
    let evaluation = evaluate("smart", "v1", &field(), &trials);
    // (0.5 + 1 + 1 + 0.25) / 4; (100 + 1000 + 1000 + 100) / 4 + (10 + 40) / 4 = 550 + 12.5, rounded up.
    let router = &evaluation.policies[0];
    assert_eq!((router.policy, router.quality, router.cost), ("router", 0.6875, known(563)));
    let shares: Vec<_> = router.shares.iter().map(|share| (share.cases, share.share)).collect();
    assert_eq!(shares, [(2, 0.5), (2, 0.5), (0, 0.0)]);
    // (0.5 + 0.25 + 1 + 0.25) / 4.
    let cheapest = policy(&evaluation, "always-cheapest");
    assert_eq!((cheapest.always.as_deref(), cheapest.quality, cheapest.cost), (Some("small"), 0.5, known(100)));
    // (0.75 + 1 + 1 + 0.25) / 4.
    let best = policy(&evaluation, "always-best");
    assert_eq!((best.always.as_deref(), best.quality, best.cost), (Some("strong"), 0.75, known(1_000)));
    // strong, strong, then small twice because it is as good and cheaper: (1000 + 1000 + 100 + 100) / 4.
    let oracle = policy(&evaluation, "oracle");
    assert_eq!((oracle.quality, oracle.cost), (0.75, known(550)));
    assert_eq!(evaluation.designator, Asking { calls: 3, cost: known(13), p50_ms: Some(20), p95_ms: Some(70) });
    assert_eq!(evaluation.causes, BTreeMap::from([("designator", 2), ("fallback-timeout", 1), ("single", 1)]));
    let quality = |at: usize, name| evaluation.categories[at].quality[name];
    assert_eq!((quality(0, "router"), quality(1, "router")), (0.75, 0.625));
    assert_eq!((quality(0, "oracle"), quality(1, "always-cheapest")), (0.875, 0.625));
}

#[test]
fn a_router_that_knows_its_cases_beats_its_own_shares() {
    let evaluation = evaluate("smart", "v1", &field(), &perfect());
    let control = &evaluation.shuffled;
    assert_eq!(evaluation.policies[0].quality, 1.0);
    // Of four small among eight, k land on easy cases with probability C(4,k)²/70, and the quality is k/4:
    // up to k = 0: 1 %, 1: 24 %, 2: 76 %, 3: 99 %. The mean is 1/2, with a standard error of 0.006.
    assert_eq!((control.p5, control.p95, control.is_beaten), (0.25, 0.75, true));
    assert!((control.quality - 0.5).abs() < 0.03, "{}", control.quality);
    assert_eq!((control.permutations, control.cases, control.cost), (1_000, 8, known(550)));
    assert_eq!(evaluation.shuffled_designator, None);
    assert!(evaluation.to_table().contains("The router beats chance: its quality 1.000 is above 0.750"));
}

#[test]
fn a_router_whose_choice_does_not_matter_is_no_better_than_chance() {
    let mut trials = perfect();
    trials.iter_mut().for_each(|trial| trial.scores = vec![Some(0.5), Some(0.75), None]);
    let control = evaluate("smart", "v1", &field(), &trials).shuffled;
    // Whoever gets which: (4 × 0.5 + 4 × 0.75) / 8.
    assert_eq!((control.quality, control.p5, control.p95, control.is_beaten), (0.625, 0.625, 0.625, false));
}

#[test]
fn what_gates_decided_is_not_the_designators_merit() {
    let mut trials = perfect();
    // The designator says small whatever comes; the hard cases were the gates' work.
    trials[4..].iter_mut().for_each(|trial| trial.verdict.as_mut().unwrap().cause = Cause::Single);
    let evaluation = evaluate("smart", "v1", &field(), &trials);
    assert!(evaluation.shuffled.is_beaten);
    let within = evaluation.shuffled_designator.as_ref().unwrap();
    assert_eq!((within.cases, within.quality, within.p95, within.is_beaten), (4, 1.0, 1.0, false));
    let table = evaluation.to_table();
    assert!(table.contains("Its designator alone does not beat it: with the 4 cases that others decided"), "{table}");
}

#[test]
fn what_is_not_known_is_never_zero() {
    let mut trials = perfect();
    trials.iter_mut().for_each(|trial| trial.costs[SMALL] = None);
    trials[4].verdict.as_mut().unwrap().spent = vec![None];
    let evaluation = evaluate("smart", "v1", &field(), &trials);
    // Four answers of strong and seven calls are known: (4000 + 70) / 8 = 508.75, of three plus one cases is not.
    let cost = evaluation.policies[0].cost;
    assert_eq!(cost, MeanCost { mean_nano_usd: Some(NanoUsd(509)), unpriced: 5 });
    assert_eq!(policy(&evaluation, "always-cheapest").always.as_deref(), Some("strong"));
    trials.iter_mut().for_each(|trial| trial.costs = vec![None; 3]);
    trials.iter_mut().for_each(|trial| trial.verdict.as_mut().unwrap().spent = vec![None]);
    let evaluation = evaluate("smart", "v1", &field(), &trials);
    assert_eq!(evaluation.policies[0].cost, MeanCost { mean_nano_usd: None, unpriced: 8 });
    assert_eq!(evaluation.policies.len(), 3, "nobody is the cheapest");
    assert_eq!(evaluation.shuffled.cost, MeanCost { mean_nano_usd: None, unpriced: 8 });
    assert!(evaluation.to_table().contains("unknown"));
}

#[test]
fn a_choice_without_a_score_is_left_out_of_every_line_and_told() {
    let mut trials = perfect();
    trials[7].verdict.as_mut().unwrap().choice = SPARE;
    let evaluation = evaluate("smart", "v1", &field(), &trials);
    assert_eq!((evaluation.cases, evaluation.unscored.as_slice()), (7, &["h7".to_owned()][..]));
    assert_eq!(policy(&evaluation, "always-best").quality, 4.0 / 7.0);
    assert!(evaluation.to_table().contains("1 left out, what was chosen has no score: h7"));
}

#[test]
fn a_request_nobody_can_answer_counts_with_nothing() {
    let mut trials = perfect();
    trials[7].verdict = None;
    let evaluation = evaluate("smart", "v1", &field(), &trials);
    assert_eq!((evaluation.cases, evaluation.refused, evaluation.policies[0].quality), (8, 1, 0.875));
    assert_eq!(evaluation.causes["no-candidate"], 1);
}

#[test]
fn percentiles_are_values_that_occurred() {
    let values: Vec<u32> = (1..=20).collect();
    assert_eq!(nearest_rank(&values, 50), Some(&10));
    assert_eq!(nearest_rank(&values, 95), Some(&19));
    assert_eq!(nearest_rank(&values[..1], 5), Some(&1));
    assert_eq!(nearest_rank::<u32>(&[], 50), None);
}
