use std::path::{Path, PathBuf};

use super::*;
use crate::clock::UnixMillis;
use crate::money::NanoUsd;
use crate::store::history::Author;
use crate::store::keys::{self, StoredKey};
use crate::store::positions;
use crate::tracking::{Dimension, Period, UsageRecord, find, report};

const SOON: Duration = Duration::from_secs(1);

/// A data folder that outlives the processes simulated in it.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn journal_folder(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn store(&self) -> Store {
        Store::open(&self.folder.path().join("relay.db")).unwrap()
    }

    /// A process starts, copies what it finds, and is killed.
    async fn start_and_kill(&self) {
        let journal = Arc::new(Journal::open(&self.journal_folder()).unwrap());
        Recorder::new(self.store(), journal).copy_all().await.unwrap();
    }

    fn segments(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> =
            std::fs::read_dir(self.journal_folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// Requests in the sums, their cost, and rows in the log.
    fn counted(&self) -> (i64, i64, i64) {
        self.store()
            .blocking(|conn| {
                let all = Period { from: UnixMillis(0), to: UnixMillis(i64::MAX) };
                let total = report(conn, Dimension::Tag, all)?.total;
                let rows = conn.query("select count(*) from requests", &[], |row| row.integer(0))?;
                Ok((total.requests, total.cost_nano_usd, rows[0]))
            })
            .unwrap()
    }
}

fn record(number: i64) -> UsageRecord {
    UsageRecord {
        id: format!("id-{number:03}"),
        started: UnixMillis(number),
        tags: vec!["a".into(), "b".into()],
        cost: Some(NanoUsd(1)),
        ..UsageRecord::default()
    }
}

/// The bytes of a segment with these records.
fn segment_bytes(count: i64) -> Vec<u8> {
    let line = |number| [serde_json::to_vec(&record(number)).unwrap(), b"\n".to_vec()].concat();
    (0..count).flat_map(line).collect()
}

fn write_segment(disk: &Disk, name: &str, bytes: &[u8]) -> PathBuf {
    std::fs::create_dir_all(disk.journal_folder()).unwrap();
    let path = disk.journal_folder().join(name).with_extension("jsonl");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test]
async fn a_segment_torn_at_any_byte_gives_its_complete_lines_once() {
    let bytes = segment_bytes(2);
    let first_end = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in (0..=bytes.len()).filter(|cut| cut % 61 == 0 || cut.abs_diff(first_end) < 2 || bytes.len() - cut < 2) {
        let disk = Disk::new();
        write_segment(&disk, "1", &bytes[..cut]);
        disk.start_and_kill().await;
        disk.start_and_kill().await;
        let complete = i64::from(cut >= first_end) + i64::from(cut == bytes.len());
        assert_eq!(disk.counted(), (complete, complete, complete), "cut at {cut}");
        assert!(disk.segments().iter().all(|path| std::fs::metadata(path).unwrap().len() == 0), "cut at {cut}");
    }
}

#[tokio::test]
async fn a_crash_after_any_batch_repeats_and_loses_nothing() {
    let bytes = segment_bytes(5);
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    for end in ends {
        // The first process dies with the batch up to `end` committed, before anything after it.
        let disk = Disk::new();
        let path = write_segment(&disk, "1", &bytes[..end]);
        disk.start_and_kill().await;
        assert!(!path.exists());
        std::fs::write(&path, &bytes).unwrap();
        disk.store().blocking(|conn| positions::set(conn, "1.jsonl", u64::try_from(end).unwrap())).unwrap();
        disk.start_and_kill().await;
        assert_eq!(disk.counted(), (5, 5, 5), "committed up to {end}");
    }
}

#[tokio::test]
async fn a_crash_between_commit_and_deletion_counts_nothing_twice() {
    let disk = Disk::new();
    let bytes = segment_bytes(3);
    let path = write_segment(&disk, "1", &bytes);
    disk.start_and_kill().await;
    // The file is back, its position with it: the process died before it could delete.
    std::fs::write(&path, &bytes).unwrap();
    disk.store().blocking(|conn| positions::set(conn, "1.jsonl", u64::try_from(bytes.len()).unwrap())).unwrap();
    disk.start_and_kill().await;
    assert_eq!(disk.counted(), (3, 3, 3));
    // Even without its position (a database restored from a backup), ids keep records from counting twice.
    std::fs::write(&path, &bytes).unwrap();
    disk.start_and_kill().await;
    assert_eq!(disk.counted(), (3, 3, 3));
}

#[tokio::test]
async fn a_crash_between_deletion_and_forgetting_leaves_no_position_behind() {
    let disk = Disk::new();
    disk.store().blocking(|conn| positions::set(conn, "gone.jsonl", 7)).unwrap();
    disk.start_and_kill().await;
    assert_eq!(disk.store().blocking(|conn| positions::get(conn, "gone.jsonl")).unwrap(), None);
}

#[tokio::test]
async fn segments_of_a_dead_and_of_this_process_are_copied_and_full_ones_deleted() {
    let disk = Disk::new();
    write_segment(&disk, "0", &segment_bytes(2));
    let journal = Arc::new(Journal::with_segment_bytes(&disk.journal_folder(), 2000).unwrap());
    let recorder = Recorder::new(disk.store(), Arc::clone(&journal));
    for number in 2..6 {
        journal.append(&record(number));
        journal.append(&record(number + 10));
        recorder.copy_all().await.unwrap();
    }
    assert_eq!(disk.counted(), (10, 10, 10));
    assert_eq!(disk.segments().len(), 1, "only the current one is left");
}

/// What the database says of the journal's only segment: how much of it is copied, and how much there is.
fn copied_and_written(disk: &Disk) -> (u64, u64) {
    let [segment] = disk.segments().try_into().unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap().to_owned();
    let copied = disk.store().blocking(|conn| positions::get(conn, &name)).unwrap().unwrap();
    (copied, std::fs::metadata(segment).unwrap().len())
}

#[test]
fn records_that_many_threads_append_while_they_are_copied_arrive_once_each() {
    let disk = Disk::new();
    let journal = Arc::new(Journal::open(&disk.journal_folder()).unwrap());
    let recorder = Recorder::new(disk.store(), Arc::clone(&journal));
    std::thread::scope(|scope| {
        let append = |thread| {
            let journal = &journal;
            scope.spawn(move || (0..200_i64).for_each(|number| journal.append(&record(1000 * thread + number))))
        };
        let threads: Vec<_> = (0..4_i64).map(append).collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            recorder.copy_all_blocking().unwrap();
        }
    });
    recorder.copy_all_blocking().unwrap();
    assert_eq!(disk.counted(), (800, 800, 800));
    let (copied, written) = copied_and_written(&disk);
    assert_eq!(copied, written);
}

