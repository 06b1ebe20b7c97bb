//! What a record says, as names and values; what one can search by leads to the list.

use url::form_urlencoded;

use super::row::{role, target};
use crate::admin::words;
use crate::tracking::UsageRecord;

/// A name and its values.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) values: Vec<Value>,
}

/// A value, and the list of all requests that have it.
pub(super) struct Value {
    pub(super) text: String,
    /// Empty: it cannot be searched by.
    pub(super) address: String,
}

/// What is known; what is not known is left out.
pub(super) fn facts(record: &UsageRecord, client_name: Option<&str>) -> Vec<Fact> {
    let plain = |name, text: &str| Fact { name, values: vec![Value { text: text.to_owned(), address: String::new() }] };
    let text = |name, text: Option<&str>| text.map(|text| plain(name, text));
    let searched = |name, key, value: Option<&str>| {
        let value = value.filter(|value| !value.is_empty())?;
        Some(Fact { name, values: vec![Value { text: value.to_owned(), address: list_of(key, value) }] })
    };
    let tags = record.tags.iter().map(|tag| Value { text: tag.to_string(), address: list_of("tag", tag) }).collect();
    let protocols = match record.provider_protocol.as_str() {
        "" => record.client_protocol.to_string(),
        provider => format!("{} → {provider}", record.client_protocol),
    };
    let role = role(record);
    let all = [
        text("Id", Some(&record.id)),
        text("Arrived", Some(&words::moment(record.started, "%Y-%m-%d %H:%M:%S%.3f UTC"))),
        text("Role", Some(&*role)),
        text("Asked for", Some(&record.asked)),
        searched("Answered by", "model", Some(&target(record))),
        text("Resolved by", Some(&record.resolved_by)),
        searched("Router", "router", record.router.as_deref()),
        searched("Alias", "alias", record.alias.as_deref()),
        Some(Fact { name: "Tags", values: tags }),
        searched("API key", "key", record.key.as_deref()),
        searched("Client", "client", Some(&record.client)),
        text("Its name", client_name),
        searched("End user", "user", record.end_user.as_deref()),
        text("Chat", record.chat_id.as_deref()),
        text("Message", record.message_id.as_deref()),
        text("Endpoint", Some(&record.endpoint)),
        text("Protocol", Some(&protocols)),
        text("Streamed", Some(if record.stream { "yes" } else { "no" })),
        text("HTTP status", Some(&record.status.to_string())),
        text("Finish reason", record.finish_reason.as_deref()),
        text("Service tier", record.usage.service_tier.as_deref()),
    ];
    let is_said = |fact: &Fact| fact.values.iter().any(|value| !value.text.is_empty());
    all.into_iter().flatten().filter(is_said).collect()
}

/// The list of requests with one filter.
pub(in crate::admin) fn list_of(key: &str, value: &str) -> String {
    address("/requests", &[(key, value)])
}

/// The address of a page with a query.
pub(super) fn address(path: &str, query: &[(&str, &str)]) -> String {
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish())
}
