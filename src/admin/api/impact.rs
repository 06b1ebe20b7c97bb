//! What the traffic of the last 24 hours says about an edit: which names were asked for that pass the entry, who answered
//! them, what that cost, and where they would go.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use serde::Serialize;
use serde_with_macros::skip_serializing_none;

use super::super::reply::Reply;
use super::super::way::{End, Way};
use super::super::{Request, Shared};
use super::body;
use super::entries::{refuse_the_files, unreadable};
use super::error::ApiError;
use crate::catalog::Catalog;
use crate::chat::Usage;
use crate::clock::UnixMillis;
use crate::config::Definition;
use crate::entry_kind::EntryKind;
use crate::money::NanoUsd;
use crate::routing::reach;
use crate::store::requests::{AskedSums, asked};
use crate::tracking::cost;

const DAY_MS: i64 = 86_400_000;
/// Records looked at, at most: with warm files some 50 ms.
const LOOKED_AT: u32 = 20_000;
/// Different names followed, at most; the most asked ones.
const FOLLOWED: usize = 500;
/// Names shown, at most.
const SHOWN: usize = 20;

/// What the traffic says.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
struct Impact {
    from_ms: UnixMillis,
    to_ms: UnixMillis,
    /// Clients' requests that were looked at.
    looked_at: i64,
    /// Whether these are all of the time. If not, `from_ms` says since when.
    complete: bool,
    /// Those whose name passes the entry, now or then.
    requests: i64,
    /// Those of them that would be answered by somebody else.
    moved: i64,
    /// What those whose name passes the entry cost.
    cost_nano_usd: i64,
    unpriced_requests: i64,
    /// The names, the most asked first.
    names: Vec<NameImpact>,
    /// Names that are not among them.
    left_off: usize,
}

/// A name that was asked for.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
struct NameImpact {
    asked: String,
    requests: i64,
    moved: i64,
    cost_nano_usd: i64,
    unpriced_requests: i64,
    /// Who answered.
    went: Vec<Went>,
    /// Where the name leads now, and would lead then.
    now: End,
    then: End,
    /// What as many tokens cost at the model it would lead to; absent: not known, or a router would choose.
    then_cost_nano_usd: Option<i64>,
}

/// Requests of a name that one model answered.
#[derive(Debug, Serialize)]
struct Went {
    /// As `provider/model`; empty: none was called.
    model: String,
    requests: i64,
    cost_nano_usd: i64,
    unpriced_requests: i64,
}

/// The answer to `GET` (as it is) and `POST` (with the body as the entry; `null`: without it).
pub(super) async fn of(
    shared: &Arc<Shared>,
    kind: EntryKind,
    name: String,
    request: Request,
) -> Result<Reply, ApiError> {
    let change = if request.method == Method::POST {
        let text = body(&request.headers, request.body).await?;
        let is_deletion = text.trim_ascii() == b"null";
        let entry = (!is_deletion).then(|| Definition::read(kind, &text)).transpose();
        Some(entry.map_err(|error| unreadable(kind, &error))?)
    } else {
        None
    };
    shared
        .with_database(move |shared, conn| {
            if change.is_some() {
                refuse_the_files(shared, kind, &name)?;
            }
            let now = UnixMillis::now();
            let look = asked(conn, UnixMillis(now.0 - DAY_MS), LOOKED_AT)?;
            let before = shared.catalog.load_full();
            let changed = change.map(|entry| shared.in_force.with_change(kind, &name, entry.as_ref()));
            let after = changed.as_ref().unwrap_or(&before);
            let mut impact = Impact {
                from_ms: look.stopped.unwrap_or(UnixMillis(now.0 - DAY_MS)),
                to_ms: now,
                looked_at: look.requests,
                complete: look.stopped.is_none(),
                requests: 0,
                moved: 0,
                cost_nano_usd: 0,
                unpriced_requests: 0,
                names: Vec::new(),
                left_off: 0,
            };
            for (asked, sums) in by_name(look.sums).into_iter().take(FOLLOWED) {
                let (now, then) = (Way::of(&before, &asked), Way::of(after, &asked));
                let passes = |catalog, way| passes(catalog, way, kind, &name);
                if passes(&before, &now) || passes(after, &then) || now != then {
                    impact.add(NameImpact::new(after, asked, &sums, now, then));
                }
            }
            impact.left_off = impact.names.len().saturating_sub(SHOWN);
            impact.names.truncate(SHOWN);
            Ok(super::json(200, &impact))
        })
        .await
}

impl Impact {
    fn add(&mut self, name: NameImpact) {
        self.requests += name.requests;
        self.moved += name.moved;
        self.cost_nano_usd = self.cost_nano_usd.saturating_add(name.cost_nano_usd);
        self.unpriced_requests += name.unpriced_requests;
        self.names.push(name);
    }
}

