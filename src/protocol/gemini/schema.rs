//! JSON Schema for Gemini: whole for models since 2.0, cut down to its `OpenAPI` subset for those before.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

/// References and nesting deeper than this are cut: no tool needs more, and a stack has an end.
const MAX_DEPTH: usize = 32;
/// Most schemas written out: references that share targets grow exponentially when they are inlined.
const MAX_SCHEMAS: usize = 5_000;

/// Keywords the subset knows and that need no change.
const PLAIN_KEYWORDS: [&str; 15] = [
    "title",
    "description",
    "nullable",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "pattern",
    "example",
    "default",
    "propertyOrdering",
];

/// A tool's parameters as the object schema they must be: `type` added where it is missing, null keywords left out.
pub(super) fn as_object(schema: &Value) -> Cow<'_, Value> {
    let Value::Object(fields) = schema else { return Cow::Owned(json!({"type": "object"})) };
    if fields.contains_key("type") && !fields.values().any(Value::is_null) {
        return Cow::Borrowed(schema);
    }
    let mut whole = Map::new();
    if fields.get("type").is_none_or(Value::is_null) {
        whole.insert("type".to_owned(), "object".into());
    }
    whole.extend(fields.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), value.clone())));
    Cow::Owned(Value::Object(whole))
}

/// The schema in the subset models before 2.0 take: references written out, unions as `anyOf`, null as `nullable`,
/// keywords they refuse left out. Recursion is cut with a warning that names `param`.
pub(super) fn openapi_subset(schema: &Value, param: &str, warnings: &mut Vec<String>) -> Value {
    let mut converter = Converter { root: schema, open: Vec::new(), schemas_left: MAX_SCHEMAS, was_cut: false };
    let converted = converter.schema(schema, 0);
    if converter.was_cut {
        warnings.push(format!("{param}: a recursive or very large schema was cut"));
    }
    Value::Object(converted)
}

struct Converter<'a> {
    root: &'a Value,
    /// The references being written out, outermost first: meeting one of them again is a cycle.
    open: Vec<String>,
    schemas_left: usize,
    was_cut: bool,
}

impl Converter<'_> {
    fn schema(&mut self, schema: &Value, depth: usize) -> Map<String, Value> {
        // `true` and `{}` let everything in.
        let Value::Object(source) = schema else { return Map::new() };
        if depth > MAX_DEPTH || self.schemas_left == 0 {
            return self.cut();
        }
        self.schemas_left -= 1;
        if let Some(Value::String(reference)) = source.get("$ref") {
            return self.reference(reference, source, depth);
        }
        let types = type_names(source);
        if types.len() > 1 {
            return self.several_types(source, &types, depth);
        }
        let mut out = Map::new();
        if let Some(name) = types.first() {
            out.insert("type".to_owned(), (*name).into());
        }
        if allows_null(source) {
            out.insert("nullable".to_owned(), true.into());
        }
        for key in PLAIN_KEYWORDS {
            if let Some(value) = source.get(key).filter(|value| !value.is_null()) {
                out.insert(key.to_owned(), value.clone());
            }
        }
        copy_format(source, &mut out);
        copy_enum(source, &mut out);
        self.members(source, &mut out, depth);
        for part in list(source, "allOf") {
            let part = self.schema(part, depth + 1);
            merge(&mut out, part);
        }
        for key in ["anyOf", "oneOf"] {
            out = self.union(list(source, key), out, depth);
        }
        out
    }

    fn cut(&mut self) -> Map<String, Value> {
        self.was_cut = true;
        Map::from_iter([("type".to_owned(), "object".into())])
    }

    /// Writes out what a reference points to; its own description wins over the target's.
    fn reference(&mut self, reference: &str, source: &Map<String, Value>, depth: usize) -> Map<String, Value> {
        let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
        let Some(target) = target.filter(|_| !self.open.iter().any(|open| open == reference)) else {
            return self.cut();
        };
        self.open.push(reference.to_owned());
        let mut out = self.schema(target, depth + 1);
        self.open.pop();
        if let Some(description) = source.get("description").filter(|value| value.is_string()) {
            out.insert("description".to_owned(), description.clone());
        }
        out
    }

    /// `"type": ["string", "integer"]` becomes one alternative per type, each with the keywords of the whole.
    fn several_types(&mut self, source: &Map<String, Value>, types: &[&str], depth: usize) -> Map<String, Value> {
        let alternatives = types.iter().map(|name| {
            let mut alternative = source.clone();
            alternative.insert("type".to_owned(), (*name).into());
            if allows_null(source) {
                alternative.insert("nullable".to_owned(), true.into());
            }
            Value::Object(self.schema(&Value::Object(alternative), depth + 1))
        });
        Map::from_iter([("anyOf".to_owned(), alternatives.collect())])
    }

    /// The schemas inside an object or array schema. Names of properties are names, whatever keyword they look like.
    fn members(&mut self, source: &Map<String, Value>, out: &mut Map<String, Value>, depth: usize) {
        let kind = out.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        if let Some(Value::Object(properties)) = source.get("properties").filter(|_| kind == "object") {
            let converted: Map<String, Value> = properties
                .iter()
                .map(|(name, property)| (name.clone(), Value::Object(self.schema(property, depth + 1))))
                .collect();
            let required: Vec<Value> = list(source, "required")
                .iter()
                .filter(|name| name.as_str().is_some_and(|name| converted.contains_key(name)))
                .cloned()
                .collect();
            if !converted.is_empty() {
                out.insert("properties".to_owned(), converted.into());
            }
            if !required.is_empty() {
                out.insert("required".to_owned(), required.into());
            }
        }
        if kind == "array" {
            let items = match source.get("items") {
                Some(items @ Value::Object(_)) => self.schema(items, depth + 1),
                // A list without a kind of item is refused.
                Some(_) | None => Map::from_iter([("type".to_owned(), "string".into())]),
            };
            out.insert("items".to_owned(), items.into());
        }
    }

    /// `anyOf` and `oneOf`: `null` among the alternatives becomes `nullable`, a single alternative is the schema
    /// itself, several stand alone, because nothing may stand beside `anyOf`.
    fn union(&mut self, alternatives: &[Value], mut out: Map<String, Value>, depth: usize) -> Map<String, Value> {
        let nullable = alternatives.iter().any(is_null_type);
        let mut converted: Vec<Map<String, Value>> = alternatives
            .iter()
            .filter(|alternative| !is_null_type(alternative))
            .map(|alternative| self.schema(alternative, depth + 1))
            .collect();
        if nullable {
            for alternative in &mut converted {
                alternative.insert("nullable".to_owned(), true.into());
            }
        }
        if converted.len() > 1 {
            return Map::from_iter([("anyOf".to_owned(), converted.into())]);
        }
        if let Some(only) = converted.pop() {
            merge(&mut out, only);
        }
        out
    }
}

