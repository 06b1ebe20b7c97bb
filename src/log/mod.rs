//! The log: every event is a line of text or JSON, and the last events stay in memory for whoever looks at them on the
//! admin listener.
//!
//! There is a line for every answer, so a line is made once, in the format it leaves in, and what stays in memory is not
//! made a text of until somebody asks for it. tracing-subscriber's own formats take three times the instructions; with a
//! line for every answer that was a fifteenth of all the relay does.

mod json;
mod kept;
mod output;
mod recent;
mod text;

use std::error::Error;
use std::sync::Arc;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use kept::Kept;
pub use output::Output;
pub use recent::{LogLine, RecentLog};

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people; coloured where a terminal shows it.
    Text {
        /// With ANSI's colours.
        colored: bool,
    },
    /// For machines: an object with `timestamp`, `level`, the event's text as `message`, and its fields.
    Json,
}

/// Makes each event a line. Spans are left out: the program has none.
#[derive(Debug)]
pub struct Lines<W> {
    format: Format,
    recent: Arc<RecentLog>,
    write: W,
}

impl<W: Fn(&[u8])> Lines<W> {
    /// Lines that are handed to `write`, each with its line feed: an [`Output`] does not make whoever logs wait.
    pub fn new(format: Format, recent: Arc<RecentLog>, write: W) -> Self {
        Self { format, recent, write }
    }
}

impl<S: Subscriber, W: Fn(&[u8]) + 'static> Layer<S> for Lines<W> {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let now = jiff::Timestamp::now();
        let line = match self.format {
            Format::Text { colored } => text::line(event, now, colored),
            Format::Json => json::line(event, now),
        };
        (self.write)(&line);
        self.recent.push(Kept::new(event, now));
    }
}

/// An error with what caused it, as far as its own words do not say that already.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words.push_str(": ");
            words.push_str(&cause_words);
        }
        next = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What the log has of what `work` does: its lines, and what it keeps.
    pub(super) fn logged(format: Format, work: impl FnOnce()) -> (Vec<String>, Arc<RecentLog>) {
        let (written, recent) = (Arc::new(Mutex::new(Vec::new())), Arc::new(RecentLog::default()));
        let taken = Arc::clone(&written);
        let lines = Lines::new(format, Arc::clone(&recent), move |line: &[u8]| {
            taken.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap());
        });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
        let written = written.lock().unwrap().clone();
        (written, recent)
    }

    /// An event with a value of every kind.
    pub(super) fn every_kind() {
        let error = std::io::Error::other("no \"luck\"");
        tracing::warn!(
            request.id = "a\n\"b\"",
            count = 3_u64,
            change = -1_i64,
            share = 0.5,
            is_true = true,
            absent = None::<u64>,
            error = &error as &dyn Error,
            shown = %"x\ty",
            "two\nlines"
        );
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Failure {
        words: &'static str,
        source: Option<Box<Failure>>,
    }

    #[test]
    fn an_error_is_told_with_what_caused_it() {
        let disk = Failure { words: "the disk is full", source: None };
        let write = Failure { words: "cannot write: the disk is full", source: Some(Box::new(disk)) };
        let save = Failure { words: "not saved", source: Some(Box::new(write)) };
        assert_eq!(with_causes(&save), "not saved: cannot write: the disk is full");
    }
}
