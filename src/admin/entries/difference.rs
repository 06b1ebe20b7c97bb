//! What two states of an entry differ in, one line per part.

use std::collections::BTreeMap;

use serde_json::Value;

/// A part that is not the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// The part: `target`, `candidates openai/gpt-4o notes`.
    pub(super) part: String,
    /// Empty: it said nothing.
    pub(super) before: String,
    pub(super) after: String,
}

/// The parts in which they differ. An entry that was not there says nothing.
pub(super) fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let (before, after) = (parts(before), parts(after));
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let text = |parts: &BTreeMap<String, String>, name: &str| parts.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .map(|name| Difference { part: name.clone(), before: text(&before, name), after: text(&after, name) })
        .filter(|difference| difference.before != difference.after)
        .collect()
}

fn parts(value: Option<&Value>) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    if let Some(value) = value {
        take_apart(String::new(), value, &mut parts);
    }
    parts
}

fn take_apart(path: String, value: &Value, parts: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path} {key}") };
                take_apart(path, value, parts);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            // Candidates are told apart by their model, and their order is a part of its own.
            let names: Vec<_> = list.iter().map(name_of).collect();
            for (name, one) in names.iter().zip(list) {
                let mut rest = one.clone();
                rest.as_object_mut().and_then(|rest| rest.remove("model"));
                take_apart(format!("{path} {name}"), &rest, parts);
            }
            parts.insert(path, names.join(", "));
        }
        Value::Array(list) => {
            parts.insert(path, list.iter().map(text).collect::<Vec<_>>().join(", "));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            parts.insert(path, text(value));
        }
    }
}

fn name_of(one: &Value) -> String {
    one["model"].as_str().map_or_else(|| text(one), str::to_owned)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null => String::new(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told_and_candidates_by_their_model() {
        let before = json!({
            "designator": "d", "tags": ["a"], "enabled": true,
            "candidates": [{"model": "x", "notes": "old"}, {"model": "y", "notes": ""}],
        });
        let after = json!({
            "designator": "d", "tags": ["a", "b"], "enabled": false,
            "candidates": [{"model": "y", "notes": ""}, {"model": "x", "notes": "new"}],
        });
        let told = |before: Option<&Value>, after: Option<&Value>| {
            let line = |one: Difference| format!("{}: {} > {}", one.part, one.before, one.after);
            differences(before, after).into_iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(
            told(Some(&before), Some(&after)),
            ["candidates: x, y > y, x", "candidates x notes: old > new", "enabled: yes > no", "tags: a > a, b"]
        );
        assert_eq!(told(None, Some(&json!({"target": "t", "tags": []}))), ["target:  > t"]);
        assert_eq!(told(Some(&json!("short")), None), [": short > "]);
        assert_eq!(told(Some(&before), Some(&before)), [""; 0]);
    }
}
