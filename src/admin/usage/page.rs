//! The page: a question in its address, and the answer.

use std::collections::HashMap;

use askama::Template;

use super::course::Course;
use super::query::{Question, Show, Time, USUAL_PERIOD};
use super::rows::{Change, Row, Sums, noun, title};
use crate::admin::reply::{self, Reply};
use crate::admin::{Shared, words};
use crate::clock::UnixMillis;
use crate::store::client_names;
use crate::tracking::{self, Detail, Dimension, Group, Period, Step};

#[derive(Template)]
#[template(path = "usage.html")]
struct Usage {
    periods: Vec<Link>,
    dimensions: Vec<Link>,
    shows: Vec<Link>,
    chips: Vec<Chip>,
    fields: Vec<Field>,
    /// What the forms carry on: all but what they ask for.
    kept_by_times: Vec<(&'static str, String)>,
    kept_by_filters: Vec<(&'static str, String)>,
    from: String,
    to: String,
    /// What is wrong with what was asked; empty when nothing is.
    wrong: String,
    answer: Option<Answer>,
    now: String,
}

/// Somewhere else, or here.
struct Link {
    address: String,
    words: &'static str,
    is_current: bool,
}

/// A filter that can be taken away.
struct Chip {
    dimension: &'static str,
    /// Empty: requests that have none.
    value: String,
    /// The page without it.
    without: String,
}

/// A filter to be set.
struct Field {
    name: &'static str,
    label: &'static str,
    value: String,
    hint: &'static str,
}

/// What came out.
struct Answer {
    period: String,
    before: String,
    step: &'static str,
    show: &'static str,
    column: &'static str,
    total: Sums,
    change: Change,
    rows: Vec<Row>,
    /// How many rows more there are, and where; empty for none.
    left_out: String,
    all_rows: String,
    course: Course,
    is_empty: bool,
    is_by_tag: bool,
    csv: String,
    json: String,
    requests: String,
    report: String,
}

/// The periods one can choose, and in words.
const PERIODS: [(&str, &str); 5] = [
    ("24h", "24 hours"),
    ("7d", "7 days"),
    (USUAL_PERIOD, "30 days"),
    ("this-month", "This month"),
    ("last-month", "Last month"),
];

/// The page.
pub(in crate::admin) async fn page(shared: &Shared, query: &str) -> Reply {
    let now = UnixMillis::now();
    let question = match Question::read(query) {
        Ok(question) => question,
        Err(wrong) => return reply::page(400, &Usage::new(&Question::default(), None, wrong, now)),
    };
    let asked = match question.understand(now) {
        Ok(asked) => asked,
        Err(wrong) => return reply::page(400, &Usage::new(&question, None, wrong, now)),
    };
    let of_clients = question.by == Dimension::Client;
    let read = shared.store.run(move |conn| {
        let detail = tracking::usage(conn, &asked)?;
        let clients = detail.rows.iter().filter_map(|row| match &row.group {
            Group::Value(client) if of_clients => Some(client.as_str()),
            _ => None,
        });
        let names = client_names::names(conn, clients)?;
        Ok((detail, names))
    });
    match read.await {
        Ok((detail, names)) => {
            let mut page = Usage::new(&question, Some(&detail), String::new(), now);
            page.name_hosts(names);
            reply::page(200, &page)
        }
        Err(error) => reply::no_database(&error),
    }
}

impl Usage {
    /// Says what the addresses of clients are called, as far as that was looked up.
    fn name_hosts(&mut self, mut names: HashMap<String, String>) {
        let rows = self.answer.iter_mut().flat_map(|answer| &mut answer.rows);
        rows.for_each(|row| row.host = names.remove(&row.name.text).unwrap_or_default());
    }

    fn new(question: &Question, detail: Option<&Detail>, wrong: String, now: UnixMillis) -> Self {
        let link = |to: Question, words, is_current| Link { address: to.address(), words, is_current };
        let (from, to) = match &question.time {
            Time::Between(from, to) => (from.clone().unwrap_or_default(), to.clone().unwrap_or_default()),
            Time::Named(_) => detail.map_or_else(Default::default, |detail| days(detail.period)),
        };
        let kept = |left_out: &dyn Fn(&str) -> bool| {
            question.pairs().into_iter().filter(|(key, _)| !left_out(key)).collect::<Vec<_>>()
        };
        let is_filter =
            |key: &str| key == "without" || Dimension::ALL.iter().any(|dimension| dimension.as_str() == key);
        Self {
            periods: PERIODS
                .map(|(word, words)| link(question.during(word), words, question.time == Time::Named(word.to_owned())))
                .into(),
            dimensions: Dimension::ALL.map(|by| link(question.by(by), title(by), question.by == by)).into(),
            shows: Show::ALL.map(|show| link(question.showing(show), show.title(), question.show == show)).into(),
            chips: question
                .filters
                .iter()
                .map(|(dimension, value)| Chip {
                    dimension: noun(*dimension),
                    value: value.clone(),
                    without: question.unfiltered(*dimension).address(),
                })
                .collect(),
            fields: Dimension::ALL
                .map(|dimension| Field {
                    name: dimension.as_str(),
                    label: title(dimension),
                    value: question.filters.get(&dimension).cloned().unwrap_or_default(),
                    hint: if dimension == Dimension::Model { "provider/model" } else { "" },
                })
                .into(),
            kept_by_times: kept(&|key| ["period", "from", "to"].contains(&key)),
            kept_by_filters: kept(&is_filter),
            from,
            to,
            wrong,
            answer: detail.map(|detail| Answer::new(question, detail)),
            now: words::moment(now, "%Y-%m-%d %H:%M:%S UTC"),
        }
    }
}

impl Answer {
    fn new(question: &Question, detail: &Detail) -> Self {
        let rows = detail.rows.iter();
        let row = |row: &tracking::DetailRow| {
            Row::new(question, detail.period, &row.group, (&row.sums, &row.before, &detail.total))
        };
        let left_out = i64::try_from(detail.left_out).unwrap_or(i64::MAX);
        Self {
            period: between(detail.period),
            before: between(detail.before),
            step: match detail.step {
                Step::Hour => "hour",
                Step::Day => "day",
                Step::Month => "month",
            },
            show: question.show.title(),
            column: title(detail.by),
            total: Sums::new(&detail.total),
            change: Change::new(question.show, &detail.total, &detail.total_before),
            rows: rows.map(row).collect(),
            left_out: if left_out > 0 { words::counted(left_out, "more row") } else { String::new() },
            all_rows: question.with_all_rows().address(),
            course: Course::new(question.show, detail),
            is_empty: detail.rows.is_empty(),
            is_by_tag: detail.by == Dimension::Tag,
            csv: question.download("csv"),
            json: question.download("json"),
            requests: question.requests(None, detail.period),
            report: super::month::address(question.filters.get(&Dimension::Tag).map(String::as_str), detail.period),
        }
    }
}

/// Both ends for people; a whole day is named by its date.
fn between(period: Period) -> String {
    let (from, to) = (period.from, period.to);
    let is_midnight = |at: UnixMillis| at.0.rem_euclid(86_400_000) == 0;
    if is_midnight(from) && is_midnight(to) {
        let last = words::moment(UnixMillis(to.0 - 1), "%b %-d, %Y");
        let first = words::moment(from, "%b %-d, %Y");
        return if first == last { first } else { format!("{first} – {last}") };
    }
    format!("{} – {} UTC", words::moment(from, "%b %-d, %Y, %H:%M"), words::moment(to, "%b %-d, %Y, %H:%M"))
}

/// The first and the last day of a period, as date fields have them.
fn days(period: Period) -> (String, String) {
    (words::moment(period.from, "%F"), words::moment(UnixMillis(period.to.0 - 1), "%F"))
}
