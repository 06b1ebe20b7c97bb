//! The course over time: what the chart draws, and the same in numbers.

use serde::Serialize;

use super::query::Show;
use super::rows::Name;
use crate::admin::words;
use crate::clock::UnixMillis;
use crate::tracking::{Counters, Detail, Dimension, Step};

/// Decimal places of sums.
const SUM_PLACES: u32 = 4;

/// A table of times and groups, and its picture.
pub(super) struct Course {
    /// For the script that draws it.
    pub(super) chart: String,
    pub(super) groups: Vec<Name>,
    pub(super) lines: Vec<Line>,
}

/// A point of time.
pub(super) struct Line {
    pub(super) time: String,
    pub(super) full_time: String,
    pub(super) total: String,
    /// One per group.
    pub(super) values: Vec<String>,
}

/// What the script is told. Numbers are nano-USD, requests or tokens.
#[derive(Serialize)]
struct Chart<'a> {
    show: &'static str,
    step: &'static str,
    /// Unix seconds.
    times: Vec<i64>,
    groups: Vec<Drawn<'a>>,
}

#[derive(Serialize)]
struct Drawn<'a> {
    name: &'a str,
    values: Vec<i64>,
}

impl Course {
    pub(super) fn new(show: Show, detail: &Detail) -> Self {
        let mut groups: Vec<Name> = detail.top.iter().map(|group| Name::of(group, detail.by)).collect();
        let has_others = detail.points.iter().any(|point| !point.others.is_empty());
        groups.extend(has_others.then(|| Name { text: rest(detail.by), is_ours: true }));
        let values =
            |at: usize| detail.points.iter().map(move |point| show.of(point.values.get(at).unwrap_or(&point.others)));
        let drawn =
            groups.iter().enumerate().map(|(at, name)| Drawn { name: &name.text, values: values(at).collect() });
        let chart = Chart {
            show: show.as_str(),
            step: detail.step.as_str(),
            times: detail.points.iter().map(|point| point.at.0 / 1000).collect(),
            groups: drawn.collect(),
        };
        // Plain data: there is nothing in it that JSON could refuse.
        let chart = serde_json::to_string(&chart).unwrap_or_default();
        let lines = detail.points.iter().map(|point| {
            let others = has_others.then_some(&point.others);
            Line {
                time: time(point.at, detail.step),
                full_time: words::moment(point.at, "%FT%TZ"),
                total: amount(show, &point.total),
                values: point.values.iter().chain(others).map(|sums| amount(show, sums)).collect(),
            }
        });
        Self { chart, lines: lines.collect(), groups }
    }
}

fn rest(by: Dimension) -> String {
    match by {
        Dimension::Alias => "all other aliases".to_owned(),
        _ => format!("all other {}s", super::rows::noun(by)),
    }
}

/// A point of time, as short as its step allows.
pub(super) fn time(at: UnixMillis, step: Step) -> String {
    words::moment(
        at,
        match step {
            Step::Hour => "%b %-d, %H:%M",
            Step::Day => "%a, %b %-d",
            Step::Month => "%B %Y",
        },
    )
}

/// What is shown of sums; a dash where nothing happened.
fn amount(show: Show, sums: &Counters) -> String {
    match show {
        _ if sums.is_empty() => "–".to_owned(),
        Show::Cost => words::cost_of(sums, SUM_PLACES),
        Show::Requests | Show::Tokens => words::sum(show.of(sums)),
    }
}

/// A bar of a small picture that needs no script, in a box of a hundred by a hundred.
pub(in crate::admin) struct Bar {
    pub(in crate::admin) x: String,
    pub(in crate::admin) y: String,
    pub(in crate::admin) width: String,
    pub(in crate::admin) height: String,
    /// When and how much.
    pub(in crate::admin) words: String,
}

/// Costs over time as bars beside each other, the highest as high as the box.
pub(in crate::admin) fn bars(detail: &Detail) -> Vec<Bar> {
    let highest = detail.points.iter().map(|point| point.total.cost_nano_usd).max().unwrap_or(0).max(1);
    let slot = 100.0 / count(detail.points.len().max(1));
    let bar = |(at, point): (usize, &crate::tracking::Point)| {
        let cost = point.total.cost_nano_usd.max(0);
        let thousandths = i128::from(cost) * 100_000 / i128::from(highest);
        let height = f64::from(i32::try_from(thousandths).unwrap_or(100_000)) / 1000.0;
        // What was used is seen, be it ever so cheap.
        let height = if point.total.is_empty() { 0.0 } else { height.max(1.0) };
        Bar {
            x: format!("{:.3}", slot * count(at) + slot * 0.1),
            y: format!("{:.3}", 100.0 - height),
            width: format!("{:.3}", slot * 0.8),
            height: format!("{height:.3}"),
            words: format!("{}: {}", time(point.at, detail.step), amount(Show::Cost, &point.total)),
        }
    };
    detail.points.iter().enumerate().map(bar).collect()
}

/// A small number as a fraction of a picture needs it.
fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
