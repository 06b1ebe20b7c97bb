//! The journal: where a finished answer is written down before its last byte leaves, whatever the database does.
//!
//! A folder of segments, each a file of one JSON record per line. Appending is one `write(2)` without `fsync`, a few
//! microseconds, so it is called on the request's own path although it is file I/O. What `write` has taken survives
//! `kill -9`, since it is in the kernel's cache; only a power cut can lose it.
//!
//! One lock is held over that `write`. The kernel would let only one of them into the file at a time anyway.
//!
//! A process writes to segments of its own, and holds a lock on each, so that another one using the same folder takes
//! over only what a dead process left. The recorder reads the segments as [`Tail`]s and deletes them once copied.
//!
//! Records are read back from the file, although they were in memory a moment before. Handing them over was measured: a
//! record made by one thread and freed by another costs the allocator more than reading it again costs the recorder, and
//! those that wait take megabytes.

mod line;
mod segment;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::UsageRecord;
use crate::clock::UnixMillis;
use crate::store::{Conn, StoreError, positions};
use segment::Segment;
pub(super) use segment::{Batch, Tail};

/// A segment is followed by the next one from this size on.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;

/// The journal of one process.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    end: Mutex<End>,
    appended: Notify,
    lost: AtomicU64,
    /// When the recorder last had copied all there was, Unix milliseconds.
    copied: AtomicI64,
    segment_bytes: u64,
}

/// Where lines are added.
#[derive(Debug)]
struct End {
    segment: Segment,
    /// Segments the recorder has not been told of yet.
    opened: Vec<Tail>,
}

