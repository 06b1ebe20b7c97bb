//! One page for each kind. Finished values; the template decides nothing.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use url::form_urlencoded;

use super::super::api::{Shown, all_in_the_file, from_the_database};
use super::super::reply::{self, Reply};
use super::super::way::{End, Way};
use super::super::{Shared, words};
use super::NameKind;
use super::router::RouterCard;
use super::row::Row;
use crate::clock::UnixMillis;
use crate::routing::Step;
use crate::store::usage::{self, Counters};
use crate::store::{Conn, StoreError, entries};
use crate::tracking::Dimension;

const DAY_MS: i64 = 86_400_000;

#[derive(Template)]
#[template(path = "entries.html")]
struct List {
    kind: NameKind,
    title: &'static str,
    /// What such entries are for.
    lead: &'static str,
    rows: Vec<Row>,
    /// What the filter says.
    filter: String,
    /// The name to follow; empty when none was asked for.
    asked: String,
    way: Option<ShownWay>,
    default_model: String,
    now: String,
}

/// Where a name leads.
struct ShownWay {
    steps: Vec<Step>,
    end: String,
    is_bad: bool,
}

/// What the address asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Rows that have this in them.
    pub(super) filter: String,
    /// The entry to point at.
    pub(super) name: String,
    /// A name to follow.
    resolve: String,
}

impl Asked {
    /// What is not known belongs to the script.
    fn read(query: &str) -> Self {
        let mut asked = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*key {
                "q" => &mut asked.filter,
                "name" => &mut asked.name,
                "resolve" => &mut asked.resolve,
                _ => continue,
            };
            value.trim().clone_into(place);
        }
        asked
    }
}

/// The page of a kind.
pub(in crate::admin) async fn list(shared: &Arc<Shared>, kind: NameKind, query: &str) -> Reply {
    let asked = Asked::read(query);
    let of_shared = shared.clone();
    match shared.store.run(move |conn| page(&of_shared, conn, kind, &asked)).await {
        Ok(page) => reply::page(200, &page),
        Err(error) => reply::no_database(&error),
    }
}

fn page(shared: &Shared, conn: &mut Conn<'_>, kind: NameKind, asked: &Asked) -> Result<List, StoreError> {
    let now = UnixMillis::now();
    let catalog = shared.catalog.load_full();
    let mut shown = all_in_the_file(shared, kind.entry_kind());
    let stored = entries::list(conn)?;
    shown.extend(
        stored.iter().filter(|entry| entry.kind == kind.entry_kind()).map(|entry| from_the_database(shared, entry)),
    );
    let used = used(conn, kind, now)?;
    let mut rows = Vec::new();
    for entry in &shown {
        let way = (kind != NameKind::Redirect).then(|| Way::of(&catalog, &entry.name));
        let router = match kind {
            NameKind::Router => RouterCard::read(conn, &catalog, entry, now)?,
            NameKind::Alias | NameKind::Redirect => None,
        };
        rows.push(Row::new(kind, entry, way.as_ref(), used.as_ref(), router, asked));
    }
    let (title, lead) = words(kind);
    Ok(List {
        kind,
        title,
        lead,
        rows,
        filter: asked.filter.clone(),
        way: (!asked.resolve.is_empty()).then(|| {
            let way = Way::of(&catalog, &asked.resolve);
            let (end, is_bad) = end_in_words(&way.end);
            ShownWay { steps: way.steps, end, is_bad }
        }),
        asked: asked.resolve.clone(),
        default_model: catalog.default_model().unwrap_or_default().to_owned(),
        now: words::moment(now, "%Y-%m-%d %H:%M:%S UTC"),
    })
}

/// What went through each entry in the last 24 hours, in whole hours. `None`: nobody counts that.
fn used(conn: &mut Conn<'_>, kind: NameKind, now: UnixMillis) -> Result<Option<HashMap<String, Counters>>, StoreError> {
    let dimension = match kind {
        NameKind::Alias => Dimension::Alias,
        NameKind::Router => Dimension::Router,
        NameKind::Redirect => return Ok(None),
    };
    let from = usage::hour_of(UnixMillis(now.0 - DAY_MS));
    Ok(Some(usage::sums_by(conn, dimension, from, UnixMillis(now.0 + 1))?.into_iter().collect()))
}

fn words(kind: NameKind) -> (&'static str, &'static str) {
    match kind {
        NameKind::Alias => (
            "Aliases",
            "Names of your own. Clients ask for the alias, and you decide which model, router or other alias answers.",
        ),
        NameKind::Redirect => (
            "Redirects",
            "What clients write is replaced before anything else is looked at, for clients whose model cannot be changed. \
             A * at the end stands for any rest of the name.",
        ),
        NameKind::Router => (
            "Routers",
            "A small model, the designator, reads each request and picks the best of the candidates. \
             Nothing is chosen that cannot answer.",
        ),
    }
}

impl List {
    fn is(&self, kind: &str) -> bool {
        self.kind.word() == kind
    }
}

/// Where a way ends, in a few words, and whether that is nowhere.
pub(super) fn end_in_words(end: &End) -> (String, bool) {
    match end {
        End::Model { model, .. } => (model.clone(), false),
        End::Router { router, .. } => (format!("router {router}"), false),
        End::Nowhere { error } => (error.clone(), true),
    }
}

/// Entries as the API shows them, for scripts of the page.
pub(super) fn json_of(entry: &Shown) -> String {
    // Plain data: there is nothing in it that JSON could refuse.
    serde_json::to_string(entry).unwrap_or_default()
}
