//! A month of one tag, or of everything, as something to print and to hand on.

use askama::Template;
use url::form_urlencoded;

use super::course::time;
use super::query;
use super::rows::{Name, Sums};
use crate::admin::reply::{self, Reply};
use crate::admin::{Shared, words};
use crate::clock::UnixMillis;
use crate::tracking::{self, Asked, Detail, Dimension, Filters, Period, Step};

/// Models of a month are few; what would be beyond this is said to be.
const MOST: usize = 1_000;

#[derive(Template)]
#[template(path = "usage_month.html")]
struct Month {
    /// Empty: all requests.
    tag: String,
    month: String,
    /// As the form has it: `2026-11`.
    value: String,
    /// What is wrong with what was asked; empty when nothing is.
    wrong: String,
    answer: Option<Answer>,
    /// The page this comes from.
    back: String,
    now: String,
}

struct Answer {
    is_over: bool,
    total: Sums,
    unpriced: String,
    estimated: String,
    models: Vec<(Name, Sums)>,
    /// Every day of the month that has begun.
    days: Vec<(String, Sums)>,
    left_out: usize,
}

/// Where the report is of a tag, or of all, and of the month in which a period ends.
pub(super) fn address(tag: Option<&str>, period: Period) -> String {
    let month = words::moment(UnixMillis(period.to.0 - 1), "%Y-%m");
    let tag = tag.filter(|tag| !tag.is_empty()).map(|tag| ("tag", tag.to_owned()));
    query::address("/usage/month", &tag.into_iter().chain([("month", month)]).collect::<Vec<_>>())
}

/// The page.
pub(in crate::admin) async fn month(shared: &Shared, query: &str) -> Reply {
    let now = UnixMillis::now();
    let (mut tag, mut value) = (String::new(), words::moment(now, "%Y-%m"));
    for (key, text) in form_urlencoded::parse(query.as_bytes()) {
        match (&*key, text.trim()) {
            ("tag", text) => tag = text.to_owned(),
            ("month", "") => {}
            ("month", text) => value = text.to_owned(),
            _ => {
                let wrong = format!("there is no `{key}`; there is `tag` and `month`");
                return reply::page(400, &Month::new(tag, value, None, wrong, now));
            }
        }
    }
    let named = if is_month(&value) { Period::named(&value, now).ok() } else { None };
    let Some(period) = named else {
        let wrong = format!("`month` is a month that has begun, such as 2026-11, not `{value}`");
        return reply::page(400, &Month::new(tag, value, None, wrong, now));
    };
    let mut filters = Filters::new();
    if !tag.is_empty() {
        filters.insert(Dimension::Tag, tag.clone());
    }
    let asked = Asked { by: Dimension::Model, period, filters, limit: MOST, step: Some(Step::Day) };
    match shared.store.run(move |conn| tracking::usage(conn, &asked)).await {
        Ok(detail) => reply::page(200, &Month::new(tag, value, Some(&detail), String::new(), now)),
        Err(error) => reply::no_database(&error),
    }
}

/// `2026-11`.
fn is_month(value: &str) -> bool {
    value.len() == 7 && value.char_indices().all(|(at, c)| if at == 4 { c == '-' } else { c.is_ascii_digit() })
}

impl Month {
    fn new(tag: String, value: String, detail: Option<&Detail>, wrong: String, now: UnixMillis) -> Self {
        let back = query::Question::default().during(&value);
        let back = if tag.is_empty() { back } else { back.filtered(Dimension::Tag, tag.clone()) };
        Self {
            month: detail.map_or_else(String::new, |detail| words::moment(detail.period.from, "%B %Y")),
            answer: detail.map(|detail| Answer::new(detail, now)),
            back: back.address(),
            now: words::moment(now, "%Y-%m-%d %H:%M UTC"),
            tag,
            value,
            wrong,
        }
    }
}

impl Answer {
    fn new(detail: &Detail, now: UnixMillis) -> Self {
        let marked = |number: i64| if number > 0 { words::counted(number, "request") } else { String::new() };
        let used = detail.rows.iter().filter(|row| !row.sums.is_empty());
        Self {
            is_over: detail.period.to <= now,
            total: Sums::new(&detail.total),
            unpriced: marked(detail.total.unpriced_requests),
            estimated: marked(detail.total.estimated_requests),
            models: used.map(|row| (Name::of(&row.group, detail.by), Sums::new(&row.sums))).collect(),
            days: detail.points.iter().map(day).collect(),
            left_out: detail.left_out,
        }
    }
}

/// A day; one without requests cost nothing, which is not to be read as a cost of zero.
fn day(point: &tracking::Point) -> (String, Sums) {
    let sums = Sums::new(&point.total);
    let cost = if point.total.is_empty() { "–".to_owned() } else { sums.cost };
    (time(point.at, Step::Day), Sums { cost, ..sums })
}
