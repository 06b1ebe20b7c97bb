//! The description of the API: an OpenAPI 3.1 file for programs, and a page for people. Both are made from what stands
//! beside the table of routes.

use std::sync::LazyLock;

use askama::Template;
use serde_json::{Map, Value, json};

use super::api::described::{AREAS, Area, Operation};
use super::reply::{self, Reply};

/// What bodies look like. The only part that is written by hand.
const SCHEMAS: &str = include_str!("docs/schemas.json");

static FILE: LazyLock<String> = LazyLock::new(|| open_api().to_string());

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    areas: Vec<ShownArea>,
}

struct ShownArea {
    name: &'static str,
    anchor: String,
    operations: Vec<Shown>,
}

struct Shown {
    method: &'static str,
    path: String,
    /// In pieces, those at odd places being code.
    summary: Vec<String>,
    query: Vec<(&'static str, Vec<String>)>,
    body: String,
    answer: String,
    success: u16,
    is_versioned: bool,
}

/// The file.
pub(super) fn file() -> Reply {
    reply::bytes(200, "application/json", FILE.as_str())
}

/// The page.
pub(super) fn page() -> Reply {
    let schemas = schemas();
    let shown = |schema: Option<&str>| {
        let schema = schema.and_then(|name| schemas.get(name));
        schema.map_or_else(String::new, |schema| {
            serde_json::to_string_pretty(&example(schema, &schemas)).unwrap_or_default()
        })
    };
    let operation = |one: &Operation| Shown {
        method: one.method,
        path: address(one),
        summary: pieces(one.summary),
        query: one.query.iter().map(|(name, what)| (*name, pieces(what))).collect(),
        body: shown(one.body),
        answer: shown(one.answer),
        success: one.success,
        is_versioned: one.is_versioned,
    };
    let areas = AREAS.iter().map(|area| ShownArea {
        name: area.name,
        anchor: anchor(area),
        operations: area.operations.iter().map(operation).collect(),
    });
    reply::page(200, &Docs { areas: areas.collect() })
}

fn anchor(area: &Area) -> String {
    area.name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

/// Text with code between backticks, cut at them.
fn pieces(text: &str) -> Vec<String> {
    text.split('`').map(str::to_owned).collect()
}

fn address(operation: &Operation) -> String {
    format!("/admin/api/{}", operation.path.replace("NAME", "{name}"))
}

fn schemas() -> Map<String, Value> {
    // A test reads them.
    serde_json::from_str(SCHEMAS).unwrap_or_default()
}

/// A value of a schema, for people: what it says as `example`, else what its type looks like.
fn example(schema: &Value, all: &Map<String, Value>) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return all.get(name).map_or(Value::Null, |schema| example(schema, all));
    }
    match schema["type"].as_str() {
        Some("array") => Value::Array(vec![example(&schema["items"], all)]),
        Some("object") => {
            let members = schema["properties"].as_object().into_iter().flatten();
            members.map(|(name, schema)| (name.clone(), example(schema, all))).collect()
        }
        Some("integer" | "number") => json!(0),
        Some("boolean") => json!(true),
        _ => json!("…"),
    }
}

fn open_api() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for area in AREAS {
        for one in area.operations {
            let path = paths.entry(address(one)).or_insert_with(|| json!({}));
            path[one.method.to_lowercase()] = operation(area, one);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "LLM Relay: admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything the admin page can change. `HEAD` answers wherever `GET` does. Names in paths are percent-encoded.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "password": [] }],
        "tags": AREAS.iter().map(|area| json!({ "name": area.name })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "A token of the admin API" },
                "password": { "type": "http", "scheme": "basic", "description": "Any user name and the admin password" },
            },
            "schemas": schemas(),
        },
    })
}

fn operation(area: &Area, one: &Operation) -> Value {
    let mut parameters = Vec::new();
    if one.path.contains("NAME") {
        parameters.push(json!({ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }));
    }
    if one.is_versioned && one.method != "GET" {
        let what = "The version that is meant, in quotes, or `*`";
        parameters
            .push(json!({ "name": "If-Match", "in": "header", "description": what, "schema": { "type": "string" } }));
    }
    parameters.extend(one.query.iter().map(
        |(name, what)| json!({ "name": name, "in": "query", "description": what, "schema": { "type": "string" } }),
    ));
    let content = |schema: &str| {
        let media = match schema {
            "Binary" => "application/vnd.sqlite3",
            "LogLine" | "Step" | "Progress" => "application/x-ndjson",
            _ => "application/json",
        };
        json!({ media: { "schema": reference(schema) } })
    };
    let mut success =
        json!({ "description": if one.answer.is_some() { "Done" } else { "Done; there is nothing to say" } });
    if let Some(schema) = one.answer {
        success["content"] = content(schema);
    }
    let mut described = json!({
        "tags": [area.name],
        "summary": one.summary,
        "operationId": format!("{}-{}", one.method.to_lowercase(), one.path.to_lowercase().replace('/', "-")),
        "parameters": parameters,
        "responses": {
            one.success.to_string(): success,
            "default": { "description": "What went wrong, and what to do", "content": content("Error") },
        },
    });
    if one.success == 201 && one.is_versioned {
        described["responses"]["200"] = described["responses"]["201"].clone();
    }
    if let Some(schema) = one.body {
        described["requestBody"] = json!({ "required": true, "content": content(schema) });
    }
    described
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_is_named_exists_and_none_is_left_over() {
        let schemas: Map<String, Value> = serde_json::from_str(SCHEMAS).unwrap();
        let text = open_api().to_string();
        let mut rest = text.as_str();
        let mut named = std::collections::BTreeSet::new();
        while let Some((_, after)) = rest.split_once("#/components/schemas/") {
            let (name, after) = after.split_once('"').unwrap();
            assert!(schemas.contains_key(name), "there is no schema `{name}`");
            named.insert(name.to_owned());
            rest = after;
        }
        let unused: Vec<_> = schemas.keys().filter(|name| !named.contains(*name)).collect();
        assert_eq!(unused, Vec::<&String>::new(), "schemas nobody names");
    }

    #[test]
    fn the_file_is_open_api() {
        let file = open_api();
        assert_eq!(file["openapi"], "3.1.0");
        let put = &file["paths"]["/admin/api/aliases/{name}"]["put"];
        assert_eq!(put["requestBody"]["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Alias");
        assert!(put["responses"]["200"].is_object() && put["responses"]["201"].is_object());
        assert_eq!(put["parameters"].as_array().unwrap().len(), 3);
    }
}
