//! One file of the journal: its writing end, and its reading end.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::tracking::UsageRecord;

const EXTENSION: &str = "jsonl";
/// How much of a file is read at once.
const READ_BYTES: usize = 64 << 10;

/// The writing end. The file is locked while this lives.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    size: u64,
    /// The last write was cut short, so the next line must begin with a line feed.
    is_torn: bool,
}

impl Segment {
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        // The name sorts by time. The file gets it once it is locked: nobody may see it unlocked and take it over.
        let name = uuid::Uuid::now_v7().simple().to_string();
        let path = folder.join(&name).with_extension(EXTENSION);
        let unlocked = folder.join(&name).with_extension("new");
        let file = OpenOptions::new().append(true).create_new(true).open(&unlocked)?;
        file.lock()?;
        std::fs::rename(&unlocked, &path)?;
        Ok(Self { path, file, size: 0, is_torn: false })
    }

    /// Writes one line with one system call and returns how many bytes the file then has.
    pub(super) fn append(&mut self, mut line: Vec<u8>) -> io::Result<u64> {
        line.push(b'\n');
        if self.is_torn {
            line.insert(0, b'\n');
        }
        let written = loop {
            match self.file.write(&line) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.is_torn = !matches!(written, Ok(length) if length == line.len());
        if self.is_torn {
            // How much of it is there only the file knows for certain.
            self.size = self.file.metadata().map_or(self.size, |data| data.len());
            let length = written?;
            return Err(io::Error::new(io::ErrorKind::WriteZero, format!("only {length} of {} bytes", line.len())));
        }
        self.size += u64::try_from(line.len()).unwrap_or(u64::MAX);
        Ok(self.size)
    }

    pub(super) fn tail(&self) -> Tail {
        Tail { path: self.path.clone(), offset: Some(0), _lock: None }
    }

    pub(super) fn is_read_by(&self, tail: &Tail) -> bool {
        self.path == tail.path
    }

    /// A segment every write to which fails.
    #[cfg(test)]
    pub(super) fn on_full_disk(folder: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open("/dev/full")?;
        Ok(Self { path: folder.join("full"), file, size: 0, is_torn: false })
    }

    /// Leaves a line half-written, as a full disk does.
    #[cfg(test)]
    pub(super) fn tear(&mut self, part: &[u8]) -> io::Result<()> {
        self.file.write_all(part)?;
        self.size = self.file.metadata()?.len();
        self.is_torn = true;
        Ok(())
    }
}

/// A segment nothing was written to leaves no file behind: short commands open journals too.
impl Drop for Segment {
    fn drop(&mut self) {
        if self.size == 0 && !self.is_torn {
            // At worst the next start finds an empty file, and deletes it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The reading end.
#[derive(Debug)]
pub(in crate::tracking) struct Tail {
    path: PathBuf,
    /// Bytes that are in the database; `None`: only the database knows.
    pub(in crate::tracking) offset: Option<u64>,
    /// The lock on a dead process's segment, held until it is deleted.
    _lock: Option<File>,
}

/// Records of a segment that follow each other.
#[derive(Debug)]
pub(in crate::tracking) struct Batch {
    /// Complete records, in the order in which they were written.
    pub(in crate::tracking) records: Vec<UsageRecord>,
    /// Offset after the last complete line.
    pub(in crate::tracking) end: u64,
    /// Complete lines that are no record.
    pub(in crate::tracking) unreadable: usize,
    /// Nothing but a torn line, or nothing at all, is left.
    pub(in crate::tracking) is_last: bool,
}

impl Tail {
    /// The name under which the position is kept.
    pub(in crate::tracking) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Reads about `max_bytes` from an offset, which lies between lines, up to the end of a line: always a whole line if
    /// there is one.
    pub(in crate::tracking) fn read(&self, offset: u64, max_bytes: u64) -> io::Result<Batch> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            // It was empty, and went with its writer.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Batch { records: Vec::new(), end: offset, unreadable: 0, is_last: true });
            }
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(offset))?;
        let mut file = BufReader::with_capacity(READ_BYTES, file);
        let mut batch = Batch { records: Vec::new(), end: offset, unreadable: 0, is_last: false };
        let mut line = Vec::new();
        while batch.end - offset < max_bytes {
            line.clear();
            let length = file.read_until(b'\n', &mut line)?;
            if line.pop() != Some(b'\n') {
                batch.is_last = true;
                break;
            }
            batch.end += u64::try_from(length).unwrap_or(u64::MAX);
            // Checked once as a whole: a slice would be checked string by string.
            let record = str::from_utf8(&line).ok().and_then(|line| serde_json::from_str(line).ok());
            match record {
                // Every field has a default, so any JSON object would pass for a record.
                Some(record) if has_id(&record) => batch.records.push(record),
                None if line.is_empty() => {}
                Some(_) | None => batch.unreadable += 1,
            }
        }
        Ok(batch)
    }

    /// Deletes the segment. Its position may be forgotten afterwards, not before.
    pub(in crate::tracking) fn delete(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Bytes that are not in the database.
    pub(in crate::tracking) fn pending_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |data| data.len().saturating_sub(self.offset.unwrap_or(0)))
    }
}

fn has_id(record: &UsageRecord) -> bool {
    !record.id.is_empty()
}

/// Segments nobody holds, oldest first. They are locked for us from now on.
pub(super) fn abandoned(folder: &Path) -> io::Result<Vec<Tail>> {
    let mut tails = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        let file = match File::open(&path) {
            Ok(file) => file,
            // Its process has just deleted it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => tails.push(Tail { path, offset: None, _lock: Some(file) }),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    tails.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(tails)
}
