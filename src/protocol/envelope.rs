//! The top level of a JSON body: read what routing needs, edit single fields, leave every other byte as it was.
//!
//! Values are kept as raw text, so numbers, key order and fields of tomorrow survive.
//! This is what makes forwarding cheap and lossless.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{DecodeError, scan};

pub use super::scan::MAX_DEPTH;

/// The fields of a JSON object, values untouched.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    fields: Vec<(Cow<'a, str>, Value<'a>)>,
}

#[derive(Debug, Clone)]
enum Value<'a> {
    Original(&'a str),
    Edited(String),
}

impl Value<'_> {
    fn get(&self) -> &str {
        match self {
            Self::Original(text) => text,
            Self::Edited(text) => text,
        }
    }
}

impl<'a> Envelope<'a> {
    /// Reads the first JSON value of `body`, which must be an object. Whatever follows it is ignored.
    ///
    /// # Errors
    /// A 400 that says where the JSON is broken, nested too deeply, or not an object.
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        match scan::text(body).ok().and_then(scan::object) {
            Some(fields) => {
                Ok(Self { fields: fields.into_iter().map(|(name, value)| (name, Value::Original(value))).collect() })
            }
            None => Self::parse_slowly(body),
        }
    }

    /// The same with a parser that says what is wrong.
    fn parse_slowly(body: &'a [u8]) -> Result<Self, DecodeError> {
        if too_deep(body) {
            return Err(DecodeError::bad_request(format!("the JSON body is nested deeper than {MAX_DEPTH} levels")));
        }
        let body = scan::text(body)
            .map_err(|error| DecodeError::bad_request(format!("the body is not a JSON object: {error}")))?;
        let mut deserializer = serde_json::Deserializer::from_str(body);
        Self::deserialize(&mut deserializer)
            .map_err(|error| DecodeError::bad_request(format!("the body is not a JSON object: {error}")))
    }

    /// The raw JSON text of a field. With duplicates, the last one (as JSON parsers everywhere do).
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.get())
    }

    /// The first name that stands more than once, if any. A relay that checks one value and forwards the other is a hole.
    pub fn duplicate(&self) -> Option<&str> {
        self.fields
            .iter()
            .enumerate()
            .find(|(at, (name, _))| self.fields[..*at].iter().any(|(earlier, _)| earlier == name))
            .map(|(_, (name, _))| name.as_ref())
    }

    /// A field as a typed value. `null` and absence are both `None`.
    ///
    /// # Errors
    /// A 400 naming the field when its type is wrong.
    pub fn read<T: for<'de> Deserialize<'de>>(&self, key: &str) -> Result<Option<T>, DecodeError> {
        match self.get(key) {
            None => Ok(None),
            Some(raw) => serde_json::from_str::<Option<T>>(raw)
                .map_err(|error| DecodeError::field(key, format!("`{key}` has the wrong type: {error}"))),
        }
    }

    /// Sets a field to raw JSON text, in place when it exists, else at the end.
    pub fn set(&mut self, key: &str, json: impl Into<String>) {
        let value = Value::Edited(json.into());
        match self.fields.iter_mut().rev().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.fields.push((Cow::Owned(key.to_owned()), value)),
        }
    }

    /// Removes a field; says whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let before = self.fields.len();
        self.fields.retain(|(name, _)| name != key);
        before != self.fields.len()
    }

    /// Gives a field another name, keeping value and place; says whether it was there.
    pub fn rename(&mut self, from: &str, to: &str) -> bool {
        match self.fields.iter_mut().rev().find(|(name, _)| name == from) {
            Some((name, _)) => {
                *name = Cow::Owned(to.to_owned());
                true
            }
            None => false,
        }
    }

    /// Removes every field whose value is `null`.
    pub fn strip_nulls(&mut self) {
        self.fields.retain(|(_, value)| value.get() != "null");
    }

    /// The field names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_ref())
    }

    /// Writes the object.
    pub fn to_vec(&self) -> Vec<u8> {
        let size = self.fields.iter().map(|(name, value)| name.len() + value.get().len() + 4).sum::<usize>() + 2;
        let mut out = Vec::with_capacity(size);
        out.push(b'{');
        for (at, (name, value)) in self.fields.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            serde_json::to_writer(&mut out, name).expect("a string always serialises");
            out.push(b':');
            out.extend_from_slice(value.get().as_bytes());
        }
        out.push(b'}');
        out
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(Cow<'de, str>, Value<'de>)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(16);
                while let Some(Key(key)) = map.next_key()? {
                    fields.push((key, Value::Original(map.next_value::<&RawValue>()?.get())));
                }
                Ok(fields)
            }
        }

        Ok(Self { fields: deserializer.deserialize_map(Fields)? })
    }
}

