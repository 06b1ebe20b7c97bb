//! Who spent what, with everything a page shows of it: filters, the course over time, and the period before.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::period::{day_of, midnight, next_month, rfc3339};
use super::text::{CSV_HEADER, numbers, spreadsheet_safe};
use super::{Period, word};
use crate::clock::UnixMillis;
use crate::store::usage::{self, Bucket, Counters, Dimension, Filters, Group, Span};
use crate::store::{Conn, StoreError};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Up to here hours are shown, and up to there days.
const HOURS_UP_TO: i64 = 3 * DAY_MS;
const DAYS_UP_TO: i64 = 400 * DAY_MS;
/// Groups with a course of their own; what is beyond them is one more.
const TOP: usize = 8;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What the rows are.
    pub by: Dimension,
    /// When.
    pub period: Period,
    /// What counts at all.
    pub filters: Filters,
    /// Rows at most.
    pub limit: usize,
    /// How long a point is; chosen by the length of the period where nobody says.
    pub step: Option<Step>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// What the rows are.
    #[serde(serialize_with = "word")]
    pub by: Dimension,
    /// The hours counted.
    #[serde(flatten)]
    pub period: Period,
    /// The hours compared with.
    pub before: Period,
    /// What counts at all.
    #[serde(serialize_with = "words")]
    pub filters: Filters,
    /// Dearest first, then by requests and key. A request with two tags is in both their rows.
    pub rows: Vec<DetailRow>,
    /// Rows beyond the limit.
    pub left_out: usize,
    /// Each request counted once, whatever the rows do.
    pub total: Counters,
    /// The same of the period before.
    pub total_before: Counters,
    /// How long a point is.
    pub step: Step,
    /// The groups of the points: the first of the rows.
    #[serde(serialize_with = "groups")]
    pub top: Vec<Group>,
    /// The whole period in order, points without requests included.
    pub points: Vec<Point>,
}

/// A group's sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailRow {
    /// Who.
    pub group: Group,
    /// In the period.
    pub sums: Counters,
    /// In the period before.
    pub before: Counters,
}

/// What a point of time stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Shown for up to three days.
    Hour,
    /// Shown for up to four hundred days.
    Day,
    /// Shown for whatever is longer.
    Month,
}

/// The sums of an hour, a day or a month, as far as it lies in the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// When it begins.
    #[serde(serialize_with = "rfc3339")]
    pub at: UnixMillis,
    /// Each request counted once.
    pub total: Counters,
    /// Of each of the top groups.
    pub values: Vec<Counters>,
    /// Of all other groups; by tag, a request with two of their tags counts for each.
    pub others: Counters,
}

/// Answers from roll-ups, all of one moment.
///
/// # Errors
/// When the database cannot be read.
pub fn usage(conn: &mut Conn<'_>, asked: &Asked) -> Result<Detail, StoreError> {
    let Asked { by, period, filters, limit, step } = asked;
    let (step, before) = (step.unwrap_or_else(|| Step::of(*period)), period.before());
    let step_ms = if step == Step::Hour { HOUR_MS } else { DAY_MS };
    let span = Span { from: period.from, to: period.to, step_ms, before: (before.from, before.to) };
    let found = usage::breakdown(conn, *by, filters, span)?;

    let mut rows: BTreeMap<&Group, [Counters; 2]> = BTreeMap::new();
    for cell in &found.cells {
        let [now, earlier] = rows.entry(&cell.group).or_default();
        if cell.bucket == Bucket::Before { earlier } else { now }.add(&cell.sums);
    }
    let row = |(group, [sums, before]): (&Group, [Counters; 2])| DetailRow { group: group.clone(), sums, before };
    let mut rows: Vec<DetailRow> = rows.into_iter().map(row).collect();
    rows.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.group.cmp(&b.group)));
    let left_out = rows.len().saturating_sub(*limit);
    rows.truncate(*limit);
    let top = rows.iter().take(TOP).filter(|row| !row.sums.is_empty()).map(|row| row.group.clone()).collect::<Vec<_>>();

    let mut points = step.points(*period, top.len());
    let mut total = Counters::default();
    for (bucket, sums) in &found.totals {
        if let Some(point) = point_of(&mut points, *bucket) {
            point.total.add(sums);
            total.add(sums);
        }
    }
    for cell in &found.cells {
        if let Some(point) = point_of(&mut points, cell.bucket) {
            let own = top.iter().position(|group| *group == cell.group).and_then(|at| point.values.get_mut(at));
            own.unwrap_or(&mut point.others).add(&cell.sums);
        }
    }
    let total_before = found.totals.get(&Bucket::Before).copied().unwrap_or_default();
    let filters = filters.clone();
    Ok(Detail { by: *by, period: *period, before, filters, rows, left_out, total, total_before, step, top, points })
}

