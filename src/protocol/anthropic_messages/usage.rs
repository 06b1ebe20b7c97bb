//! Usage: a snapshot that grows with the stream, and its disjoint counters.

use serde_json::{Map, Value};

use crate::chat::Usage;

/// Counters of the prompt. The plain one excludes both caches.
const PROMPT: [&str; 3] = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];

/// The usage as last reported.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    fields: Map<String, Value>,
}

impl Snapshot {
    /// Takes a later report: cumulative, so what it holds replaces, and what it leaves out stays.
    ///
    /// Compatible servers count the prompt in `message_start` and repeat it as zeros at the end. A prompt that was
    /// counted does not vanish, so zeros do not replace it.
    pub(super) fn update(&mut self, mut later: Map<String, Value>) {
        let prompt = |fields: &Map<String, Value>| PROMPT.iter().any(|name| number(fields.get(*name)) > Some(0));
        if prompt(&self.fields) && !prompt(&later) {
            later.retain(|name, _| !PROMPT.contains(&name.as_str()) && name != "cache_creation");
        }
        self.fields.extend(later.into_iter().filter(|(_, value)| !value.is_null()));
    }

    /// Nothing was reported.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The counters, made disjoint: Anthropic's already are, but for the two lifetimes of cache writes.
    pub(super) fn to_usage(&self) -> Usage {
        let written = self.count(&["cache_creation_input_tokens"]);
        let written_1h = self.count(&["cache_creation", "ephemeral_1h_input_tokens"]);
        let written_5m = self.count(&["cache_creation", "ephemeral_5m_input_tokens"]);
        Usage {
            input: self.count(&["input_tokens"]),
            output: self.count(&["output_tokens"]),
            reasoning: self.count(&["output_tokens_details", "thinking_tokens"]),
            cache_read: self.count(&["cache_read_input_tokens"]),
            // What is not said to be kept for an hour was written for five minutes.
            cache_write: written.map(|all| all.saturating_sub(written_1h.unwrap_or(0))).or(written_5m),
            cache_write_1h: written_1h,
            searches: number(at(&self.fields, &["server_tool_use", "web_search_requests"])),
            service_tier: self.lane().map(str::to_owned),
            raw: Some(serde_json::to_string(&self.fields).expect("a JSON object always serialises")),
            ..Usage::default()
        }
    }

    /// A counter. Where the answer was made in several iterations (compaction), the top level has the last one only,
    /// and all of them are billed.
    fn count(&self, path: &[&str]) -> Option<u64> {
        let iterations = self.fields.get("iterations").and_then(Value::as_array);
        let in_iteration = |iteration: &Value| number(at(iteration.as_object()?, path));
        let summed = iterations.into_iter().flatten().filter_map(in_iteration).reduce(u64::saturating_add);
        summed.or_else(|| number(at(&self.fields, path)))
    }

    /// The dearer or cheaper lane, if it was one.
    fn lane(&self) -> Option<&str> {
        let word = |name| self.fields.get(name).and_then(Value::as_str).filter(|word| *word != "standard");
        word("speed").or_else(|| word("service_tier"))
    }
}

fn at<'a>(fields: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(fields.get(*first)?, |value, name| value.get(*name))
}

/// A count; servers written in languages without integers send `12.0`.
fn number(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| format!("{:.0}", value.as_f64()?).parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn usage(reports: &[Value]) -> Usage {
        let mut snapshot = Snapshot::default();
        for report in reports {
            snapshot.update(report.as_object().unwrap().clone());
        }
        Usage { raw: None, ..snapshot.to_usage() }
    }

    #[test]
    fn counters_stay_apart_and_writes_are_split_by_lifetime() {
        let report = json!({"input_tokens": 3, "cache_creation_input_tokens": 50, "cache_read_input_tokens": 7,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
            "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 2},
            "server_tool_use": {"web_search_requests": 4}, "service_tier": "standard", "speed": "standard"});
        let usage = usage(&[report]);
        assert_eq!((usage.input, usage.output, usage.reasoning), (Some(3), Some(5), Some(2)));
        assert_eq!((usage.cache_read, usage.cache_write, usage.cache_write_1h), (Some(7), Some(20), Some(30)));
        assert_eq!((usage.searches, usage.service_tier.as_deref()), (Some(4), None));
        assert_eq!(usage.prompt_total(), Some(60));
    }

    #[test]
    fn writes_without_a_split_were_for_five_minutes() {
        let usage = usage(&[json!({"input_tokens": 1.0, "cache_creation_input_tokens": 50, "cache_creation": null})]);
        assert_eq!((usage.input, usage.cache_write, usage.cache_write_1h), (Some(1), Some(50), None));
        assert_eq!((usage.output, usage.cache_read), (None, None));
    }

    #[test]
    fn later_reports_replace_what_they_hold() {
        let usage = usage(&[
            json!({"input_tokens": 100, "cache_read_input_tokens": 0, "output_tokens": 1}),
            json!({"output_tokens": 9}),
            json!({"input_tokens": 20, "cache_read_input_tokens": 80, "output_tokens": 12}),
        ]);
        assert_eq!((usage.input, usage.cache_read, usage.output), (Some(20), Some(80), Some(12)));
    }

    #[test]
    fn zeros_at_the_end_do_not_wipe_the_prompt() {
        let usage = usage(&[json!({"input_tokens": 100}), json!({"input_tokens": 0, "output_tokens": 12})]);
        assert_eq!((usage.input, usage.output), (Some(100), Some(12)));
    }

    #[test]
    fn iterations_are_summed() {
        let usage =
            usage(&[json!({"input_tokens": 9, "output_tokens": 9, "cache_read_input_tokens": 4, "iterations": [
            {"type": "compaction", "input_tokens": 100, "output_tokens": 10},
            {"type": "message", "input_tokens": 9, "output_tokens": 9}]})]);
        assert_eq!((usage.input, usage.output, usage.cache_read), (Some(109), Some(19), Some(4)));
    }

    #[test]
    fn lanes_are_named() {
        assert_eq!(usage(&[json!({"service_tier": "priority"})]).service_tier.as_deref(), Some("priority"));
        let fast = json!({"service_tier": "standard", "speed": "fast"});
        assert_eq!(usage(&[fast]).service_tier.as_deref(), Some("fast"));
    }
}
