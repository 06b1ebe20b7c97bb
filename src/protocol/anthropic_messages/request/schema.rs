//! Schemas of tool arguments, repaired where Anthropic is stricter than the client that wrote them.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// Keywords whose value is a schema.
const SCHEMA: [&str; 4] = ["items", "additionalProperties", "not", "contains"];
/// Keywords whose value is a list of schemas.
const SCHEMA_LIST: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
/// Keywords whose value names schemas. A property may be *called* `type` or `items`: names are not looked at.
const SCHEMA_MAP: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];
/// Keywords whose value is data, where `null` means something.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];

/// An `input_schema`: always of type `object` and with `properties`, key order kept.
/// It is repaired while it is written, so a schema is never copied.
#[derive(Debug)]
pub(in crate::protocol::anthropic_messages) struct InputSchema<'a>(Option<&'a Map<String, Value>>);

impl<'a> InputSchema<'a> {
    /// The schema of a tool's parameters; what is no object counts as none.
    pub(super) fn new(parameters: Option<&'a Value>) -> Self {
        Self(parameters.and_then(Value::as_object))
    }
}

impl Serialize for InputSchema<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        let (mut has_type, mut has_properties) = (false, false);
        for (keyword, value) in self.0.into_iter().flatten() {
            match (keyword.as_str(), value) {
                ("type", Value::Null) => {}
                // Clients written in typed languages send `["object", "null"]` for optional arguments.
                ("type", _) => {
                    has_type = true;
                    out.serialize_entry("type", "object")?;
                }
                ("properties", Value::Object(_)) => {
                    has_properties = true;
                    write_keyword(&mut out, keyword, value)?;
                }
                ("properties", _) => {}
                _ => write_keyword(&mut out, keyword, value)?,
            }
        }
        if !has_type {
            out.serialize_entry("type", "object")?;
        }
        if !has_properties {
            out.serialize_entry("properties", &Map::new())?;
        }
        out.end()
    }
}

/// A schema without keywords that are `null`, and with `items` for every array, all the way down.
/// The body's depth was bounded when it was parsed.
struct Repaired<'a>(&'a Value);

impl Serialize for Repaired<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value::Object(schema) = self.0 else { return self.0.serialize(serializer) };
        let mut out = serializer.serialize_map(None)?;
        for (keyword, value) in schema {
            write_keyword(&mut out, keyword, value)?;
        }
        let is_array = schema.get("type").is_some_and(|kind| kind == "array");
        if is_array && schema.get("items").is_none_or(Value::is_null) {
            out.serialize_entry("items", &Map::new())?;
        }
        out.end()
    }
}

fn write_keyword<M: SerializeMap>(out: &mut M, keyword: &str, value: &Value) -> Result<(), M::Error> {
    match value {
        Value::Null if !DATA.contains(&keyword) => Ok(()),
        Value::Object(_) if SCHEMA.contains(&keyword) => out.serialize_entry(keyword, &Repaired(value)),
        Value::Object(named) if SCHEMA_MAP.contains(&keyword) => out.serialize_entry(keyword, &RepairedMap(named)),
        Value::Array(list) if SCHEMA_LIST.contains(&keyword) => out.serialize_entry(keyword, &RepairedList(list)),
        _ => out.serialize_entry(keyword, value),
    }
}

struct RepairedMap<'a>(&'a Map<String, Value>);

impl Serialize for RepairedMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, schema)| (name, Repaired(schema))))
    }
}

struct RepairedList<'a>(&'a [Value]);

impl Serialize for RepairedList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Repaired))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn repaired(schema: Value) -> String {
        serde_json::to_string(&InputSchema::new(Some(&schema))).unwrap()
    }

    #[test]
    fn no_parameters_are_an_empty_object() {
        let empty = r#"{"type":"object","properties":{}}"#;
        assert_eq!(serde_json::to_string(&InputSchema::new(None)).unwrap(), empty);
        for parameters in [json!(null), json!(true), json!({}), json!({"type": null, "properties": []})] {
            assert_eq!(repaired(parameters), empty);
        }
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
        let nested =
            json!({"type": "object", "properties": {"a": {"anyOf": [{"type": "array", "items": null}, {"x": null}]}}});
        assert_eq!(
            repaired(nested),
            r#"{"type":"object","properties":{"a":{"anyOf":[{"type":"array","items":{}},{}]}}}"#
        );
        assert_eq!(repaired(json!({"type": ["object", "null"]})), r#"{"type":"object","properties":{}}"#);
    }

    #[test]
    fn properties_called_like_keywords_are_left_alone() {
        let schema =
            json!({"type": "object", "properties": {"type": {"type": "string"}, "items": {"type": "integer"}}});
        assert_eq!(repaired(schema.clone()), schema.to_string());
    }
}
