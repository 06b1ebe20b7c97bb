//! Schemas of tool arguments, repaired where Anthropic is stricter than the client that wrote them.

use serde_json::{Map, Value, json};

/// Keywords whose value is a schema.
const SCHEMA: [&str; 4] = ["items", "additionalProperties", "not", "contains"];
/// Keywords whose value is a list of schemas.
const SCHEMA_LIST: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
/// Keywords whose value names schemas. A property may be *called* `type` or `items`: names are not looked at.
const SCHEMA_MAP: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];
/// Keywords whose value is data, where `null` means something.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];

/// An `input_schema`: always of type `object` and with `properties`, key order kept.
pub(super) fn input_schema(parameters: Option<&Value>) -> Value {
    let Some(Value::Object(schema)) = parameters else {
        return json!({"type": "object", "properties": {}});
    };
    let mut schema = schema.clone();
    repair(&mut schema);
    // Clients written in typed languages send `["object", "null"]` for optional arguments.
    if schema.get("type") != Some(&json!("object")) {
        schema.insert("type".to_owned(), json!("object"));
    }
    if !schema.get("properties").is_some_and(Value::is_object) {
        schema.insert("properties".to_owned(), json!({}));
    }
    Value::Object(schema)
}

/// Drops keywords that are `null` and gives arrays their `items`, all the way down.
/// The body's depth was bounded when it was parsed.
fn repair(schema: &mut Map<String, Value>) {
    schema.retain(|keyword, value| !value.is_null() || DATA.contains(&keyword.as_str()));
    for (keyword, value) in schema.iter_mut() {
        let keyword = keyword.as_str();
        match value {
            Value::Object(inner) if SCHEMA.contains(&keyword) => repair(inner),
            Value::Object(named) if SCHEMA_MAP.contains(&keyword) => repair_all(named.values_mut()),
            Value::Array(list) if SCHEMA_LIST.contains(&keyword) => repair_all(list.iter_mut()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            }
        }
    }
    if schema.get("type").is_some_and(|kind| kind == "array") && !schema.contains_key("items") {
        schema.insert("items".to_owned(), json!({}));
    }
}

fn repair_all<'a>(schemas: impl Iterator<Item = &'a mut Value>) {
    for schema in schemas {
        if let Value::Object(schema) = schema {
            repair(schema);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(schema: Value) -> String {
        input_schema(Some(&schema)).to_string()
    }

    #[test]
    fn no_parameters_are_an_empty_object() {
        for parameters in [None, Some(json!(null)), Some(json!(true))] {
            assert_eq!(input_schema(parameters.as_ref()), json!({"type": "object", "properties": {}}));
        }
        assert_eq!(input_schema(Some(&json!({}))), json!({"type": "object", "properties": {}}));
    }

    #[test]
    fn a_sound_schema_keeps_every_byte() {
        let schema = json!({"type": "object", "properties": {"z": {"type": "string", "enum": ["b", null]}, "a": {"default": null}},
            "required": ["z"], "additionalProperties": false});
        assert_eq!(repaired(schema.clone()), schema.to_string());
    }

    #[test]
    fn missing_types_null_keywords_and_bare_arrays_are_repaired() {
        let schema = json!({"properties": {"list": {"type": "array", "description": null}}, "required": null});
        assert_eq!(repaired(schema), r#"{"properties":{"list":{"type":"array","items":{}}},"type":"object"}"#);
        assert_eq!(repaired(json!({"type": ["object", "null"]})), r#"{"type":"object","properties":{}}"#);
    }

    #[test]
    fn properties_called_like_keywords_are_left_alone() {
        let schema =
            json!({"type": "object", "properties": {"type": {"type": "string"}, "items": {"type": "integer"}}});
        assert_eq!(repaired(schema.clone()), schema.to_string());
    }
}
