//! Lines for people: time, level, the event's text, and its fields as `name=value`.

use std::error::Error;
use std::fmt::Debug;
use std::io::Write;

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use crate::json;

/// Most lines are shorter.
const LINE_BYTES: usize = 512;

const DIM: &[u8] = b"\x1b[2m";
const ITALIC: &[u8] = b"\x1b[3m";
const RESET: &[u8] = b"\x1b[0m";

/// The line of an event, with its line feed.
pub(super) fn line(event: &Event<'_>, now: jiff::Timestamp, colored: bool) -> Vec<u8> {
    let mut line = Line { out: Vec::with_capacity(LINE_BYTES), colored };
    let (color, level) = match *event.metadata().level() {
        Level::ERROR => (b"\x1b[31m", "ERROR"),
        Level::WARN => (b"\x1b[33m", " WARN"),
        Level::INFO => (b"\x1b[32m", " INFO"),
        Level::DEBUG => (b"\x1b[34m", "DEBUG"),
        Level::TRACE => (b"\x1b[35m", "TRACE"),
    };
    // Writing to a Vec cannot fail.
    line.styled(DIM, |out| drop(write!(out, "{now:.6}")));
    line.out.push(b' ');
    line.styled(color, |out| out.extend_from_slice(level.as_bytes()));
    event.record(&mut line);
    line.out.push(b'\n');
    line.out
}

/// A line being written.
struct Line {
    out: Vec<u8>,
    colored: bool,
}

impl Line {
    fn styled(&mut self, style: &[u8], append: impl FnOnce(&mut Vec<u8>)) {
        if self.colored {
            self.out.extend_from_slice(style);
        }
        append(&mut self.out);
        if self.colored {
            self.out.extend_from_slice(RESET);
        }
    }

    /// Begins a field; its value is to be appended to what is returned. The event's own text has no name.
    fn named(&mut self, field: &Field) -> &mut Vec<u8> {
        self.out.push(b' ');
        if field.name() != "message" {
            self.styled(ITALIC, |out| out.extend_from_slice(field.name().as_bytes()));
            self.styled(DIM, |out| out.push(b'='));
        }
        &mut self.out
    }
}

impl Visit for Line {
    /// Within quotes, its control characters escaped: it may be a stranger's text, and must not forge a line.
    fn record_str(&mut self, field: &Field, value: &str) {
        json::text(self.named(field), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        json::value(self.named(field), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        json::value(self.named(field), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        json::value(self.named(field), &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        json::value(self.named(field), &value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        json::text(self.named(field), &super::with_causes(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let out = self.named(field);
        let start = out.len();
        let _ = write!(out, "{value:?}");
        escape_controls(out, start);
    }
}

/// Escapes the control characters that stand after `start`.
fn escape_controls(out: &mut Vec<u8>, start: usize) {
    if out[start..].iter().any(u8::is_ascii_control) {
        let raw = out.split_off(start);
        for byte in raw {
            if byte.is_ascii_control() {
                out.extend(std::ascii::escape_default(byte));
            } else {
                out.push(byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{every_kind, logged};

    fn without_time(line: &str) -> &str {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
        rest
    }

    #[test]
    fn an_event_is_one_line_of_text_whatever_is_in_it() {
        let (lines, _) = logged(Format::Text { colored: false }, every_kind);
        let expected = " WARN two\\nlines request.id=\"a\\n\\\"b\\\"\" count=3 change=-1 share=0.5 is_true=true \
                        error=\"no \\\"luck\\\"\" shown=x\\ty\n";
        assert_eq!(without_time(&lines[0]), expected);
    }

    #[test]
    fn terminals_show_level_and_names_in_their_colours() {
        let (lines, _) = logged(Format::Text { colored: true }, || tracing::error!(count = 1, "\u{1b}[2J"));
        let end = "\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m \\x1b[2J \u{1b}[3mcount\u{1b}[0m\u{1b}[2m=\u{1b}[0m1\n";
        assert!(lines[0].starts_with("\u{1b}[2m2"), "{:?}", lines[0]);
        assert!(lines[0].ends_with(end), "{:?}", lines[0]);
    }
}
