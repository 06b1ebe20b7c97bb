//! JSON as Go's `encoding/json` reads it, because that is what Ollama's clients were written against.
//!
//! Unknown keys are ignored, keys match whatever their case, the last duplicate wins, only the first value of the body
//! is read, and `null` is the same as absent. Values stay raw text until a
//! field is asked for, so a long prompt is copied once. Error texts imitate Go's: clients show them and some match them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::protocol::{DecodeError, scan};

/// A JSON object whose values are still text.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, &'a str)>,
    /// Where the object stands, as Go names it in errors: `ChatRequest.messages`.
    path: &'static str,
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The pairs of an object; `null` is an object without any.
struct Pairs<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(Cow<'de, str>, &'de str)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(8);
                while let Some(Key(key)) = map.next_key()? {
                    pairs.push((key, map.next_value::<&RawValue>()?.get()));
                }
                Ok(pairs)
            }
        }

        Ok(Self(deserializer.deserialize_any(Object)?))
    }
}

/// The body as text. Here we are stricter than Go, which puts U+FFFD for what is not UTF-8 and so changes a prompt
/// without a word.
///
/// # Errors
/// A 400 when there is nothing but white space, or something that is not UTF-8.
pub(super) fn text(body: &[u8]) -> Result<&str, DecodeError> {
    if body.trim_ascii().is_empty() {
        return Err(DecodeError::bad_request("missing request body"));
    }
    scan::text(body)
        .map_err(|error| DecodeError::bad_request(format!("the body is not UTF-8 at byte {}", error.valid_up_to())))
}

impl<'a> Fields<'a> {
    /// Reads the first value of a text as an object; `path` is the name of Go's type for it.
    ///
    /// # Errors
    /// A 400 in Go's words for text that is not JSON, or not an object.
    pub(super) fn parse(text: &'a str, path: &'static str) -> Result<Self, DecodeError> {
        if let Some(fields) = scan::object(text) {
            return Ok(Self { fields, path });
        }
        // `null`, or a mistake that has to be named.
        let mut deserializer = serde_json::Deserializer::from_str(text);
        match Pairs::deserialize(&mut deserializer) {
            Ok(Pairs(fields)) => Ok(Self { fields, path }),
            Err(error) if error.classify() == Category::Data => {
                let kind = kind(text.trim_start());
                Err(DecodeError::bad_request(format!("json: cannot unmarshal {kind} into Go value of type api.{path}")))
            }
            Err(error) => Err(syntax(text, &error)),
        }
    }

