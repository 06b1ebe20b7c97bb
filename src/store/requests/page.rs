//! One page of the log, newest first, and how to go on from it.
//!
//! The log has an index by time and no other that a list could use, since every index costs each request. So a page reads
//! along the time, and stops after a bounded number of records even if it is not full: [`Page::looked_at`] says so, and
//! its cursors lead on. Only a whole id is looked up where it lies.

use super::{COLUMNS, Param, Row, StoreError};
use crate::store::driver::Conn;

/// A place between two records: just after the one that started then and has this id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Unix milliseconds.
    pub started_ms: i64,
    /// The record's id; the empty text lies before all records of that time.
    pub id: String,
}

/// Which records a page begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    /// The newest there are.
    #[default]
    Newest,
    /// The newest of those before a record.
    Before(Cursor),
    /// The oldest of those after a record.
    After(Cursor),
}

/// What a record has to be like. Columns are those of [`COLUMNS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A column has this value.
    Is(&'static str, String),
    /// A column, which is never null, has another value.
    IsNot(&'static str, String),
    /// One of two columns contains this text, in upper or lower case.
    Contains([&'static str; 2], String),
    /// A column of JSON contains this piece, in upper or lower case: whoever reads has to look closer.
    MayContain(&'static str, String),
    /// The client got an error, or did not wait for the answer; or the contrary.
    Failed(bool),
}

/// How much of the log a page may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Records shown at most.
    pub shown: u32,
    /// Records looked at, at most; those of the last millisecond are looked at together.
    pub looked_at: u32,
}

/// A page.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Newest first.
    pub rows: Vec<T>,
    /// Where newer records may follow; `None`: the page begins with the newest.
    pub newer: Option<Cursor>,
    /// Where older records may follow; `None`: there are none.
    pub older: Option<Cursor>,
    /// How many records were looked at, where that is why the page is not full.
    pub looked_at: Option<u64>,
}

/// Records that started in `from_ms..to_ms` and fulfil every condition.
///
/// # Errors
/// When the database cannot be read, or what `read` returns.
pub fn page<T>(
    conn: &mut Conn<'_>,
    (from_ms, to_ms): (i64, i64),
    conditions: &[Condition],
    place: &Place,
    bounds: Bounds,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let backwards = !matches!(place, Place::After(_));
    // The whole stretch that is left, both ends included.
    let (first, last) = match place {
        Place::Newest => (from_ms, to_ms.saturating_sub(1)),
        Place::Before(cursor) => {
            // No id lies before the empty one: that millisecond is done.
            let last = cursor.started_ms.saturating_sub(cursor.id.is_empty().into());
            (from_ms, last.min(to_ms.saturating_sub(1)))
        }
        Place::After(cursor) => (cursor.started_ms.max(from_ms), to_ms.saturating_sub(1)),
    };
    let is_one = conditions.iter().any(|condition| matches!(condition, Condition::Is("id", _)));
    let stop = if is_one { None } else { end_of_look(conn, (first, last), backwards, bounds.looked_at)? };
    let (first, last) = match stop {
        Some(stop) if backwards => (stop, last),
        Some(stop) => (first, stop),
        None => (first, last),
    };
    let mut wanted = Wanted::default();
    wanted.and("started_ms >= ", first);
    wanted.and("started_ms <= ", last);
    match place {
        Place::Newest => {}
        Place::Before(cursor) => wanted.beyond('<', cursor),
        Place::After(cursor) => wanted.beyond('>', cursor),
    }
    conditions.iter().for_each(|condition| wanted.fulfils(condition));
    let (sql, params) = wanted.query(backwards, bounds.shown.saturating_add(1));
    let mut rows = conn.query(&sql, &params, |row| {
        Ok((Cursor { started_ms: row.integer(STARTED)?, id: row.text(ID)? }, read(row)?))
    })?;
    let is_full = rows.len() > bounds.shown as usize;
    rows.truncate(bounds.shown as usize);
    // Where the page ends: at its last record, where the look ended, or nowhere.
    let end = match (is_full, stop) {
        (true, _) => rows.last().map(|(cursor, _)| cursor.clone()),
        (false, Some(stop)) if backwards => Some(Cursor { started_ms: stop, id: String::new() }),
        (false, Some(stop)) => Some(Cursor { started_ms: stop.saturating_add(1), id: String::new() }),
        (false, None) => None,
    };
    let looked_at = if is_full || stop.is_none() { None } else { Some(count(conn, (first, last))?) };
    // Where it begins: at its first record, or, without any, where it was to begin.
    let begin = match place {
        Place::Newest => None,
        Place::Before(cursor) | Place::After(cursor) => {
            Some(rows.first().map_or_else(|| cursor.clone(), |(first, _)| first.clone()))
        }
    };
    if !backwards {
        rows.reverse();
    }
    let (newer, older) = if backwards { (begin, end) } else { (end, begin) };
    Ok(Page { rows: rows.into_iter().map(|(_, row)| row).collect(), newer, older, looked_at })
}

/// Positions in [`COLUMNS`].
const ID: usize = 0;
const STARTED: usize = 2;

/// The millisecond in which so many records have been looked at, if there are more beyond it. The index alone knows.
fn end_of_look(
    conn: &mut Conn<'_>,
    (first, last): (i64, i64),
    backwards: bool,
    looked_at: u32,
) -> Result<Option<i64>, StoreError> {
    let order = if backwards { "desc" } else { "asc" };
    let sql = format!(
        "select started_ms from requests where started_ms >= $1 and started_ms <= $2
         order by started_ms {order} limit 1 offset $3"
    );
    let within = [first.into(), last.into(), looked_at.saturating_sub(1).into()];
    let stop = conn.query(&sql, &within, |row| row.integer(0))?.pop();
    let Some(stop) = stop else { return Ok(None) };
    let (next, sql) = if backwards {
        (
            (first, stop.saturating_sub(1)),
            "select max(started_ms) from requests where started_ms >= $1 and started_ms <= $2",
        )
    } else {
        (
            (stop.saturating_add(1), last),
            "select min(started_ms) from requests where started_ms >= $1 and started_ms <= $2",
        )
    };
    let beyond = conn.query(sql, &[next.0.into(), next.1.into()], |row| row.optional_integer(0))?.pop().flatten();
    Ok(beyond.map(|_| stop))
}

/// How many records started in `first..=last`, which the index alone says.
///
/// # Errors
/// When the database cannot be read.
pub fn count(conn: &mut Conn<'_>, (first, last): (i64, i64)) -> Result<u64, StoreError> {
    let sql = "select count(*) from requests where started_ms >= $1 and started_ms <= $2";
    let counted = conn.query(sql, &[first.into(), last.into()], |row| row.integer(0))?.pop();
    Ok(counted.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// A `where` as it grows, with its parameters.
#[derive(Default)]
struct Wanted<'a> {
    terms: Vec<String>,
    params: Vec<Param<'a>>,
}

impl<'a> Wanted<'a> {
    /// The next parameter's name.
    fn bind(&mut self, value: impl Into<Param<'a>>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }

    fn and(&mut self, start: &str, value: impl Into<Param<'a>>) {
        let name = self.bind(value);
        self.terms.push(format!("{start}{name}"));
    }

    fn beyond(&mut self, sign: char, cursor: &'a Cursor) {
        let (at, id) = (self.bind(cursor.started_ms), self.bind(&cursor.id));
        self.terms.push(format!("(started_ms, id) {sign} ({at}, {id})"));
    }

    fn fulfils(&mut self, condition: &'a Condition) {
        match condition {
            Condition::Is(column, value) => self.and(&format!("{column} = "), value),
            Condition::IsNot(column, value) => self.and(&format!("{column} <> "), value),
            Condition::Contains([one, other], text) => {
                let pattern = self.bind(containing(&text.to_lowercase()));
                let is_like = |column: &str| format!("lower({column}) like {pattern} escape '\\'");
                self.terms.push(format!("({} or {})", is_like(one), is_like(other)));
            }
            Condition::MayContain(column, piece) => {
                let pattern = self.bind(containing(piece));
                self.terms.push(format!("{column} like {pattern} escape '\\'"));
            }
            Condition::Failed(true) => self.terms.push("(error is not null or status >= 400)".to_owned()),
            Condition::Failed(false) => self.terms.push("error is null and status < 400".to_owned()),
        }
    }

    fn query(mut self, backwards: bool, limit: u32) -> (String, Vec<Param<'a>>) {
        let limit = self.bind(limit);
        let order = if backwards { "desc" } else { "asc" };
        let sql = format!(
            "select {} from requests where {} order by started_ms {order}, id {order} limit {limit}",
            COLUMNS.join(", "),
            self.terms.join(" and ")
        );
        (sql, self.params)
    }
}

/// The pattern of texts that contain this one.
fn containing(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests;