impl Journal {
    /// Opens the journal in `folder`, creating it when absent: takes over what dead processes left there, and starts
    /// a segment of its own (the last line of an older one may be torn).
    ///
    /// # Errors
    /// When the folder cannot be created, read or written.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::with_segment_bytes(folder, SEGMENT_BYTES)
    }

    /// Leaves a line half-written at the end, as a full disk does.
    #[cfg(test)]
    pub(super) fn tear(&self, part: &[u8]) -> io::Result<()> {
        self.end().segment.tear(part)
    }

    pub(super) fn with_segment_bytes(folder: &Path, segment_bytes: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut opened = segment::abandoned(folder)?;
        let segment = Segment::create(folder)?;
        opened.push(segment.tail());
        Ok(Self {
            folder: folder.to_owned(),
            end: Mutex::new(End { segment, opened }),
            appended: Notify::new(),
            lost: AtomicU64::new(0),
            copied: AtomicI64::new(0),
            segment_bytes,
        })
    }

    /// Writes a record down. Never fails a request: when the journal cannot be written (a full disk), the record goes
    /// to the log as an error line, complete, and is counted in [`Journal::lost`].
    pub fn append(&self, record: &UsageRecord) {
        let line = line::line(record);
        let mut end = self.end();
        let written = end.segment.append(line);
        if matches!(written, Ok(size) if size >= self.segment_bytes) {
            self.start_next(&mut end);
        }
        drop(end);
        if let Err(error) = written {
            self.give_up(record, &error);
        }
        self.appended.notify_one();
    }

    /// Records that could not be written since the start. They are in the log.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// What waits here to be copied, bytes, and since when at most: the recorder had copied everything then.
    ///
    /// # Errors
    /// When the database cannot be read. A folder that cannot counts as empty.
    pub fn waiting(&self, conn: &mut Conn<'_>) -> Result<(u64, UnixMillis), StoreError> {
        let mut bytes: u64 = 0;
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for file in files {
            let size = file.metadata().map_or(0, |data| data.len());
            let copied = positions::get(conn, &file.file_name().to_string_lossy())?.unwrap_or(0);
            bytes += size.saturating_sub(copied);
        }
        Ok((bytes, UnixMillis(self.copied.load(Ordering::Relaxed))))
    }

    /// Notes that everything was copied.
    pub(super) fn note_copied(&self, now: UnixMillis) {
        self.copied.store(now.0, Ordering::Relaxed);
    }

    /// The folder of the segments.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Completes after an append; at once when there was one since the last time.
    pub(super) fn appended(&self) -> Notified<'_> {
        self.appended.notified()
    }

    /// Segments opened since the last call, oldest first.
    pub(super) fn take_opened(&self) -> Vec<Tail> {
        std::mem::take(&mut self.end().opened)
    }

    /// More may come to this segment. Ask before reading: what is read after a "no" is all there is.
    pub(super) fn is_open(&self, tail: &Tail) -> bool {
        self.end().segment.is_read_by(tail)
    }

    /// A thread that panicked with the lock left whole lines.
    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a new segment in the place of the full one. When there can be none, the full one simply grows on.
    fn start_next(&self, end: &mut End) {
        match Segment::create(&self.folder) {
            Ok(next) => {
                end.opened.push(next.tail());
                end.segment = next;
            }
            Err(error) => {
                tracing::warn!(error = %error, "the journal cannot start its next segment and stays with the full one");
            }
        }
    }

    fn give_up(&self, record: &UsageRecord, error: &io::Error) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        // Prompts stay out of logs.
        let record = &UsageRecord { prompt: None, ..record.clone() };
        tracing::error!(
            request.id = %record.id,
            error = %error,
            record = serde_json::to_string(record).unwrap_or_default(),
            "the journal cannot be written, this usage record is only here"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> UsageRecord {
        UsageRecord { id: id.into(), ..UsageRecord::default() }
    }

    fn ids(tails: &[Tail]) -> Vec<String> {
        let mut ids = Vec::new();
        for tail in tails {
            ids.extend(tail.read(0, u64::MAX).unwrap().records.into_iter().map(|record| record.id));
        }
        ids
    }

    #[test]
    fn records_come_back_in_order_over_many_segments() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::with_segment_bytes(folder.path(), 1000).unwrap();
        let expected: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
        for id in &expected {
            journal.append(&record(id));
        }
        let tails = journal.take_opened();
        assert!(tails.len() > 5, "{}", tails.len());
        assert_eq!(ids(&tails), expected);
        let closed = tails.iter().filter(|tail| !journal.is_open(tail)).count();
        assert_eq!(closed, tails.len() - 1, "all but the current one");
    }

    #[test]
    fn many_threads_lose_nothing_and_tear_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::with_segment_bytes(folder.path(), 20_000).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let journal = &journal;
                scope.spawn(move || (0..100).for_each(|number| journal.append(&record(&format!("{thread}-{number}")))));
            }
        });
        let mut found = ids(&journal.take_opened());
        found.sort();
        found.dedup();
        assert_eq!((found.len(), journal.lost()), (400, 0));
    }

    #[test]
    fn a_living_journal_keeps_its_segments_and_a_dead_one_leaves_them() {
        let folder = tempfile::tempdir().unwrap();
        let first = Journal::open(folder.path()).unwrap();
        first.append(&record("a"));
        let second = Journal::open(folder.path()).unwrap();
        assert_eq!(ids(&second.take_opened()), Vec::<String>::new());
        drop(first);
        let third = Journal::open(folder.path()).unwrap();
        assert_eq!(ids(&third.take_opened()), ["a"]);
    }

    #[test]
    fn an_unused_journal_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let tails = journal.take_opened();
        drop(journal);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(tails[0].read(0, u64::MAX).unwrap().is_last);
    }

    #[test]
    fn a_full_disk_is_counted_and_fails_no_request() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let full = Segment::on_full_disk(folder.path()).unwrap();
        let whole = std::mem::replace(&mut journal.end().segment, full);
        journal.append(&record("a"));
        journal.append(&record("b"));
        journal.end().segment = whole;
        journal.append(&record("c"));
        assert_eq!((journal.lost(), ids(&journal.take_opened())), (2, vec!["c".to_owned()]));
    }

    #[test]
    fn a_line_that_was_cut_short_does_not_spoil_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        journal.tear(b"{\"id\":\"to").unwrap();
        journal.append(&record("next"));
        let tails = journal.take_opened();
        let batch = tails[0].read(0, u64::MAX).unwrap();
        assert_eq!((batch.records.len(), batch.unreadable), (1, 1));
        assert_eq!(ids(&tails), ["next"]);
    }
}