    /// The raw text of a field that is there and not `null`.
    pub(super) fn raw(&self, key: &str) -> Option<&'a str> {
        self.fields
            .iter()
            .rev()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| *value)
            .filter(|raw| *raw != "null")
    }

    /// A text; `None` for absent and `null`.
    pub(super) fn string(&self, key: &str) -> Result<Option<Cow<'a, str>>, DecodeError> {
        match self.raw(key) {
            None => Ok(None),
            Some(raw) if raw.starts_with('"') => {
                serde_json::from_str(raw).map(|Key(text)| Some(text)).map_err(|error| syntax(raw, &error))
            }
            Some(raw) => Err(self.wrong_type(key, raw, "string")),
        }
    }

    /// A text that is there and not empty.
    pub(super) fn filled(&self, key: &str) -> Result<Option<Cow<'a, str>>, DecodeError> {
        Ok(self.string(key)?.filter(|text| !text.is_empty()))
    }

    /// A truth value.
    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, DecodeError> {
        self.typed(key, "bool")
    }

    /// A whole number.
    pub(super) fn integer(&self, key: &str) -> Result<Option<i64>, DecodeError> {
        self.typed(key, "int")
    }

    /// A JSON object as a tree, key order kept.
    pub(super) fn map(&self, key: &str) -> Result<Option<serde_json::Map<String, Value>>, DecodeError> {
        match self.value(key)? {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(self.wrong_type(key, self.raw(key).unwrap_or_default(), "map[string]interface {}")),
        }
    }

    /// Any value as a tree.
    pub(super) fn value(&self, key: &str) -> Result<Option<Value>, DecodeError> {
        self.raw(key).map(|raw| serde_json::from_str(raw).map_err(|error| syntax(raw, &error))).transpose()
    }

    /// The raw elements of a list; none for absent and `null`. `of` is Go's name for the list's type.
    pub(super) fn list(&self, key: &str, of: &str) -> Result<Vec<&'a str>, DecodeError> {
        match self.raw(key) {
            None => Ok(Vec::new()),
            Some(raw) if raw.starts_with('[') => serde_json::from_str::<Vec<&RawValue>>(raw)
                .map(|elements| elements.into_iter().map(RawValue::get).collect())
                .map_err(|error| syntax(raw, &error)),
            Some(raw) => Err(self.wrong_type(key, raw, of)),
        }
    }

    /// The objects of a list, read in one pass; `of` as in [`Fields::list`], `path` as in [`Fields::parse`].
    pub(super) fn objects(&self, key: &str, of: &str, path: &'static str) -> Result<Vec<Self>, DecodeError> {
        match serde_json::from_str::<Vec<Pairs<'_>>>(self.raw(key).unwrap_or("[]")) {
            Ok(list) => Ok(list.into_iter().map(|Pairs(fields)| Self { fields, path }).collect()),
            // Again, one by one, to tell what is wrong with the first that is.
            Err(_) => self.list(key, of)?.into_iter().map(|raw| Self::parse(raw, path)).collect(),
        }
    }

    /// An object inside this one, `None` for absent and `null`; `path` as in [`Fields::parse`].
    pub(super) fn object(&self, key: &str, path: &'static str) -> Result<Option<Self>, DecodeError> {
        match self.raw(key) {
            None => Ok(None),
            Some(raw) if raw.starts_with('{') => Self::parse(raw, path).map(Some),
            Some(raw) => Err(self.wrong_type(key, raw, &format!("api.{path}"))),
        }
    }

    /// Whether a field is absent, `null`, or the empty value of its type (`""`, `[]`, `{}`, `false`).
    pub(super) fn is_empty(&self, key: &str) -> bool {
        self.raw(key).is_none_or(|raw| match raw.as_bytes() {
            [b'[', inner @ .., b']'] | [b'{', inner @ .., b'}'] => inner.trim_ascii().is_empty(),
            other => other == b"\"\"" || other == b"false",
        })
    }

    /// The fields that are not `null` and not among `known`, as a tree in the client's order.
    pub(super) fn others(&self, known: &[&str]) -> Result<serde_json::Map<String, Value>, DecodeError> {
        self.fields
            .iter()
            .filter(|(name, raw)| **raw != *"null" && !known.iter().any(|key| name.eq_ignore_ascii_case(key)))
            .map(|(name, raw)| match serde_json::from_str(raw) {
                Ok(value) => Ok((name.clone().into_owned(), value)),
                Err(error) => Err(syntax(raw, &error)),
            })
            .collect()
    }

    /// Go's text for a value of the wrong type.
    pub(super) fn wrong_type(&self, key: &str, raw: &str, expected: &str) -> DecodeError {
        let (kind, path) = (kind(raw), self.path);
        DecodeError::field(
            key,
            format!("json: cannot unmarshal {kind} into Go struct field {path}.{key} of type {expected}"),
        )
    }

    fn typed<T: DeserializeOwned>(&self, key: &str, expected: &str) -> Result<Option<T>, DecodeError> {
        self.raw(key).map(|raw| serde_json::from_str(raw).map_err(|_| self.wrong_type(key, raw, expected))).transpose()
    }
}

/// Go's word for what a JSON value is.
fn kind(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'"') => "string",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b't' | b'f') => "bool",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// How the two parsers call the same mistakes: the start of serde's text, the end of Go's.
const MISTAKES: [(&str, &str); 8] = [
    ("expected value", "looking for beginning of value"),
    ("expected `:`", "after object key"),
    ("expected `,` or `}`", "after object key:value pair"),
    ("expected `,` or `]`", "after array element"),
    ("key must be a string", "looking for beginning of object key string"),
    ("control character", "in string literal"),
    ("invalid escape", "in string escape code"),
    ("invalid number", "in numeric literal"),
];

