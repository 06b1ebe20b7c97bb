//! Sums of a period in buckets of time, told apart by one dimension and narrowed by others.
//!
//! Every question is answered from roll-ups, by the smallest table that knows: `usage_by_dimension` for one dimension,
//! `usage_hourly` for combinations, `usage_hourly_by_user` where end users are told apart.

use std::collections::{BTreeMap, HashMap};

use super::combinations::{Table, scan};
use super::{COUNTER_COLUMNS, Counters, Dimension, OTHER_USERS, TOTAL};
use crate::clock::UnixMillis;
use crate::store::StoreError;
use crate::store::driver::{Conn, Param};

/// What requests have to have in a dimension; the empty text: nothing. Of tags, one of theirs.
pub type Filters = BTreeMap<Dimension, String>;

/// Starts of hours in `from..to`, in buckets of `step_ms` (an hour or a whole number of them, from 1970 on), and with them
/// the sums of an earlier period, as one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Start of the first hour.
    pub from: UnixMillis,
    /// End of the last hour.
    pub to: UnixMillis,
    /// Length of a bucket.
    pub step_ms: i64,
    /// Start and end of the earlier period; it ends before the span begins.
    pub before: (UnixMillis, UnixMillis),
}

/// Where in time a sum lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// In the earlier period.
    Before,
    /// In the bucket that begins then; the first one may begin before its period does.
    At(UnixMillis),
}

/// Whom a sum belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The tag, model, ….
    Value(String),
    /// Requests that have none.
    None,
    /// End users beyond those that are told apart in an hour.
    Others,
}

/// The sums of a group in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// When.
    pub bucket: Bucket,
    /// Who.
    pub group: Group,
    /// How much.
    pub sums: Counters,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breakdown {
    /// In no particular order, one per bucket and group that has something.
    pub cells: Vec<Cell>,
    /// Every request once, per bucket: the cells cannot be added up where a request has two tags.
    pub totals: BTreeMap<Bucket, Counters>,
}

/// Sums per bucket and value of a dimension, of the requests that pass every filter, all of one moment.
///
/// # Errors
/// When the database cannot be read.
pub fn breakdown(conn: &mut Conn<'_>, by: Dimension, filters: &Filters, span: Span) -> Result<Breakdown, StoreError> {
    conn.read(|tx| from_tables(tx, by, filters, span))
}

/// Asks the smallest tables that know: groups and totals may come from several statements.
fn from_tables(conn: &mut Conn<'_>, by: Dimension, filters: &Filters, span: Span) -> Result<Breakdown, StoreError> {
    let only_its_own = filters.keys().all(|dimension| *dimension == by);
    if only_its_own && (by != Dimension::Tag || filters.is_empty()) {
        return of_dimension(conn, by, filters.get(&by).map(String::as_str), span);
    }
    match filters.get(&Dimension::User).map(String::as_str) {
        None if by == Dimension::User => {
            let mut found = scan(conn, Table::ByUser, by, filters, span)?;
            found.cells.iter_mut().filter(|cell| cell.group == Group::None).for_each(|cell| cell.group = Group::Others);
            let mut of_nobody = filters.clone();
            of_nobody.insert(Dimension::User, String::new());
            found.append(scan(conn, Table::All, by, &of_nobody, span)?);
            Ok(found)
        }
        None | Some("") => scan(conn, Table::All, by, filters, span),
        Some(_) => scan(conn, Table::ByUser, by, filters, span),
    }
}

/// One dimension, or one value of it, from the table that has no more than that.
fn of_dimension(conn: &mut Conn<'_>, by: Dimension, value: Option<&str>, span: Span) -> Result<Breakdown, StoreError> {
    let mut found = Breakdown { cells: summed_up(conn, by.as_str(), value, span)?, totals: BTreeMap::new() };
    if value.is_some() {
        found.add_up();
        return Ok(found);
    }
    if by == Dimension::User {
        let others = summed_up(conn, OTHER_USERS, None, span)?.into_iter();
        found.cells.extend(others.map(|cell| Cell { group: Group::Others, ..cell }));
    }
    found.totals = summed_up(conn, TOTAL, None, span)?.into_iter().map(|cell| (cell.bucket, cell.sums)).collect();
    Ok(found)
}

fn summed_up(conn: &mut Conn<'_>, dimension: &str, value: Option<&str>, span: Span) -> Result<Vec<Cell>, StoreError> {
    let mut params: Vec<Param<'_>> = vec![dimension.into(), span.before.0.into(), span.to.into()];
    params.extend(value.map(Param::from));
    let sql = format!(
        "select hour_ms, dimension_value, {} from usage_by_dimension
         where dimension = $1 and hour_ms >= $2 and hour_ms < $3{} order by hour_ms",
        COUNTER_COLUMNS.join(", "),
        if value.is_some() { " and dimension_value = $4" } else { "" },
    );
    gather(conn, &sql, &params, span)
}

/// Sums up rows of an hour, a value and its sums, which come in the order of hours.
///
/// Here and not in SQL: `group by` sorts every row with all its columns first, which takes twice as long as all the rest.
pub(super) fn gather(
    conn: &mut Conn<'_>,
    sql: &str,
    params: &[Param<'_>],
    span: Span,
) -> Result<Vec<Cell>, StoreError> {
    let mut groups: HashMap<String, Vec<(Bucket, Counters)>> = HashMap::new();
    conn.query(sql, params, |row| {
        let Some(bucket) = span.bucket(row.integer(0)?) else { return Ok(()) };
        let (value, sums) = (row.text_ref(1)?, Counters::read(row, 2)?);
        let buckets = match groups.get_mut(value) {
            Some(buckets) => buckets,
            None => groups.entry(value.to_owned()).or_default(),
        };
        match buckets.last_mut() {
            Some((last, known)) if *last == bucket => known.add(&sums),
            Some(_) | None => buckets.push((bucket, sums)),
        }
        Ok(())
    })?;
    let cells = groups.into_iter().flat_map(|(value, buckets)| {
        let group = Group::of(value);
        buckets.into_iter().map(move |(bucket, sums)| Cell { bucket, group: group.clone(), sums })
    });
    Ok(cells.collect())
}

impl Span {
    /// The bucket of an hour; `None` between the two periods.
    fn bucket(&self, hour_ms: i64) -> Option<Bucket> {
        if hour_ms < self.before.1.0 {
            Some(Bucket::Before)
        } else if hour_ms < self.from.0 {
            None
        } else {
            Some(Bucket::At(UnixMillis(hour_ms.div_euclid(self.step_ms).saturating_mul(self.step_ms))))
        }
    }
}

impl Group {
    fn of(value: String) -> Self {
        if value.is_empty() { Self::None } else { Self::Value(value) }
    }
}

impl Breakdown {
    /// The totals, where no request is in two cells of a bucket.
    pub(super) fn add_up(&mut self) {
        for cell in &self.cells {
            self.totals.entry(cell.bucket).or_default().add(&cell.sums);
        }
    }

    /// Adds sums of other requests, which are in other groups.
    fn append(&mut self, other: Self) {
        self.cells.extend(other.cells);
        for (bucket, sums) in other.totals {
            self.totals.entry(bucket).or_default().add(&sums);
        }
    }
}
