//! The records at the end of the current segment, still in memory: whoever copies them need not read them back.

use std::ops::Range;

use super::segment::Batch;
use crate::tracking::UsageRecord;

/// Bytes of lines whose records are kept: some 2,500 records, a few megabytes of memory.
const KEPT_BYTES: u64 = 2 * 1024 * 1024;

/// The records of one unbroken range of the segment, all of them and nothing else.
///
/// It is only ever a shortcut, the file has every record. So whatever does not fit the range is not kept: lines that
/// come while there is no room, and lines after one that was cut short. Once the range has been taken it starts anew at
/// the end of the file, and what lies between is read from there.
#[derive(Debug)]
pub(super) struct Recent {
    range: Range<u64>,
    #[expect(clippy::vec_box, reason = "records arrive boxed, and moving one costs more than its pointer")]
    records: Vec<Box<UsageRecord>>,
    kept_bytes: u64,
}

impl Recent {
    /// For a new segment.
    pub(super) fn new() -> Self {
        Self::with_kept_bytes(KEPT_BYTES)
    }

    pub(super) fn with_kept_bytes(kept_bytes: u64) -> Self {
        Self { range: 0..0, records: Vec::new(), kept_bytes }
    }

    /// From here on everything is here or still to come: what lies before it is in the file alone.
    pub(super) fn start(&self) -> u64 {
        self.range.start
    }

    /// Keeps the record of the line that was just written, or gives it back.
    pub(super) fn push(&mut self, record: Box<UsageRecord>, line: &Range<u64>) -> Option<Box<UsageRecord>> {
        if line.start != self.range.end || line.end - self.range.start > self.kept_bytes {
            return Some(record);
        }
        self.range.end = line.end;
        self.records.push(record);
        None
    }

    /// Hands out what is kept and goes on at the end of the file.
    pub(super) fn take(&mut self, file_size: u64) -> Batch {
        let range = std::mem::replace(&mut self.range, file_size..file_size);
        Batch {
            records: std::mem::take(&mut self.records),
            end: range.end,
            unreadable: 0,
            is_last: range.end == file_size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> Box<UsageRecord> {
        Box::new(UsageRecord { id: id.into(), ..UsageRecord::default() })
    }

    fn ids(batch: &Batch) -> Vec<&str> {
        batch.records.iter().map(|record| record.id.as_str()).collect()
    }

    #[test]
    fn lines_that_follow_each_other_are_kept_and_handed_out_once() {
        let mut recent = Recent::new();
        assert!(recent.push(record("a"), &(0..10)).is_none());
        assert!(recent.push(record("b"), &(10..25)).is_none());
        let batch = recent.take(25);
        assert_eq!((ids(&batch), batch.end, batch.is_last), (vec!["a", "b"], 25, true));
        let nothing = recent.take(25);
        assert_eq!((nothing.records.len(), nothing.end, nothing.is_last), (0, 25, true));
    }

    #[test]
    fn what_finds_no_room_is_left_to_the_file_until_the_range_starts_anew() {
        let mut recent = Recent::with_kept_bytes(20);
        assert!(recent.push(record("a"), &(0..20)).is_none());
        assert!(recent.push(record("b"), &(20..21)).is_some());
        let batch = recent.take(21);
        assert_eq!((ids(&batch), batch.end, batch.is_last), (vec!["a"], 20, false));
        assert_eq!(recent.start(), 21);
        assert!(recent.push(record("c"), &(21..41)).is_none());
    }

    #[test]
    fn nothing_is_kept_beyond_a_gap() {
        let mut recent = Recent::new();
        assert!(recent.push(record("a"), &(0..10)).is_none());
        assert!(recent.push(record("b"), &(13..20)).is_some(), "a torn line lies between");
        assert!(recent.push(record("c"), &(20..30)).is_some());
        assert_eq!(ids(&recent.take(30)), ["a"]);
    }
}
