//! An event as it is kept: its values, of which JSON is made when somebody looks.

use std::error::Error;
use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata};

use super::json;
use crate::json::{Members, object};

/// Bytes of a text that are kept; of a longer one, its beginning.
const TEXT_BYTES: usize = 4 << 10;

/// An event.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    at: jiff::Timestamp,
    metadata: &'static Metadata<'static>,
    values: Vec<(u8, Value)>,
    /// All texts, one after the other.
    texts: String,
}

/// A value, and with it the number of its field.
#[derive(Debug, Clone, Copy)]
enum Value {
    /// So many bytes of the texts, behind those of the values before.
    Text(usize),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Flag(bool),
}

impl Kept {
    pub(super) fn new(event: &Event<'_>, at: jiff::Timestamp) -> Self {
        let metadata = event.metadata();
        let values = Vec::with_capacity(metadata.fields().len());
        let mut kept = Self { at, metadata, values, texts: String::new() };
        event.record(&mut kept);
        kept
    }

    pub(super) fn level(&self) -> Level {
        *self.metadata.level()
    }

    /// About what it takes of memory.
    pub(super) fn size_bytes(&self) -> usize {
        self.texts.capacity() + size_of_val(&*self.values)
    }

    /// The line that `LOG_FORMAT=json` has of it, without its line feed. `number` comes first, as `n`.
    pub(super) fn json(&self, number: u64) -> String {
        let mut line = Vec::new();
        object(&mut line, |members| {
            members.value("n", &number);
            json::begin(members, self.at, self.level());
            self.add_to(members);
        });
        // Only texts and JSON were written to it.
        String::from_utf8(line).unwrap_or_default()
    }

    fn add_to(&self, members: &mut Members<'_>) {
        let mut texts = self.texts.as_str();
        for (field, value) in &self.values {
            let name = self.metadata.fields().iter().nth((*field).into()).map_or("", |field| field.name());
            match value {
                Value::Text(length) => {
                    let (text, rest) = texts.split_at(*length);
                    members.text(name, text);
                    texts = rest;
                }
                Value::Signed(number) => members.value(name, number),
                Value::Unsigned(number) => members.value(name, number),
                Value::Float(number) => members.value(name, number),
                Value::Flag(flag) => members.value(name, flag),
            }
        }
    }

    fn push(&mut self, field: &Field, value: Value) {
        // tracing allows 32 fields.
        self.values.push((u8::try_from(field.index()).unwrap_or(u8::MAX), value));
    }

    /// Notes that a text was appended behind `start`, and cuts it where it is too long.
    fn push_text(&mut self, field: &Field, start: usize) {
        if self.texts.len() - start > TEXT_BYTES {
            let cut = self.texts.floor_char_boundary(start + TEXT_BYTES);
            let missing = self.texts.len() - cut;
            self.texts.truncate(cut);
            // Writing to a String cannot fail.
            let _ = write!(self.texts, "… and {missing} bytes more");
        }
        self.push(field, Value::Text(self.texts.len() - start));
    }
}

impl Visit for Kept {
    fn record_str(&mut self, field: &Field, value: &str) {
        let start = self.texts.len();
        self.texts.push_str(value);
        self.push_text(field, start);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, Value::Unsigned(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, Value::Flag(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, Value::Float(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_str(field, &super::with_causes(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let start = self.texts.len();
        let _ = write!(self.texts, "{value:?}");
        self.push_text(field, start);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::super::Format;
    use super::super::tests::{every_kind, logged};
    use super::*;

    #[test]
    fn what_is_kept_says_what_the_line_of_json_said() {
        let (lines, recent) = logged(Format::Json, every_kind);
        let kept = recent.after(0, Level::TRACE).unwrap();
        let mut kept: Json = serde_json::from_str(&kept[0].json()).unwrap();
        assert_eq!(kept.as_object_mut().unwrap().shift_remove("n"), Some(1.into()));
        assert_eq!(kept, serde_json::from_str::<Json>(&lines[0]).unwrap());
    }

    #[test]
    fn of_a_long_text_its_beginning_is_kept() {
        let (_, recent) = logged(Format::Json, || tracing::info!(body = "ü".repeat(TEXT_BYTES), after = 1));
        let kept: Json = serde_json::from_str(&recent.after(0, Level::TRACE).unwrap()[0].json()).unwrap();
        let expected = format!("{}… and {TEXT_BYTES} bytes more", "ü".repeat(TEXT_BYTES / 2));
        assert_eq!((kept["body"].as_str(), &kept["after"]), (Some(expected.as_str()), &1.into()));
    }
}
