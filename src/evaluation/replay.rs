//! A changed router over requests of the past: what would move, and what it would cost.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::text::aligned;
use crate::money::NanoUsd;
use crate::routing::smart::Cause;

/// A past request, as it went and as it would go now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// The request's id.
    pub request_id: String,
    /// Who answered then, as `provider/model`.
    pub from: String,
    /// Why then.
    pub cause_then: Cause,
    /// Who would answer now.
    pub to: String,
    /// Why now.
    pub cause_now: Cause,
    /// What the answer cost; absent: not known.
    #[serde(rename = "cost_then_nano_usd")]
    pub cost_then: Option<NanoUsd>,
    /// What as long an answer would cost now.
    #[serde(rename = "cost_now_nano_usd")]
    pub cost_now: Option<NanoUsd>,
    /// What asking designators cost then; nobody asked is zero.
    #[serde(rename = "asking_then_nano_usd")]
    pub asking_then: Option<NanoUsd>,
    /// What it costs now.
    #[serde(rename = "asking_now_nano_usd")]
    pub asking_now: Option<NanoUsd>,
}

/// A replay. Its JSON is what `llm-relay router replay --format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replay {
    /// The router.
    pub router: String,
    /// Its version now.
    pub version: String,
    /// Requests that were replayed.
    pub requests: usize,
    /// Those of them that another model would answer.
    pub moved: usize,
    /// Ids of past requests that nothing can answer now, and why.
    pub refused: BTreeMap<String, String>,
    /// From whom to whom, and how many.
    pub moves: Vec<Move>,
    /// Over the requests whose cost is known both ways.
    pub cost: Comparison,
    /// Causes now.
    pub causes: BTreeMap<&'static str, usize>,
    /// Every request.
    pub rows: Vec<Replayed>,
}

/// Requests that go from one model to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Who answered.
    pub from: String,
    /// Who would answer; the same for those that stay.
    pub to: String,
    /// How many.
    pub requests: usize,
    /// What they would cost more (or less), answers alone; absent: one of the costs is not known.
    #[serde(rename = "difference_nano_usd")]
    pub difference: Option<NanoUsd>,
}

/// Money then and now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Requests whose cost is known both ways.
    pub requests: usize,
    /// What they cost, asking included.
    #[serde(rename = "then_nano_usd")]
    pub then: NanoUsd,
    /// What they would cost, asking included.
    #[serde(rename = "now_nano_usd")]
    pub now: NanoUsd,
}

impl Replay {
    /// Sums up.
    pub fn new(router: &str, version: &str, rows: Vec<Replayed>, refused: BTreeMap<String, String>) -> Self {
        let mut moves: BTreeMap<(&str, &str), (usize, Option<i64>)> = BTreeMap::new();
        let (mut cost, mut causes) = (Comparison::default(), BTreeMap::new());
        for row in &rows {
            let difference = row.cost_then.zip(row.cost_now).map(|(then, now)| now.0 - then.0);
            let of_move = moves.entry((&row.from, &row.to)).or_insert((0, Some(0)));
            *of_move = (of_move.0 + 1, of_move.1.zip(difference).map(|(sum, more)| sum + more));
            *causes.entry(row.cause_now.as_str()).or_default() += 1;
            let sum = |answer: Option<NanoUsd>, asking: Option<NanoUsd>| Some(answer?.0 + asking?.0);
            if let Some((then, now)) = sum(row.cost_then, row.asking_then).zip(sum(row.cost_now, row.asking_now)) {
                cost.requests += 1;
                cost.then.0 += then;
                cost.now.0 += now;
            }
        }
        let mut moves: Vec<Move> = moves
            .into_iter()
            .map(|((from, to), (requests, difference))| Move {
                from: from.to_owned(),
                to: to.to_owned(),
                requests,
                difference: difference.map(NanoUsd),
            })
            .collect();
        moves.sort_by_key(|one| (one.from == one.to, std::cmp::Reverse(one.requests)));
        Self {
            router: router.to_owned(),
            version: version.to_owned(),
            requests: rows.len(),
            moved: rows.iter().filter(|row| row.from != row.to).count(),
            refused,
            moves,
            cost,
            causes,
            rows,
        }
    }

    /// Aligned columns, ending in a line feed.
    pub fn to_table(&self) -> String {
        let mut text = format!(
            "router {} (version {}): {} of {} requests would move\n\n",
            self.router, self.version, self.moved, self.requests
        );
        let mut rows = vec![["then", "now", "requests", "USD more"].map(str::to_owned).to_vec()];
        for one in &self.moves {
            let to = if one.from == one.to { "stays".to_owned() } else { one.to.clone() };
            let more = one.difference.map_or_else(|| "unknown".to_owned(), NanoUsd::to_usd);
            rows.push(vec![one.from.clone(), to, one.requests.to_string(), more]);
        }
        text.push_str(&aligned(&rows));
        let causes: Vec<_> = self.causes.iter().map(|(cause, requests)| format!("{cause} {requests}")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\ncauses  {}", causes.join(", "));
        let Comparison { requests, then, now } = self.cost;
        let _ = writeln!(
            text,
            "cost    {} USD then, {} USD now, designators included, over {requests} requests whose cost is known both ways",
            then.to_usd(),
            now.to_usd()
        );
        for (id, reason) in &self.refused {
            let _ = writeln!(text, "refused {id}: {reason}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(from: &str, to: &str, costs: [Option<i64>; 4]) -> Replayed {
        let [cost_then, cost_now, asking_then, asking_now] = costs.map(|cost| cost.map(NanoUsd));
        Replayed {
            request_id: "r".into(),
            from: from.into(),
            cause_then: Cause::Pin,
            to: to.into(),
            cause_now: Cause::Designator,
            cost_then,
            cost_now,
            asking_then,
            asking_now,
        }
    }

    #[test]
    fn moves_and_money_are_summed_and_the_unknown_is_left_out() {
        let rows = vec![
            row("a/x", "a/x", [Some(100), Some(100), Some(0), Some(7)]),
            row("a/x", "b/y", [Some(100), Some(40), Some(5), Some(7)]),
            row("a/x", "b/y", [Some(200), Some(80), Some(5), Some(7)]),
            row("b/y", "a/x", [None, Some(9), Some(5), Some(7)]),
        ];
        let replay = Replay::new("smart", "v", rows, BTreeMap::from([("q".to_owned(), "no".to_owned())]));
        assert_eq!((replay.requests, replay.moved), (4, 3));
        let moves: Vec<_> = replay
            .moves
            .iter()
            .map(|one| (one.from.as_str(), one.to.as_str(), one.requests, one.difference.map(|cost| cost.0)))
            .collect();
        let expected = [("a/x", "b/y", 2, Some(-180)), ("b/y", "a/x", 1, None), ("a/x", "a/x", 1, Some(0))];
        assert_eq!(moves, expected);
        let expected = Comparison { requests: 3, then: NanoUsd(410), now: NanoUsd(241) };
        assert_eq!(replay.cost, expected);
        let table = replay.to_table();
        assert!(table.starts_with("router smart (version v): 3 of 4 requests would move\n"), "{table}");
        assert!(table.contains("stays") && table.contains("unknown") && table.ends_with("refused q: no\n"), "{table}");
        assert!(table.contains("0.00000041 USD then, 0.000000241 USD now"), "{table}");
    }
}
