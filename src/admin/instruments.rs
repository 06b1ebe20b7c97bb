//! What the admin listener reads off the running program: its log, its journal, its connections and requests, its files.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::listener::{Connections, Requests};
use crate::log::RecentLog;
use crate::store::{Conn, StoreError, TableSpace};
use crate::tracking::Journal;

/// How long a measurement of the tables is good for.
const MEASURED_FOR: Duration = Duration::from_secs(600);

/// What can be read off.
#[derive(Debug, Default)]
pub struct Instruments {
    /// The last lines of the log.
    pub log: Arc<RecentLog>,
    /// Where records wait for the database.
    pub journal: Option<Arc<Journal>>,
    /// Those of the API, and how many there may be.
    pub api_connections: Connections,
    /// Those of the API.
    pub api_requests: Requests,
    /// How many connections of the API are served at once.
    pub max_connections: usize,
    /// Those of the admin listener.
    pub admin_connections: Connections,
    /// The database's file.
    pub database: PathBuf,
    /// Where it and the journal lie.
    pub data_dir: PathBuf,
}

/// What the tables took when somebody asked last: measuring reads the whole file.
#[derive(Debug, Default)]
pub(super) struct TableSizes {
    measured: Mutex<Option<(Instant, Vec<TableSpace>)>>,
}

impl TableSizes {
    /// What each table takes, measured some minutes ago at most.
    pub(super) fn read(&self, conn: &mut Conn<'_>) -> Result<Vec<TableSpace>, StoreError> {
        // Held while it is measured, so that nobody measures twice. Only threads that may block come here.
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, tables)) = measured.as_ref().filter(|(at, _)| at.elapsed() < MEASURED_FOR) {
            return Ok(tables.clone());
        }
        let tables = conn.table_space()?;
        *measured = Some((Instant::now(), tables.clone()));
        Ok(tables)
    }

    /// Has them measured anew next time.
    pub(super) fn forget(&self) {
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
