//! A router's card: how it chooses, among whom, and what it chose lately.

use std::collections::HashMap;

use super::super::api::Shown;
use super::super::words;
use crate::catalog::Catalog;
use crate::clock::UnixMillis;
use crate::config::{RouterEntry, StrategyWord};
use crate::routing::reach;
use crate::store::{Conn, StoreError, decisions};
use crate::tracking::{self, MadeDecision};

/// Decisions that shares are made from, the newest: the page does not wait for a busy router.
const COUNTED: u32 = 500;
/// Decisions shown.
const RECENT: u32 = 8;
/// Width of the drawn shares.
const WIDTH: i64 = 100;

/// A router.
pub(super) struct RouterCard {
    pub(super) purpose: String,
    pub(super) designator: String,
    pub(super) fallback: String,
    pub(super) strategy: String,
    pub(super) is_enabled: bool,
    /// What was set besides, as names and values.
    pub(super) settings: Vec<(&'static str, String)>,
    pub(super) candidates: Vec<CandidateRow>,
    /// What was chosen that is not among the candidates (any more).
    pub(super) others: Vec<CandidateRow>,
    /// How many decisions the shares are made from, in words; empty: there are none.
    pub(super) counted: String,
    pub(super) recent: Vec<DecisionRow>,
}

/// What it can choose.
pub(super) struct CandidateRow {
    pub(super) model: String,
    pub(super) notes: String,
    pub(super) is_enabled: bool,
    /// `provider/model`, where that is not its name; or why it cannot be called.
    pub(super) end: String,
    pub(super) is_astray: bool,
    /// How often it was chosen, in percent and as a count; empty: there are no decisions.
    pub(super) share: String,
    pub(super) width: i64,
}

/// A decision.
pub(super) struct DecisionRow {
    pub(super) request_id: String,
    pub(super) time: String,
    pub(super) full_time: String,
    pub(super) model: String,
    pub(super) meaning: &'static str,
    pub(super) is_fallback: bool,
    pub(super) took: String,
}

impl RouterCard {
    /// `None`: the entry cannot be read.
    pub(super) fn read(
        conn: &mut Conn<'_>,
        catalog: &Catalog,
        shown: &Shown,
        now: UnixMillis,
    ) -> Result<Option<Self>, StoreError> {
        let Ok(entry) = serde_json::from_value::<RouterEntry>(shown.definition["router"].clone()) else {
            return Ok(None);
        };
        let shares = decisions::shares(conn, &shown.name, COUNTED)?;
        let mut chosen: HashMap<String, i64> = HashMap::new();
        for share in &shares {
            *chosen.entry(share.model.clone()).or_default() += share.decisions;
        }
        let all: i64 = chosen.values().sum();
        let recent = tracking::recent_decisions(conn, Some(&shown.name), UnixMillis(i64::MAX), RECENT)?;
        let share = |count: i64| match all {
            0 => String::new(),
            _ => format!("{} % ({})", (count * 100 + all / 2) / all, words::sum(count)),
        };
        let width = |count: i64| if all == 0 { 0 } else { count * WIDTH / all };
        let candidates = entry.candidates.iter().map(|candidate| {
            let reached = reach(catalog, &candidate.model).map(|model| model.name());
            let count = reached.as_ref().ok().and_then(|model| chosen.remove(model)).unwrap_or(0);
            let is_astray = reached.is_err();
            let end = reached.unwrap_or_else(|error| error.to_string());
            CandidateRow {
                end: if end == candidate.model { String::new() } else { end },
                is_astray,
                model: candidate.model.clone(),
                notes: candidate.notes.clone(),
                is_enabled: candidate.enabled,
                share: share(count),
                width: width(count),
            }
        });
        let candidates = candidates.collect();
        let mut others: Vec<_> = chosen.into_iter().collect();
        others.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
        let others = others.into_iter().map(|(model, count)| CandidateRow {
            model,
            notes: String::new(),
            is_enabled: true,
            end: String::new(),
            is_astray: false,
            share: share(count),
            width: width(count),
        });
        Ok(Some(Self {
            candidates,
            others: others.collect(),
            counted: if all == 0 { String::new() } else { words::counted(all, "decision") },
            recent: recent.into_iter().map(|made| DecisionRow::new(made, now)).collect(),
            strategy: strategy(&entry),
            is_enabled: entry.enabled,
            settings: settings(&entry),
            purpose: entry.purpose,
            designator: entry.designator,
            fallback: entry.fallback,
        }))
    }
}

fn strategy(entry: &RouterEntry) -> String {
    match (entry.strategy, entry.session_ttl) {
        (StrategyWord::PerRequest, _) => "for each request".to_owned(),
        (StrategyWord::PerSession, None) => "for a conversation, remembered for 1h".to_owned(),
        (StrategyWord::PerSession, Some(ttl)) => format!("for a conversation, remembered for {ttl}"),
    }
}

/// What is not as it is by default.
fn settings(entry: &RouterEntry) -> Vec<(&'static str, String)> {
    let spans = [
        ("Budget", entry.budget),
        ("Hard limit", entry.hard_limit),
        ("Breaker time", entry.breaker_time),
        ("Cached for", entry.cache_ttl),
        ("Hedge after", entry.hedge_after),
    ];
    let spans = spans.into_iter().filter_map(|(name, span)| Some((name, span?.to_string())));
    let second = entry.second_designator.iter().map(|model| ("Second designator", model.clone()));
    let side = entry.side_call_model.iter().map(|model| ("Side calls go to", model.clone()));
    let routed = (!entry.side_calls).then(|| ("Side calls", "are routed like any other".to_owned()));
    second.chain(side).chain(routed).chain(spans).collect()
}

impl DecisionRow {
    fn new(made: MadeDecision, now: UnixMillis) -> Self {
        let is_today = words::moment(made.started, "%F") == words::moment(now, "%F");
        Self {
            time: words::moment(made.started, if is_today { "%H:%M:%S" } else { "%b %-d, %H:%M" }),
            full_time: words::moment(made.started, "%FT%TZ"),
            meaning: made.decision.cause.meaning(),
            is_fallback: made.decision.cause.is_fallback(),
            took: words::microseconds(made.decision.took_us),
            model: made.decision.model,
            request_id: made.request_id,
        }
    }
}