/// Adds what `part` says: properties and required names are united, of other keywords the first one stays.
fn merge(out: &mut Map<String, Value>, part: Map<String, Value>) {
    for (key, value) in part {
        match (out.get_mut(&key), value) {
            (Some(Value::Object(have)), Value::Object(more)) if key == "properties" => have.extend(more),
            (Some(Value::Array(have)), Value::Array(more)) if key == "required" => {
                let new: Vec<_> = more.into_iter().filter(|name| !have.contains(name)).collect();
                have.extend(new);
            }
            (Some(_), _) => {}
            (None, value) => {
                out.insert(key, value);
            }
        }
    }
}

/// The types without `null`; where none is stated, the one the other keywords imply.
fn type_names(source: &Map<String, Value>) -> Vec<&str> {
    match source.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        Some(_) | None if source.contains_key("properties") => vec!["object"],
        Some(_) | None if source.contains_key("items") => vec!["array"],
        Some(_) | None if choices(source).any(|choice| choice.is_string()) => vec!["string"],
        Some(_) | None => vec![],
    }
}

fn allows_null(source: &Map<String, Value>) -> bool {
    let by_type = list(source, "type").iter().any(|name| name == "null");
    by_type || choices(source).any(Value::is_null) || source.get("nullable") == Some(&Value::Bool(true))
}

fn is_null_type(schema: &Value) -> bool {
    schema.get("type").is_some_and(|name| name == "null")
}

/// The values of `enum`, or of `const`.
fn choices(source: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    list(source, "enum").iter().chain(source.get("const"))
}

/// Only texts may be enumerated, and no empty one; other enumerations are dropped, the type still holds.
fn copy_enum(source: &Map<String, Value>, out: &mut Map<String, Value>) {
    let is_text = out.get("type").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case("string"));
    let texts: Vec<Value> =
        choices(source).filter(|choice| choice.as_str().is_some_and(|text| !text.is_empty())).cloned().collect();
    if is_text && !texts.is_empty() {
        out.insert("enum".to_owned(), texts.into());
    }
}

fn copy_format(source: &Map<String, Value>, out: &mut Map<String, Value>) {
    let kind = out.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let format = source.get("format").and_then(Value::as_str).unwrap_or_default();
    let known = match kind.as_str() {
        "string" => matches!(format, "enum" | "date-time"),
        "integer" | "number" => matches!(format, "int32" | "int64" | "float" | "double"),
        _ => false,
    };
    if known {
        out.insert("format".to_owned(), format.into());
    }
}

/// A keyword that holds a list; anything else is an empty one.
fn list<'a>(source: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    source.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