/// What rows are ordered by. Those of the period before that have nothing now come last.
fn rank(row: &DetailRow) -> (i64, i64, i64) {
    (row.sums.cost_nano_usd, row.sums.requests, row.before.cost_nano_usd)
}

fn point_of(points: &mut [Point], bucket: Bucket) -> Option<&mut Point> {
    let Bucket::At(start) = bucket else { return None };
    // The first point begins with the period, its bucket maybe earlier.
    let after = points.partition_point(|point| point.at <= start);
    points.get_mut(after.saturating_sub(1))
}

impl Step {
    fn of(period: Period) -> Self {
        match period.length_ms() {
            length if length <= HOURS_UP_TO => Self::Hour,
            length if length <= DAYS_UP_TO => Self::Day,
            _ => Self::Month,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The points of a period, still empty.
    fn points(self, period: Period, groups: usize) -> Vec<Point> {
        let mut points = Vec::new();
        let mut at = period.from;
        while at < period.to {
            let empty = Counters::default();
            points.push(Point { at, total: empty, values: vec![empty; groups], others: empty });
            at = match self {
                Self::Hour => UnixMillis(at.0 + HOUR_MS),
                Self::Day => UnixMillis((at.0.div_euclid(DAY_MS) + 1) * DAY_MS),
                Self::Month => next_month(day_of(at)).map_or(period.to, midnight),
            };
        }
        points
    }
}

impl Detail {
    /// A header and a line per row, with the numbers of the period before beside those of the period. A cost of which
    /// nothing is known is empty.
    ///
    /// # Errors
    /// Never in practice: it is written to memory.
    pub fn to_csv(&self) -> csv::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let sums = &CSV_HEADER[1..];
        let header = ["key", "kind"].map(str::to_owned).into_iter();
        let header = header.chain(sums.iter().map(|name| (*name).to_owned()));
        writer.write_record(header.chain(sums.iter().map(|name| format!("before_{name}"))))?;
        for row in &self.rows {
            let (key, kind) = row.group.in_words();
            let cells = [spreadsheet_safe(key).into_owned(), kind.to_owned()].into_iter();
            writer.write_record(cells.chain(numbers(&row.sums)).chain(numbers(&row.before)))?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}

impl Group {
    /// Its key, and what kind of key that is: names come from outside, so none can be told from ours by its text.
    fn in_words(&self) -> (&str, &'static str) {
        match self {
            Self::Value(key) => (key, "value"),
            Self::None => ("", "none"),
            Self::Others => ("", "others"),
        }
    }
}

impl Serialize for DetailRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            key: &'a str,
            kind: &'static str,
            #[serde(flatten)]
            sums: &'a Counters,
            before: &'a Counters,
        }
        let (key, kind) = self.group.in_words();
        Fields { key, kind, sums: &self.sums, before: &self.before }.serialize(serializer)
    }
}

fn groups<S: Serializer>(groups: &[Group], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Fields<'a> {
        key: &'a str,
        kind: &'static str,
    }
    serializer.collect_seq(groups.iter().map(|group| {
        let (key, kind) = group.in_words();
        Fields { key, kind }
    }))
}

/// `{"tag": "team-a", "key": null}`: null stands for requests that have none.
fn words<S: Serializer>(filters: &Filters, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(filters.len()))?;
    for (dimension, value) in filters {
        map.serialize_entry(dimension.as_str(), &Some(value).filter(|value| !value.is_empty()))?;
    }
    map.end()
}

#[cfg(test)]
mod tests;
