//! Values that fit a JSON schema: arguments for simulated tool calls, and answers that must be JSON.

use serde_json::{Map, Value};

/// Schemas nest by a client's will; deeper levels become null.
const MAX_DEPTH: usize = 16;

/// A value that fits `schema` in its usual parts (type, enum, const, properties, items, `anyOf`).
/// The same `seed` always chooses the same.
pub(super) fn fitting(schema: &Value, seed: &str) -> Value {
    fit(schema, seed, MAX_DEPTH)
}

fn fit(schema: &Value, seed: &str, depth: usize) -> Value {
    if depth == 0 {
        return Value::Null;
    }
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    if let Some(choices) = schema["enum"].as_array().filter(|choices| !choices.is_empty()) {
        return choices[index(seed, choices.len())].clone();
    }
    if let Some(first) = schema["anyOf"].get(0).or_else(|| schema["oneOf"].get(0)) {
        return fit(first, seed, depth - 1);
    }
    // A list of types names its first choice first; `null` usually comes last.
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("string") => "demo".into(),
        Some("integer") => 1.into(),
        Some("number") => 1.5.into(),
        Some("boolean") => true.into(),
        Some("array") => vec![fit(&schema["items"], seed, depth - 1)].into(),
        Some("object") => object(schema, seed, depth),
        Some(_) => Value::Null,
        None => object(schema, seed, depth),
    }
}

fn object(schema: &Value, seed: &str, depth: usize) -> Value {
    let properties = schema["properties"].as_object();
    let fields = properties.into_iter().flatten().map(|(name, schema)| (name.clone(), fit(schema, seed, depth - 1)));
    Value::Object(fields.collect::<Map<String, Value>>())
}

/// A stable choice among `count` things.
fn index(seed: &str, count: usize) -> usize {
    seed.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % count
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_property_gets_a_value_of_its_type() {
        let schema = json!({ "type": "object", "properties": {
            "name": { "type": "string" }, "count": { "type": ["integer", "null"] }, "exact": { "const": 7 },
            "list": { "type": "array", "items": { "enum": ["x"] } }, "either": { "anyOf": [{ "type": "boolean" }] },
        } });
        let expected = json!({ "name": "demo", "count": 1, "exact": 7, "list": ["x"], "either": true });
        assert_eq!(fitting(&schema, "seed"), expected);
    }

    #[test]
    fn the_choice_depends_on_the_seed_alone() {
        let schema = json!({ "enum": [1, 2, 3, 4, 5, 6, 7] });
        assert_eq!(fitting(&schema, "a"), fitting(&schema, "a"));
        assert_ne!(fitting(&schema, "a"), fitting(&schema, "b"));
    }

    #[test]
    fn a_schema_nested_beyond_reason_ends_in_null() {
        let deep = (0..100).fold(json!({ "type": "string" }), |inner, _| json!({ "type": "array", "items": inner }));
        assert!(fitting(&deep, "seed").is_array());
    }
}