/// A key that borrows where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Whether brackets nest deeper than [`MAX_DEPTH`]. Strings are jumped over, so long prompts cost little.
fn too_deep(body: &[u8]) -> bool {
    if memchr::memchr2_iter(b'{', b'[', body).nth(MAX_DEPTH).is_none() {
        return false;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => loop {
                match memchr::memchr2(b'"', b'\\', &body[at..]) {
                    Some(found) if body[at + found] == b'\\' => at = (at + found + 2).min(body.len()),
                    Some(found) => {
                        at += found + 1;
                        break;
                    }
                    None => return false,
                }
            },
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(body: &str, edit: impl FnOnce(&mut Envelope<'_>)) -> String {
        let mut envelope = Envelope::parse(body.as_bytes()).unwrap();
        edit(&mut envelope);
        String::from_utf8(envelope.to_vec()).unwrap()
    }

    #[test]
    fn untouched_values_keep_every_byte() {
        let body = r#"{"model":"a","n":12345678901234567890123,"x":1.10,"tools":[{"z":1, "a":2}],"s":"\u00e9"}"#;
        assert_eq!(edited(body, |envelope| envelope.set("model", "\"b\"")), body.replace("\"a\",\"n\"", "\"b\",\"n\""));
    }

    #[test]
    fn fields_can_be_removed_renamed_and_added() {
        let body = r#"{"max_tokens":5,"seed":null,"user":"u"}"#;
        let result = edited(body, |envelope| {
            assert!(envelope.rename("max_tokens", "max_completion_tokens"));
            assert!(envelope.remove("user"));
            assert!(!envelope.remove("user"));
            envelope.strip_nulls();
            envelope.set("stream", "true");
        });
        assert_eq!(result, r#"{"max_completion_tokens":5,"stream":true}"#);
    }

    #[test]
    fn duplicates_are_seen() {
        let envelope = Envelope::parse(br#"{"model":"a","x":1,"model":"b"}"#).unwrap();
        assert_eq!(envelope.duplicate(), Some("model"));
        assert_eq!(envelope.get("model"), Some("\"b\""));
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for body in ["", "{", "[]", "\"x\"", "{\"a\":}", "{\"a\" 1}", "{\"a\":1,}", "nul"] {
            let error = Envelope::parse(body.as_bytes()).unwrap_err();
            assert_eq!(error.status, 400, "{body}");
            assert!(error.message.contains("column"), "{body}: {}", error.message);
        }
        let error = Envelope::parse(b"{\"a\":\"\xff\"}").unwrap_err();
        assert_eq!((error.status, error.message.contains("utf-8")), (400, true), "{}", error.message);
    }

    #[test]
    fn deep_nesting_is_refused_but_brackets_in_strings_are_not() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(Envelope::parse(deep.as_bytes()).unwrap_err().message.contains("nested"));
        let text = format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(10_000), "{".repeat(10_000));
        assert!(Envelope::parse(text.as_bytes()).is_ok());
        let wide = format!("{{\"a\":[{}1]}}", "[1],".repeat(10_000));
        assert!(Envelope::parse(wide.as_bytes()).is_ok());
    }

    #[test]
    fn typed_reads_name_the_field() {
        let envelope = Envelope::parse(br#"{"stream":"yes","model":null}"#).unwrap();
        assert_eq!(envelope.read::<String>("model"), Ok(None));
        let error = envelope.read::<bool>("stream").unwrap_err();
        assert_eq!(error.param.as_deref(), Some("stream"));
    }
}
