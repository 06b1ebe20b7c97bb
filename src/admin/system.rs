//! How the program is: what it takes, what waits, whether its files were accepted.

use std::path::Path;

use serde::Serialize;
use serde_with_macros::skip_serializing_none;

use super::Shared;
use crate::clock::UnixMillis;
use crate::config::Problem;
use crate::store::{Conn, StoreError};

/// Everything there is to say.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub(super) struct System {
    pub(super) version: &'static str,
    pub(super) started_ms: i64,
    pub(super) uptime_seconds: u64,
    pub(super) process_id: u32,
    /// Resident.
    pub(super) memory_bytes: Option<u64>,
    /// Of all threads since the start.
    pub(super) cpu_seconds: f64,
    pub(super) threads: Option<u64>,
    pub(super) api_address: String,
    pub(super) api_connections: usize,
    /// Under way right now.
    pub(super) api_requests: usize,
    pub(super) max_connections: usize,
    pub(super) admin_connections: usize,
    pub(super) database: String,
    pub(super) database_bytes: u64,
    pub(super) database_free_bytes: u64,
    pub(super) data_folder: String,
    /// Of the file system that the data folder lies on.
    pub(super) disk_free_bytes: Option<u64>,
    pub(super) disk_total_bytes: Option<u64>,
    pub(super) journal: Option<JournalState>,
    pub(super) files: Vec<File>,
    /// When they were last read.
    pub(super) files_read_ms: UnixMillis,
    /// What they say is in force; else it is what they said before.
    pub(super) files_accepted: bool,
    pub(super) problems: Vec<Problem>,
    /// That are known, and that can be called.
    pub(super) models: usize,
    pub(super) models_ready: usize,
    pub(super) providers_ready: usize,
    pub(super) providers: usize,
}

/// Records on their way into the database.
#[derive(Debug, Serialize)]
pub(super) struct JournalState {
    pub(super) folder: String,
    /// Written and not in the database yet.
    pub(super) waiting_bytes: u64,
    /// For how long at most what waits has waited.
    pub(super) lag_ms: i64,
    /// Records that could not be written; they are in the log.
    pub(super) lost: u64,
}

/// A configuration file.
#[derive(Debug, Serialize)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) exists: bool,
}

impl System {
    /// Looks.
    pub(super) fn read(shared: &Shared, conn: &mut Conn<'_>, now: UnixMillis) -> Result<Self, StoreError> {
        let instruments = &shared.instruments;
        let uptime = shared.started.elapsed();
        let space = conn.file_space()?;
        let (files, read) = shared.in_force.files();
        let catalog = shared.catalog.load_full();
        let disk = disk(&instruments.data_dir);
        let journal = instruments.journal.as_ref().map(|journal| {
            let (waiting_bytes, since) = journal.waiting(conn)?;
            let lag_ms = if waiting_bytes == 0 { 0 } else { (now.0 - since.0).max(0) };
            let folder = shown(journal.folder());
            Ok::<_, StoreError>(JournalState { folder, waiting_bytes, lag_ms, lost: journal.lost() })
        });
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            started_ms: now.0 - i64::try_from(uptime.as_millis()).unwrap_or(0),
            uptime_seconds: uptime.as_secs(),
            process_id: std::process::id(),
            memory_bytes: of_the_kernel("VmRSS:").map(|kib| kib * 1024),
            cpu_seconds: cpu_seconds(),
            threads: of_the_kernel("Threads:"),
            api_address: shared.policy.api_address.to_string(),
            api_connections: instruments.api_connections.open(),
            api_requests: instruments.api_requests.under_way(),
            max_connections: instruments.max_connections,
            admin_connections: instruments.admin_connections.open(),
            database: shown(&instruments.database),
            database_bytes: space.total_bytes,
            database_free_bytes: space.free_bytes,
            data_folder: shown(&instruments.data_dir),
            disk_free_bytes: disk.map(|(free, _)| free),
            disk_total_bytes: disk.map(|(_, total)| total),
            journal: journal.transpose()?,
            files: files.iter().map(|file| File { path: shown(&file.path), exists: file.path.exists() }).collect(),
            files_read_ms: read.at,
            files_accepted: !read.problems.iter().any(Problem::is_error),
            problems: read.problems,
            models: catalog.models().len(),
            models_ready: catalog.models().iter().filter(|model| model.is_callable()).count(),
            providers_ready: catalog.providers().iter().filter(|provider| provider.is_ready()).count(),
            providers: catalog.providers().len(),
        })
    }
}

/// From the root, so that it can be found from anywhere.
fn shown(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// A number of `/proc/self/status`; none where there is no such file.
fn of_the_kernel(counter: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(counter))?;
    line.split_whitespace().next()?.parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "seconds for people")]
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Free and all bytes of the file system a folder lies on.
fn disk(folder: &Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some((disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize)))
}
