//! One JSON object per line: `timestamp`, `level`, then the fields of the event, its text as `message`.
//!
//! tracing-subscriber has such a format too, which takes three times the instructions; with a line for every answer that
//! was a fifteenth of all the relay does.

use std::fmt::Debug;
use std::io::Write;
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::json::{self, Members};
use crate::recent_log::RecentLog;

/// Most lines are shorter.
const LINE_BYTES: usize = 512;

/// Makes each event a line, once, for memory and for standard error. Spans are left out: the program has none.
pub(super) struct JsonLines {
    pub(super) recent: Arc<RecentLog>,
    /// Standard error takes JSON too.
    pub(super) to_stderr: bool,
}

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let line = line(event, jiff::Timestamp::now());
        if self.to_stderr {
            // A log that nobody takes is no reason to stop.
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        }
        self.recent.push(*event.metadata().level(), &line);
    }
}

fn line(event: &Event<'_>, now: jiff::Timestamp) -> String {
    let mut line = Vec::with_capacity(LINE_BYTES);
    json::object(&mut line, |members| {
        members.value("timestamp", &format_args!("{now:.6}"));
        members.text("level", event.metadata().level().as_str());
        event.record(&mut Fields(members));
    });
    line.push(b'\n');
    // Only texts and JSON were written to it.
    String::from_utf8(line).unwrap_or_default()
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

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.value(field.name(), &format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Keeps the lines of all events.
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
            self.0.lock().unwrap().push(line(event, "2026-11-21T08:00:00.000001Z".parse().unwrap()));
        }
    }

    fn lines_of(work: impl FnOnce()) -> Vec<String> {
        let lines = Arc::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Kept(Arc::clone(&lines))), work);
        lines.lock().unwrap().clone()
    }

    #[test]
    fn an_event_is_one_line_of_json_whatever_is_in_it() {
        let error = std::io::Error::other("no \"luck\"");
        let lines = lines_of(|| {
            tracing::warn!(
                request.id = "a\n\"b\"",
                count = 3_u64,
                change = -1_i64,
                share = 0.5,
                is_true = true,
                absent = None::<u64>,
                error = &error as &dyn std::error::Error,
                shown = %"x\ty",
                "two\nlines"
            );
        });
        assert_eq!(lines[0].matches('\n').count(), 1, "{}", lines[0]);
        let expected = json!({
            "timestamp": "2026-11-21T08:00:00.000001Z", "level": "WARN", "message": "two\nlines",
            "request.id": "a\n\"b\"", "count": 3, "change": -1, "share": 0.5, "is_true": true,
            "error": "no \"luck\"", "shown": "x\ty",
        });
        assert_eq!(serde_json::from_str::<Value>(&lines[0]).unwrap(), expected);
    }
}
