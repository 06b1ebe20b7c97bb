use super::*;

fn subset(schema: &Value) -> Value {
    let mut warnings = Vec::new();
    let converted = openapi_subset(schema, "tools", &mut warnings);
    assert_eq!(warnings, Vec::<String>::new());
    converted
}

#[test]
fn references_are_written_out() {
    let schema = json!({
        "type": "object",
        "properties": {
            "from": {"$ref": "#/$defs/place", "description": "start"},
            "to": {"$ref": "#/properties/from"},
        },
        "$defs": {"place": {"type": "string", "description": "a place", "minLength": 1}},
    });
    let place = json!({"type": "string", "description": "start", "minLength": 1});
    assert_eq!(subset(&schema), json!({"type": "object", "properties": {"from": place, "to": place}}));
}

#[test]
fn recursion_is_cut_with_a_warning() {
    let schema = json!({
        "type": "object",
        "properties": {"root": {"$ref": "#/$defs/node"}},
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    });
    let mut warnings = Vec::new();
    let converted = openapi_subset(&schema, "tools", &mut warnings);
    assert_eq!(converted["properties"]["root"]["properties"]["next"], json!({"type": "object"}));
    assert_eq!(warnings.len(), 1);
}

#[test]
fn references_that_double_at_each_step_end() {
    let mut definitions = Map::new();
    for step in 0..30 {
        let next = json!({"$ref": format!("#/$defs/d{}", step + 1)});
        definitions.insert(format!("d{step}"), json!({"type": "object", "properties": {"a": next, "b": next}}));
    }
    definitions.insert("d30".into(), json!({"type": "string"}));
    let schema = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    let mut warnings = Vec::new();
    openapi_subset(&schema, "tools", &mut warnings);
    assert_eq!(warnings.len(), 1);
}

#[test]
fn null_among_types_or_alternatives_becomes_nullable() {
    let string = json!({"type": "string", "nullable": true});
    assert_eq!(subset(&json!({"type": ["string", "null"]})), string);
    assert_eq!(subset(&json!({"anyOf": [{"type": "string"}, {"type": "null"}]})), string);
    let described = json!({"description": "d", "oneOf": [{"type": "null"}, {"type": "string"}]});
    assert_eq!(subset(&described), json!({"description": "d", "type": "string", "nullable": true}));
}

#[test]
fn nothing_stands_beside_any_of() {
    let expected = json!({"anyOf": [{"type": "string"}, {"type": "integer"}]});
    assert_eq!(subset(&json!({"type": ["string", "integer"]})), expected);
    let described = json!({"description": "d", "oneOf": [{"type": "string"}, {"type": "integer"}]});
    assert_eq!(subset(&described), expected);
}

#[test]
fn members_of_all_of_are_united() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "allOf": [
        {"type": "object", "properties": {"b": {"type": "number"}}, "required": ["b", "a"]},
    ]});
    let expected = json!({
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    });
    assert_eq!(subset(&schema), expected);
}

#[test]
fn refused_keywords_are_dropped_but_properties_of_their_name_stay() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "x", "strict": true, "type": "object",
        "additionalProperties": false, "not": {}, "if": {}, "then": {}, "patternProperties": {},
        "properties": {
            "type": {"type": "string", "exclusiveMinimum": 1},
            "title": {"type": "integer", "multipleOf": 2, "exclusiveMaximum": 9},
            "$ref": {"type": "boolean"},
            "const": {"type": "number", "title": null},
        },
        "required": ["type", "title", "missing"],
    });
    let expected = json!({
        "type": "object",
        "properties": {
            "type": {"type": "string"}, "title": {"type": "integer"}, "$ref": {"type": "boolean"},
            "const": {"type": "number"},
        },
        "required": ["type", "title"],
    });
    assert_eq!(subset(&schema), expected);
}

#[test]
fn only_texts_are_enumerated() {
    for (schema, expected) in [
        (json!({"const": "x"}), json!({"type": "string", "enum": ["x"]})),
        (json!({"type": "string", "enum": ["a", "", "b"]}), json!({"type": "string", "enum": ["a", "b"]})),
        (json!({"type": "string", "enum": ["a", null]}), json!({"type": "string", "nullable": true, "enum": ["a"]})),
        (json!({"type": "integer", "enum": [1, 2]}), json!({"type": "integer"})),
        (json!({"type": "string", "enum": []}), json!({"type": "string"})),
    ] {
        assert_eq!(subset(&schema), expected, "{schema}");
    }
}

#[test]
fn only_known_formats_stay() {
    for (kind, format, stays) in [
        ("string", "date-time", true),
        ("string", "enum", true),
        ("string", "uri", false),
        ("integer", "int64", true),
        ("NUMBER", "double", true),
        ("number", "date-time", false),
        ("boolean", "int32", false),
    ] {
        let converted = subset(&json!({"type": kind, "format": format}));
        assert_eq!(converted.get("format").is_some(), stays, "{kind} {format}");
    }
}

#[test]
fn incomplete_schemas_are_completed() {
    for (schema, expected) in [
        (json!({"type": "array"}), json!({"type": "array", "items": {"type": "string"}})),
        (json!({"items": {"type": "number"}}), json!({"type": "array", "items": {"type": "number"}})),
        (
            json!({"properties": {"a": {"type": "string"}}, "required": null}),
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
        ),
        (json!({"type": "object", "properties": {}}), json!({"type": "object"})),
        (json!(true), json!({})),
        (json!({"$ref": "https://elsewhere/x"}), json!({"type": "object"})),
    ] {
        assert_eq!(openapi_subset(&schema, "tools", &mut Vec::new()), expected, "{schema}");
    }
}

#[test]
fn parameters_without_type_or_with_null_keywords_are_made_whole() {
    let schema = json!({"properties": {"a": {"type": "string"}}, "required": null});
    let expected = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    assert_eq!(as_object(&schema).into_owned(), expected);
    assert!(matches!(as_object(&expected), Cow::Borrowed(_)));
}

proptest::proptest! {
    #[test]
    fn any_schema_converts_without_refused_keywords(text in "(\\{|\\}|\\[|\\]|\"(type|anyOf|items|properties|\\$ref|#|null|object)\"|:|,){0,40}") {
        if let Ok(schema) = serde_json::from_str::<Value>(&text) {
            let converted = openapi_subset(&schema, "tools", &mut Vec::new());
            proptest::prop_assert!(converted.get("$ref").is_none());
            proptest::prop_assert!(converted.get("oneOf").is_none());
        }
    }
}
