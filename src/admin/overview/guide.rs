//! From nothing to the first answered request, in steps that tick themselves off.

use std::net::{Ipv4Addr, SocketAddr};

use url::form_urlencoded;

use crate::admin::{names, words};
use crate::catalog::Catalog;
use crate::tracking::UsageRecord;

/// What is done, and what is next.
pub(super) struct Guide {
    /// A provider can be called.
    pub(super) has_provider: bool,
    /// Callers need a key.
    pub(super) needs_key: bool,
    /// There is one.
    pub(super) has_key: bool,
    /// A command to try; empty while there is nobody to ask.
    pub(super) example: String,
    /// Where to try it without a command.
    pub(super) playground: String,
    /// What became of the latest request, if there was one: it failed, or there would be no guide.
    pub(super) failure: Option<Failure>,
}

/// A request that failed.
pub(super) struct Failure {
    pub(super) id: String,
    /// In a word or two.
    pub(super) what: String,
    pub(super) message: String,
}

impl Guide {
    pub(super) fn new(
        catalog: &Catalog,
        api: SocketAddr,
        needs_key: bool,
        has_key: bool,
        latest: Option<&UsageRecord>,
    ) -> Self {
        let has_provider = catalog.providers().iter().any(|provider| provider.is_ready());
        let model = names::first_to_chat(catalog).unwrap_or_default();
        let failure = latest.map(|record| Failure {
            id: record.asked_id().to_owned(),
            what: format!("{} {}", record.status, record.error.map_or("failed", words::failure)),
            message: record.error_message.clone().unwrap_or_default(),
        });
        let name = if model.is_empty() { "MODEL" } else { model };
        Self {
            has_provider,
            needs_key,
            has_key,
            example: if has_provider { example(api, needs_key, name) } else { String::new() },
            playground: playground(model),
            failure,
        }
    }
}

pub(super) fn api_in_words(api: SocketAddr) -> String {
    if api.ip().is_unspecified() { format!("port {} of every interface", api.port()) } else { format!("http://{api}") }
}

/// The playground, with a name to ask if there is one.
fn playground(model: &str) -> String {
    if model.is_empty() {
        return "/playground".to_owned();
    }
    format!("/playground?{}", form_urlencoded::Serializer::new(String::new()).append_pair("model", model).finish())
}

/// A command that asks a model, as a caller on this machine would write it.
fn example(mut api: SocketAddr, needs_key: bool, model: &str) -> String {
    if api.ip().is_unspecified() {
        api.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let key = if needs_key { " -H 'Authorization: Bearer YOUR_KEY'" } else { "" };
    let body = serde_json::json!({ "model": model, "messages": [{ "role": "user", "content": "Hello" }] });
    // Names come from providers too: no quote of theirs may end ours in somebody's shell.
    let body = body.to_string().replace('\'', r"'\''");
    format!("curl http://{api}/api/chat{key} -d '{body}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_breaks_out_of_the_example() {
        let command = example("0.0.0.0:11434".parse().unwrap(), true, "x'; rm -rf ~ '\"");
        assert_eq!(
            command,
            r#"curl http://127.0.0.1:11434/api/chat -H 'Authorization: Bearer YOUR_KEY' -d '{"model":"x'\''; rm -rf ~ '\''\"","messages":[{"role":"user","content":"Hello"}]}'"#
        );
    }
}