impl NameImpact {
    fn new(after: &Catalog, asked: String, sums: &[AskedSums], now: Way, then: Way) -> Self {
        let sum = |of: fn(&AskedSums) -> i64| sums.iter().map(of).fold(0_i64, i64::saturating_add);
        // What leads elsewhere, by what answered; where it leads to the same end as now, nobody is moved.
        let is_moved = |sum: &&AskedSums| now.end != then.end && !then.reaches(&model_of(sum));
        Self {
            requests: sum(|sum| sum.requests),
            moved: sums.iter().filter(is_moved).map(|sum| sum.requests).sum(),
            cost_nano_usd: sum(|sum| sum.cost_nano),
            unpriced_requests: sum(|sum| sum.unpriced),
            then_cost_nano_usd: then_cost(after, &then.end, sums),
            went: sums
                .iter()
                .map(|sum| Went {
                    model: model_of(sum),
                    requests: sum.requests,
                    cost_nano_usd: sum.cost_nano,
                    unpriced_requests: sum.unpriced,
                })
                .collect(),
            asked,
            now: now.end,
            then: then.end,
        }
    }
}

/// Sums per name, in whatever case it was written; the most asked names first.
fn by_name(sums: Vec<AskedSums>) -> Vec<(String, Vec<AskedSums>)> {
    let mut places = HashMap::new();
    let mut names: Vec<(String, Vec<AskedSums>)> = Vec::new();
    for sum in sums {
        let place = *places.entry(sum.asked.trim().to_ascii_lowercase()).or_insert(names.len());
        match names.get_mut(place) {
            Some((_, sums)) => match sums.iter_mut().find(|other| model_of(other) == model_of(&sum)) {
                Some(same) => add(same, &sum),
                None => sums.push(sum),
            },
            None => names.push((sum.asked.clone(), vec![sum])),
        }
    }
    names.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.iter().map(|sum| sum.requests).sum::<i64>()));
    names
}

fn add(sums: &mut AskedSums, more: &AskedSums) {
    let fields = [
        (&mut sums.requests, more.requests),
        (&mut sums.cost_nano, more.cost_nano),
        (&mut sums.unpriced, more.unpriced),
        (&mut sums.input_tokens, more.input_tokens),
        (&mut sums.output_tokens, more.output_tokens),
        (&mut sums.cache_read_tokens, more.cache_read_tokens),
        (&mut sums.cache_write_tokens, more.cache_write_tokens),
    ];
    for (sum, more) in fields {
        *sum = sum.saturating_add(more);
    }
}

fn model_of(sum: &AskedSums) -> String {
    if sum.provider.is_empty() { String::new() } else { format!("{}/{}", sum.provider, sum.model) }
}

/// Whether the way of a name leads through an entry.
fn passes(catalog: &Catalog, way: &Way, kind: EntryKind, name: &str) -> bool {
    let is_it = |other: &str| other.eq_ignore_ascii_case(name);
    match kind {
        EntryKind::Alias => way.steps.iter().any(|step| step.stage == "alias" && is_it(&step.from)),
        EntryKind::Redirect => way.steps.iter().any(|step| {
            let by = || catalog.redirects().find(&step.from);
            step.stage == "redirect" && by().is_some_and(|(_, redirect)| is_it(&redirect.name))
        }),
        EntryKind::Router => matches!(&way.end, End::Router { router, .. } if is_it(router)),
        EntryKind::Setting => false,
        EntryKind::Model => matches!(&way.end, End::Model { model, .. } if is_it(model)),
        EntryKind::Provider => {
            matches!(&way.end, End::Model { model, .. } if model.split_once('/').is_some_and(|(id, _)| is_it(id)))
        }
    }
}

/// What the tokens of these requests cost at another model, each request taken as the average one of its sum.
fn then_cost(catalog: &Catalog, end: &End, sums: &[AskedSums]) -> Option<i64> {
    let End::Model { model, .. } = end else { return None };
    let model = reach(catalog, model).ok()?;
    sums.iter().try_fold(0_i64, |total, sum| {
        let average = |tokens: i64| u64::try_from(tokens / sum.requests.max(1)).ok();
        let usage = Usage {
            input: average(sum.input_tokens),
            output: average(sum.output_tokens),
            cache_read: average(sum.cache_read_tokens),
            cache_write: average(sum.cache_write_tokens),
            ..Usage::default()
        };
        let NanoUsd(one) = cost(&usage, model.price.as_deref(), model.provider.local, UnixMillis::now(), true).amount?;
        Some(total.saturating_add(one.saturating_mul(sum.requests)))
    })
}