/// What Go says about text that is not JSON.
fn syntax(text: &str, error: &serde_json::Error) -> DecodeError {
    if error.is_eof() {
        return DecodeError::bad_request("unexpected EOF");
    }
    let told = error.to_string();
    if told.starts_with("recursion limit") {
        return DecodeError::bad_request("exceeded max depth");
    }
    // serde counts the column in bytes from one; the byte there may be inside a character.
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let found = line.get(error.column().saturating_sub(1)..).and_then(|rest| rest.chars().next());
    let tail = MISTAKES.iter().find(|(ours, _)| told.starts_with(ours)).map(|(_, theirs)| *theirs);
    DecodeError::bad_request(match (found, tail) {
        (Some(found), Some(tail)) => format!("invalid character {found:?} {tail}"),
        (Some(found), None) => format!("invalid character {found:?} looking for beginning of value"),
        (None, _) => format!("invalid JSON: {told}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        Fields::parse(text, "ChatRequest").unwrap_err().message
    }

    #[test]
    fn broken_json_is_refused_in_the_words_of_go() {
        assert_eq!(text(b" \n").unwrap_err().message, "missing request body");
        assert_eq!(message("{"), "unexpected EOF");
        assert_eq!(message("{\"a\":\"b"), "unexpected EOF");
        assert_eq!(message("xyz"), "invalid character 'x' looking for beginning of value");
        assert_eq!(message("{\"a\":x}"), "invalid character 'x' looking for beginning of value");
        assert_eq!(message("{\"a\" 1}"), "invalid character '1' after object key");
        assert_eq!(message("{\"a\":1 \"b\"}"), "invalid character '\"' after object key:value pair");
        assert_eq!(message("{a:1}"), "invalid character 'a' looking for beginning of object key string");
        assert_eq!(message("[]"), "json: cannot unmarshal array into Go value of type api.ChatRequest");
        assert_eq!(message("7"), "json: cannot unmarshal number into Go value of type api.ChatRequest");
    }

    #[test]
    fn keys_match_in_any_case_and_the_last_one_wins() {
        let fields = Fields::parse(r#"{"model":"a","MODEL":"b","x":1} trailing"#, "ChatRequest").unwrap();
        assert_eq!(fields.string("model").unwrap().as_deref(), Some("b"));
    }

    #[test]
    fn null_is_the_same_as_absent() {
        let fields = Fields::parse(r#"{"model":null,"stream":null,"list":null}"#, "ChatRequest").unwrap();
        assert_eq!(fields.string("model").unwrap(), None);
        assert_eq!(fields.boolean("stream").unwrap(), None);
        assert!(fields.list("list", "[]string").unwrap().is_empty());
        assert!(Fields::parse("null", "ChatRequest").unwrap().raw("model").is_none());
    }

    #[test]
    fn a_wrong_type_names_the_field() {
        let fields = Fields::parse(r#"{"model":7,"stream":"yes","messages":{}}"#, "ChatRequest").unwrap();
        let told = "json: cannot unmarshal number into Go struct field ChatRequest.model of type string";
        assert_eq!(fields.string("model").unwrap_err(), DecodeError::field("model", told));
        assert!(fields.boolean("stream").unwrap_err().message.contains("ChatRequest.stream of type bool"));
        assert!(fields.list("messages", "[]api.Message").unwrap_err().message.contains("object into"));
    }

    #[test]
    fn bytes_that_are_not_utf8_become_replacement_characters() {
        let error = text(b"{\"model\":\"a\xffb\"}").unwrap_err();
        assert_eq!((error.status, error.message.as_str()), (400, "the body is not UTF-8 at byte 11"));
    }

    #[test]
    fn deep_nesting_is_refused_without_a_crash() {
        let body = format!("{{\"x\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let fields = Fields::parse(&body, "ChatRequest").unwrap();
        assert_eq!(fields.value("x").unwrap_err().message, "exceeded max depth");
    }
}
