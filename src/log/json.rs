//! One JSON object per line.

use std::error::Error;
use std::fmt::Debug;

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use crate::json::{self, Members};

/// Most lines are shorter.
const LINE_BYTES: usize = 512;

/// The line of an event, with its line feed.
pub(super) fn line(event: &Event<'_>, now: jiff::Timestamp) -> Vec<u8> {
    let mut line = Vec::with_capacity(LINE_BYTES);
    json::object(&mut line, |members| {
        begin(members, now, *event.metadata().level());
        event.record(&mut Fields(members));
    });
    line.push(b'\n');
    line
}

/// What every line begins with.
pub(super) fn begin(members: &mut Members<'_>, at: jiff::Timestamp, level: Level) {
    members.value("timestamp", &format_args!("{at:.6}"));
    members.text("level", level.as_str());
}

/// The fields of an event, as members of its line.
struct Fields<'a, 'b>(&'a mut Members<'b>);

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.text(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.value(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.value(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.value(field.name(), &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.value(field.name(), &value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.text(field.name(), &super::with_causes(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.value(field.name(), &format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Format;
    use super::super::tests::{every_kind, logged};

    #[test]
    fn an_event_is_one_line_of_json_whatever_is_in_it() {
        let (lines, _) = logged(Format::Json, every_kind);
        assert_eq!(lines[0].matches('\n').count(), 1, "{}", lines[0]);
        let mut line: Value = serde_json::from_str(&lines[0]).unwrap();
        let timestamp = line["timestamp"].take();
        assert!(timestamp.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{timestamp}");
        let expected = json!({
            "timestamp": null, "level": "WARN", "message": "two\nlines",
            "request.id": "a\n\"b\"", "count": 3, "change": -1, "share": 0.5, "is_true": true,
            "error": "no \"luck\"", "shown": "x\ty",
        });
        assert_eq!(line, expected);
    }
}
