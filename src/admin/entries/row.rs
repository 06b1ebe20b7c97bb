//! An entry as the page of its kind shows it.

use std::collections::HashMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::form_urlencoded;

use super::super::api::Shown;
use super::super::way::Way;
use super::super::words;
use super::NameKind;
use super::list::{Asked, end_in_words, json_of};
use super::router::RouterCard;
use crate::catalog::Origin;
use crate::store::usage::Counters;

/// Decimal places of sums.
const PLACES: u32 = 4;

/// An entry.
pub(super) struct Row {
    pub(super) name: String,
    /// The name as a part of addresses and ids.
    pub(super) key: String,
    /// The entry as the API shows it.
    pub(super) json: String,
    /// What the filter looks at, in lower case.
    pub(super) text: String,
    /// The filter leaves it out.
    pub(super) is_hidden: bool,
    /// The address points at it.
    pub(super) is_named: bool,
    /// Where the file has it; empty: it is the database's, and can be changed here.
    pub(super) place: String,
    pub(super) target: String,
    /// Where it leads in the end, where that is not its target; or why it leads nowhere.
    pub(super) end: String,
    pub(super) is_astray: bool,
    pub(super) tags: Vec<String>,
    pub(super) description: String,
    pub(super) problems: Vec<Said>,
    /// What went through it lately.
    pub(super) used: Option<Used>,
    pub(super) router: Option<RouterCard>,
}

/// Something wrong or odd.
pub(super) struct Said {
    pub(super) message: String,
    pub(super) is_error: bool,
}

/// Requests and their cost.
pub(super) struct Used {
    pub(super) requests: String,
    /// Shown where there are any.
    pub(super) cost: String,
    /// The requests themselves; empty: there are none.
    pub(super) address: String,
}

impl Row {
    pub(super) fn new(
        kind: NameKind,
        entry: &Shown,
        way: Option<&Way>,
        used: Option<&HashMap<String, Counters>>,
        router: Option<RouterCard>,
        asked: &Asked,
    ) -> Self {
        let said = &entry.definition[kind.word()];
        let text_of = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        let tags: Vec<String> = said["tags"].as_array().into_iter().flatten().map(as_text).collect();
        let target = text_of("target");
        let (end, is_astray) = way.map(|way| end_in_words(&way.end)).unwrap_or_default();
        let place = match entry.origin {
            Origin::File => entry.place.clone().unwrap_or_default(),
            Origin::Database => String::new(),
        };
        let text = format!("{} {target} {end} {} {}", entry.name, tags.join(" "), text_of("description"));
        let candidates = router.iter().flat_map(|card| &card.candidates).map(|candidate| candidate.model.as_str());
        let text = [text.as_str()].into_iter().chain(candidates).collect::<Vec<_>>().join(" ").to_lowercase();
        Self {
            key: utf8_percent_encode(&entry.name, NON_ALPHANUMERIC).to_string(),
            json: json_of(entry),
            is_hidden: !text.contains(&asked.filter.to_lowercase()),
            text,
            is_named: !asked.name.is_empty() && entry.name.eq_ignore_ascii_case(&asked.name),
            place,
            end: if kind == NameKind::Router || end == target { String::new() } else { end },
            is_astray: is_astray && kind != NameKind::Router,
            target,
            tags,
            description: text_of("description"),
            problems: entry
                .problems
                .iter()
                .map(|problem| Said { message: problem.message.clone(), is_error: problem.is_error() })
                .collect(),
            used: used.map(|used| Used::new(kind, &entry.name, used.get(&entry.name))),
            router,
            name: entry.name.clone(),
        }
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Used {
    fn new(kind: NameKind, name: &str, sums: Option<&Counters>) -> Self {
        let none = Counters::default();
        let sums = sums.unwrap_or(&none);
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair(kind.word(), name)
            .append_pair("from", "24h")
            .finish();
        let is_used = sums.requests > 0;
        Self {
            requests: if is_used { words::counted(sums.requests, "request") } else { "no request".to_owned() },
            cost: match words::cost_of(sums, PLACES) {
                cost if cost == "unknown" => "cost unknown".to_owned(),
                cost => cost,
            },
            address: if is_used { format!("/requests?{query}") } else { String::new() },
        }
    }
}