#[test]
fn a_line_cut_short_between_records_hides_none_of_them() {
    let disk = Disk::new();
    let journal = Arc::new(Journal::open(&disk.journal_folder()).unwrap());
    let recorder = Recorder::new(disk.store(), Arc::clone(&journal));
    // Copied before, between and after the cut.
    for copies_at in 0..4 {
        for step in 0..4 {
            if step == 1 {
                journal.tear(b"{\"id\":\"to").unwrap();
            } else {
                journal.append(&record(10 * copies_at + step));
            }
            if step == copies_at {
                recorder.copy_all_blocking().unwrap();
            }
        }
        recorder.copy_all_blocking().unwrap();
        let expected = 3 * (copies_at + 1);
        assert_eq!(disk.counted(), (expected, expected, expected), "copied at {copies_at}");
        let (copied, written) = copied_and_written(&disk);
        assert_eq!(copied, written);
    }
}

#[tokio::test]
async fn a_killed_process_leaves_exactly_what_it_had_not_copied() {
    for copied in 0..=3 {
        let disk = Disk::new();
        let journal = Arc::new(Journal::open(&disk.journal_folder()).unwrap());
        let recorder = Recorder::new(disk.store(), Arc::clone(&journal));
        for number in 0..3 {
            if number == copied {
                recorder.copy_all_blocking().unwrap();
            }
            journal.append(&record(number));
        }
        let (before, _, _) = disk.counted();
        assert_eq!(before, copied % 3);
        // What was in memory is gone.
        drop((recorder, journal));
        disk.start_and_kill().await;
        assert_eq!(disk.counted(), (3, 3, 3), "{copied} were copied");
    }
}

