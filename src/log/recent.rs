//! The last events of the log, in memory, for whoever watches them on the admin listener.
//!
//! What is kept is bounded in events and in bytes; nobody ever waits for somebody who watches.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tracing::Level;

use super::kept::Kept;

/// Events kept at most.
const MOST_EVENTS: usize = 1_000;
/// Bytes of all of them at most.
const MOST_BYTES: usize = 512 << 10;

/// A line of the log.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// Counts from 1 at the start.
    pub number: u64,
    event: Kept,
}

impl LogLine {
    /// A JSON object as `LOG_FORMAT=json` has it, with the number as `n`.
    pub fn json(&self) -> String {
        self.event.json(self.number)
    }
}

/// The last events.
#[derive(Debug, Default)]
pub struct RecentLog {
    events: Mutex<Events>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Events {
    kept: VecDeque<Kept>,
    size_bytes: usize,
    /// The number of the newest one.
    written: u64,
    is_closed: bool,
}

impl Events {
    /// The number of the oldest one that is kept.
    fn first(&self) -> u64 {
        // As many as are kept were written.
        self.written + 1 - u64::try_from(self.kept.len()).unwrap_or_default()
    }
}

impl RecentLog {
    /// Adds an event, at the expense of the oldest ones.
    pub(super) fn push(&self, event: Kept) {
        let mut events = self.events();
        events.written += 1;
        events.size_bytes += event.size_bytes();
        events.kept.push_back(event);
        while events.kept.len() > MOST_EVENTS || events.size_bytes > MOST_BYTES {
            let Some(oldest) = events.kept.pop_front() else { break };
            events.size_bytes -= oldest.size_bytes();
        }
        drop(events);
        self.added.notify_waiters();
    }

    /// The lines after one of this number that are at least so bad; `None`: there will be no more, and were none.
    pub fn after(&self, number: u64, level: Level) -> Option<Vec<LogLine>> {
        let events = self.events();
        let numbered = (events.first()..).zip(&events.kept);
        let found: Vec<_> = numbered
            .filter(|(of, event)| *of > number && event.level() <= level)
            .map(|(number, event)| LogLine { number, event: event.clone() })
            .collect();
        (!found.is_empty() || !events.is_closed).then_some(found)
    }

    /// The number of the last line.
    pub fn last(&self) -> u64 {
        self.events().written
    }

    /// Completes when a line is added after this call, or when there will be no more.
    pub fn added(&self) -> Notified<'_> {
        self.added.notified()
    }

    /// Lets go whoever watches: the program stops.
    pub fn close(&self) {
        self.events().is_closed = true;
        self.added.notify_waiters();
    }

    /// Nothing in here can be half-done for long enough to matter.
    fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::logged;
    use super::*;

    #[test]
    fn the_last_events_are_kept_up_to_both_bounds() {
        let (_, log) = logged(Format::Json, || {
            for number in 0..750 {
                tracing::info!(number);
                tracing::warn!(number);
            }
        });
        let all = log.after(0, Level::TRACE).unwrap();
        assert_eq!((all.len(), all[0].number, all[999].number), (1_000, 501, 1_500));
        assert!(all[999].json().starts_with("{\"n\":1500,\"timestamp\":\""), "{}", all[999].json());
        assert!(all[999].json().ends_with("\"level\":\"WARN\",\"number\":749}"), "{}", all[999].json());
        assert_eq!(log.after(0, Level::WARN).unwrap().len(), 500);
        assert_eq!(log.after(1_498, Level::INFO).unwrap().len(), 2);
        log.close();
        assert!(log.after(log.last() - 1, Level::WARN).is_some());
        assert!(log.after(log.last(), Level::ERROR).is_none());

        let (_, log) = logged(Format::Json, || {
            for _ in 0..MOST_BYTES / 1_000 + 100 {
                tracing::error!(text = "x".repeat(1_000));
            }
        });
        let kept = log.after(0, Level::TRACE).unwrap().len();
        assert!((400..=MOST_BYTES / 1_000).contains(&kept), "{kept}");
    }
}
