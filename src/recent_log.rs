//! The last lines of the log, in memory, for whoever watches them on the admin listener.
//!
//! Lines are JSON as `LOG_FORMAT=json` has them. What is kept is bounded in lines and in bytes; nobody ever waits for
//! somebody who watches.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tracing::Level;

/// Lines kept at most.
const MOST_LINES: usize = 1_000;
/// Bytes of all lines at most.
const MOST_BYTES: usize = 512 << 10;
/// A longer line is not kept, only that it was there.
const LONGEST: usize = 16 << 10;

/// A line.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// Counts from 1 at the start.
    pub number: u64,
    /// How bad it is.
    pub level: Level,
    /// A JSON object.
    pub json: String,
}

/// The last lines.
#[derive(Debug, Default)]
pub struct RecentLog {
    lines: Mutex<Lines>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<LogLine>,
    size_bytes: usize,
    written: u64,
    is_closed: bool,
}

impl RecentLog {
    /// Adds a line, at the expense of the oldest ones.
    pub fn push(&self, level: Level, json: &str) {
        let json = json.trim_end();
        let short;
        let json = if json.len() <= LONGEST {
            json
        } else {
            short = format!(
                "{{\"level\":\"{level}\",\"message\":\"a line of {} bytes, too long to be kept here\"}}",
                json.len()
            );
            &short
        };
        let mut lines = self.lines();
        lines.written += 1;
        // There is a line for every answer, and most are of a length: the oldest one's room is taken for the newest one.
        let mut room = String::new();
        while lines.kept.len() >= MOST_LINES || lines.size_bytes + json.len() > MOST_BYTES {
            let Some(oldest) = lines.kept.pop_front() else { break };
            lines.size_bytes -= oldest.json.len();
            room = oldest.json;
        }
        room.clear();
        room.push_str(json);
        if room.capacity() > 2 * room.len() {
            room.shrink_to_fit();
        }
        lines.size_bytes += room.len();
        let line = LogLine { number: lines.written, level, json: room };
        lines.kept.push_back(line);
        drop(lines);
        self.added.notify_waiters();
    }

    /// The lines after one of this number that are at least so bad; `None`: there will be no more, and were none.
    pub fn after(&self, number: u64, level: Level) -> Option<Vec<LogLine>> {
        let lines = self.lines();
        let from = lines.kept.partition_point(|line| line.number <= number);
        let found: Vec<_> = lines.kept.range(from..).filter(|line| line.level <= level).cloned().collect();
        (!found.is_empty() || !lines.is_closed).then_some(found)
    }

    /// The number of the last line.
    pub fn last(&self) -> u64 {
        self.lines().written
    }

    /// Completes when a line is added after this call, or when there will be no more.
    pub fn added(&self) -> Notified<'_> {
        self.added.notified()
    }

    /// Lets go whoever watches: the program stops.
    pub fn close(&self) {
        self.lines().is_closed = true;
        self.added.notify_waiters();
    }

    /// Nothing in here can be half-done for long enough to matter.
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_up_to_both_bounds() {
        let log = RecentLog::default();
        for number in 0..1_500 {
            let level = if number % 2 == 0 { Level::INFO } else { Level::WARN };
            log.push(level, &format!("{{\"n\":{number}}}\n"));
        }
        let all = log.after(0, Level::TRACE).unwrap();
        assert_eq!((all.len(), all[0].number, all[999].json.as_str()), (1_000, 501, "{\"n\":1499}"));
        assert_eq!(log.after(0, Level::WARN).unwrap().len(), 500);
        assert_eq!(log.after(1_498, Level::INFO).unwrap().len(), 2);
        for _ in 0..100 {
            log.push(Level::ERROR, &"x".repeat(LONGEST));
        }
        assert_eq!(log.after(0, Level::ERROR).unwrap().len(), MOST_BYTES / LONGEST);
        log.push(Level::ERROR, &"x".repeat(LONGEST + 1));
        let last = log.after(log.last() - 1, Level::ERROR).unwrap();
        assert!(last[0].json.contains("16385 bytes"), "{}", last[0].json);
        log.close();
        assert!(log.after(log.last() - 1, Level::ERROR).is_some());
        assert!(log.after(log.last(), Level::ERROR).is_none());
    }
}