#[tokio::test]
async fn a_failed_transaction_changes_nothing_and_is_repeated_whole() {
    let disk = Disk::new();
    let journal = Arc::new(Journal::open(&disk.journal_folder()).unwrap());
    let recorder = Recorder::new(disk.store(), Arc::clone(&journal));
    journal.append(&record(1));
    disk.store().blocking(|conn| conn.execute_batch("alter table usage_hourly rename to hidden")).unwrap();
    assert!(recorder.copy_all().await.is_err());
    disk.store().blocking(|conn| conn.execute_batch("alter table hidden rename to usage_hourly")).unwrap();
    assert_eq!(disk.counted(), (0, 0, 0));
    recorder.copy_all().await.unwrap();
    assert_eq!(disk.counted(), (1, 1, 1));
}

#[tokio::test]
async fn keys_remember_when_they_were_last_used() {
    let disk = Disk::new();
    let key = StoredKey {
        id: "1".into(),
        name: "webui".into(),
        hash: "hash".into(),
        shown_prefix: "sk-relay-abcd".into(),
        tags: vec![],
        models: vec![],
        created: UnixMillis(1),
        expires: None,
        revoked: None,
        last_used: None,
    };
    disk.store().blocking(|conn| keys::create(conn, &key, &Author::Admin)).unwrap();
    let journal = Arc::new(Journal::open(&disk.journal_folder()).unwrap());
    for number in [5, 9, 7] {
        journal.append(&UsageRecord { key: Some("webui".into()), ..record(number) });
    }
    Recorder::new(disk.store(), journal).copy_all().await.unwrap();
    let stored = disk.store().blocking(keys::list).unwrap();
    assert_eq!(stored[0].last_used, Some(UnixMillis(9)));
}

async fn is_visible(path: &Path, id: &str) -> bool {
    // A store of its own: what another process sees.
    let store = Store::open(path).unwrap();
    let id = id.to_owned();
    !store.run(move |conn| find(conn, &id)).await.unwrap().is_empty()
}

#[tokio::test]
async fn a_finished_request_is_visible_within_a_second_and_stopping_drains() {
    let disk = Disk::new();
    let path = disk.folder.path().join("relay.db");
    let journal = Arc::new(Journal::open(&disk.journal_folder()).unwrap());
    let stop = CancellationToken::new();
    let run = Recorder::new(disk.store(), Arc::clone(&journal)).run(stop.clone());
    let work = async {
        journal.append(&record(1));
        tokio::time::timeout(SOON, async {
            while !is_visible(&path, "id-001").await {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        journal.append(&record(2));
        stop.cancel();
    };
    tokio::join!(run, work);
    assert!(is_visible(&path, "id-002").await);
}

#[tokio::test]
async fn records_wait_for_a_broken_database_and_arrive_when_it_is_well() {
    let disk = Disk::new();
    let path = disk.folder.path().join("relay.db");
    let journal = Arc::new(Journal::open(&disk.journal_folder()).unwrap());
    let stop = CancellationToken::new();
    let store = disk.store();
    store.blocking(|conn| conn.execute_batch("alter table requests rename to hidden")).unwrap();
    journal.append(&record(1));
    let recorder = Recorder::new(store.clone(), Arc::clone(&journal));
    assert!(recorder.copy_all().await.is_err());
    let run = recorder.run(stop.clone());
    let work = async {
        store.run(|conn| conn.execute_batch("alter table hidden rename to requests")).await.unwrap();
        while !is_visible(&path, "id-001").await {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    tokio::time::timeout(5 * SOON, async { tokio::join!(run, work) }).await.unwrap();
}
