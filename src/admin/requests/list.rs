//! The list: filters that live in the address, and a page of records.

use askama::Template;

use super::super::reply::{self, Reply};
use super::super::{Shared, words};
use super::query::Texts;
use super::row::RequestRow;
use crate::clock::UnixMillis;
use crate::tracking::{self, ErrorClass, Page, Place, UsageRecord};

#[derive(Template)]
#[template(path = "requests.html")]
struct List {
    fields: Vec<Field>,
    statuses: Vec<Choice>,
    classes: Vec<Choice>,
    /// The form shows more than the first fields, because they are in use.
    is_detailed: bool,
    /// Designator's calls are shown too.
    calls: bool,
    /// Something is asked for, so that an empty list means "none like this".
    is_filtered: bool,
    /// What is wrong with what was asked; empty when nothing is.
    wrong: String,
    requests: Vec<RequestRow>,
    /// Addresses; empty when there is nothing there.
    newest: String,
    newer: String,
    older: String,
    /// The look at newer records ended before the page was full; otherwise the one at older records, where one did.
    looked_back: bool,
    /// How far was looked, where the page did not become full; empty otherwise.
    looked_at: String,
    now: String,
}

/// A text of the form.
struct Field {
    name: &'static str,
    label: &'static str,
    value: String,
    hint: &'static str,
    /// It stands in the part that is folded away.
    is_detail: bool,
}

/// One of several.
struct Choice {
    value: &'static str,
    words: &'static str,
    is_chosen: bool,
}

/// Name, label and hint of the form's texts, and whether they are folded away.
const FIELDS: [(&str, &str, &str, bool); 10] = [
    ("q", "Id or name asked for", "part of it", false),
    ("tag", "Tag", "team-a", false),
    ("model", "Model", "provider/model", false),
    ("from", "From (UTC)", "24h, 7d, 2026-11-21", false),
    ("to", "To (UTC)", "2026-11-21", true),
    ("router", "Router", "", true),
    ("alias", "Alias", "", true),
    ("key", "API key", "its name", true),
    ("client", "Client", "its address", true),
    ("user", "End user", "", true),
];

/// The page.
pub(in crate::admin) async fn list(shared: &Shared, query: &str) -> Reply {
    let now = UnixMillis::now();
    let texts = Texts::read(query);
    let asked = match texts.understand(now) {
        Ok(asked) => asked,
        Err(wrong) => return reply::page(400, &page(&texts, None, &Place::Newest, wrong, now)),
    };
    let place = asked.place.clone();
    let found = shared.store.run(move |conn| tracking::search(conn, &asked.search, &asked.place, asked.limit)).await;
    match found {
        Ok(found) => reply::page(200, &page(&texts, Some(found), &place, String::new(), now)),
        Err(error) => reply::no_database(&error),
    }
}

fn page(texts: &Texts, found: Option<Page<UsageRecord>>, place: &Place, wrong: String, now: UnixMillis) -> List {
    let found = found.unwrap_or(Page { rows: Vec::new(), newer: None, older: None, looked_at: None });
    let address = |place: Option<Place>| place.map_or_else(String::new, |place| texts.address(&place));
    let looked_at = found.looked_at.map_or_else(String::new, |number| {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        format!("Looked at {} for this page.", words::counted(number, "record"))
    });
    let fields = FIELDS.map(|(name, label, hint, is_detail)| Field {
        name,
        label,
        value: texts.get(name).to_owned(),
        hint,
        is_detail,
    });
    let classes = ErrorClass::ALL.map(|class| (class.as_str(), words::failure(class)));
    let calls = matches!(texts.get("calls"), "true" | "1");
    List {
        is_detailed: calls
            || !texts.get("error").is_empty()
            || fields.iter().any(|field| field.is_detail && !field.value.is_empty()),
        fields: fields.into(),
        statuses: choices(&[("ok", "ok"), ("error", "errors")], texts.get("status")),
        classes: choices(&classes, texts.get("error")),
        calls,
        is_filtered: texts.is_filtered(),
        wrong,
        requests: found.rows.iter().map(|record| RequestRow::new(record, now)).collect(),
        newest: address((*place != Place::Newest).then_some(Place::Newest)),
        newer: address(found.newer.map(Place::After)),
        older: address(found.older.map(Place::Before)),
        looked_back: !matches!(place, Place::After(_)),
        looked_at,
        now: words::moment(now, "%Y-%m-%d %H:%M:%S UTC"),
    }
}

fn choices(all: &[(&'static str, &'static str)], chosen: &str) -> Vec<Choice> {
    all.iter().map(|(value, words)| Choice { value, words, is_chosen: *value == chosen }).collect()
}
