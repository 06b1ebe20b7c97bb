//! Copying segments, one batch and one transaction at a time. Runs on the store's thread.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::UnixMillis;
use crate::store::usage::latency::Latencies;
use crate::store::usage::{Counters, Dimensions};
use crate::store::{Conn, StoreError, keys, positions, requests, usage};
use crate::tracking::journal::{Batch, Tail};
use crate::tracking::{Journal, beside, columns, rollup};

/// About how much is read at once: some hundred records. More would take memory, and hardly less time.
const BATCH_BYTES: u64 = 256 << 10;

/// The segments being copied, and how far.
#[derive(Debug)]
pub(super) struct Copier {
    journal: Arc<Journal>,
    tails: Vec<Tail>,
    /// Positions of segments that were deleted just before an earlier process died are still to be forgotten.
    has_swept: bool,
}

impl Copier {
    pub(super) fn new(journal: Arc<Journal>) -> Self {
        Self { journal, tails: Vec::new(), has_swept: false }
    }

    /// Copies all that is there, and deletes segments that are copied wholly.
    pub(super) fn copy_all(&mut self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        let begun = UnixMillis::now();
        self.tails.extend(self.journal.take_opened());
        if !self.has_swept {
            self.sweep(conn)?;
            self.has_swept = true;
        }
        let mut at = 0;
        while let Some(tail) = self.tails.get_mut(at) {
            if copy(&self.journal, tail, conn)? {
                self.tails.remove(at);
            } else {
                at += 1;
            }
        }
        self.journal.note_copied(begun);
        Ok(())
    }

    pub(super) fn pending_bytes(&self) -> u64 {
        self.tails.iter().map(Tail::pending_bytes).sum()
    }

    fn sweep(&self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        for segment in positions::segments(conn)? {
            if !self.journal.folder().join(&segment).exists() {
                positions::remove(conn, &segment)?;
            }
        }
        Ok(())
    }
}

/// Copies what is in the segment. `true`: it is done with, and gone.
fn copy(journal: &Journal, tail: &mut Tail, conn: &mut Conn<'_>) -> Result<bool, StoreError> {
    let name = tail.name();
    let mut offset = match tail.offset {
        Some(offset) => offset,
        None => positions::get(conn, &name)?.unwrap_or(0),
    };
    loop {
        let is_open = journal.is_open(tail);
        let batch = match tail.read(offset, BATCH_BYTES) {
            Ok(batch) => batch,
            Err(error) => {
                tracing::warn!(journal.segment = %name, %error, "a journal segment cannot be read, it will be tried again");
                return Ok(false);
            }
        };
        if batch.unreadable > 0 {
            tracing::warn!(
                journal.segment = %name,
                lines = batch.unreadable,
                "lines of the journal were cut short and are skipped"
            );
        }
        if batch.end > offset {
            write(conn, &name, &batch)?;
        }
        offset = batch.end;
        tail.offset = Some(offset);
        if !batch.is_last {
            continue;
        }
        if is_open {
            return Ok(false);
        }
        let torn = tail.pending_bytes();
        if torn > 0 {
            // The process was killed in the middle of a write, before that answer's end had left.
            tracing::warn!(journal.segment = %name, size_bytes = torn, "the journal's last line was cut short and is skipped");
        }
        if let Err(error) = tail.delete() {
            tracing::warn!(journal.segment = %name, %error, "a copied journal segment cannot be deleted");
            return Ok(true);
        }
        positions::remove(conn, &name)?;
        return Ok(true);
    }
}

/// Writes records, sums, the use of keys and the position: all or nothing.
fn write(conn: &mut Conn<'_>, segment: &str, batch: &Batch) -> Result<(), StoreError> {
    conn.transaction(|tx| {
        let mut sums: BTreeMap<Dimensions<'_>, Counters> = BTreeMap::new();
        let mut latencies = Latencies::default();
        let mut last_used: BTreeMap<&str, UnixMillis> = BTreeMap::new();
        // The position already keeps records from being written twice; the id is the second lock on that door.
        let is_new = requests::insert(tx, batch.records.iter().map(|record| columns::values(record)))?;
        for (record, is_new) in batch.records.iter().zip(is_new) {
            if !is_new {
                tracing::warn!(request.id = %record.id, "a usage record with this id was there already");
                continue;
            }
            sums.entry(rollup::dimensions(record)).or_default().add(&rollup::counters(record));
            rollup::latencies(record).for_each(|(measure, millis)| latencies.count(record.started, measure, millis));
            beside::insert(tx, record)?;
            if let Some(key) = &record.key {
                let last = last_used.entry(key).or_default();
                *last = record.started.max(*last);
            }
        }
        usage::add_all(tx, &sums)?;
        latencies.write(tx)?;
        for (key, at) in last_used {
            keys::touch(tx, key, at)?;
        }
        positions::set(tx, segment, batch.end)
    })
}
