//! The task that moves records from the journal into the database.

mod copier;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Journal;
use crate::store::{Store, StoreError};
use copier::Copier;

/// How long after an append the recorder waits for more, so that busy times make batches.
const COLLECT: Duration = Duration::from_millis(100);
/// First and longest wait before the database is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// Moves records from the journal into the database, each exactly once.
///
/// Records, sums and the journal's position are written in one transaction, so a crash at any point either repeats a
/// whole batch or none of it. While the database cannot be written, records wait in the journal; one log line says when
/// that begins and one when it ends. A finished request is in the database well within a second.
#[derive(Debug)]
pub struct Recorder {
    store: Store,
    journal: Arc<Journal>,
    /// Used by one pass at a time, on the store's thread.
    copier: Arc<Mutex<Copier>>,
}

impl Recorder {
    /// A recorder for the journal. There must be only one: it takes the journal's segments to itself.
    pub fn new(store: Store, journal: Arc<Journal>) -> Self {
        let copier = Arc::new(Mutex::new(Copier::new(Arc::clone(&journal))));
        Self { store, journal, copier }
    }

    /// Copies what earlier processes left, then every new record, until `stop`; then copies what is there and ends.
    pub async fn run(self, stop: CancellationToken) {
        let mut retry = None;
        while !stop.is_cancelled() {
            let Err(error) = self.copy_all().await else {
                if retry.take().is_some() {
                    tracing::info!("the database takes usage records again");
                }
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = self.journal.appended() => {}
                }
                wait(COLLECT, &stop).await;
                continue;
            };
            if retry.is_none() {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "usage records wait in the journal: the database cannot be written"
                );
            }
            let delay = retry.map_or(RETRY.0, |last: Duration| RETRY.1.min(last * 2));
            retry = Some(delay);
            wait(delay, &stop).await;
        }
        if let Err(error) = self.copy_all().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                size_bytes = lock(&self.copier).pending_bytes(),
                "usage records stay in the journal until the next start"
            );
        }
    }

    /// Copies all that is in the journal now.
    ///
    /// # Errors
    /// When the database cannot be written; what was not copied is still in the journal.
    pub async fn copy_all(&self) -> Result<(), StoreError> {
        let copier = Arc::clone(&self.copier);
        self.store.run(move |conn| lock(&copier).copy_all(conn)).await
    }

    /// The same on this thread.
    ///
    /// # Errors
    /// As above.
    pub fn copy_all_blocking(&self) -> Result<(), StoreError> {
        self.store.blocking(|conn| lock(&self.copier).copy_all(conn))
    }
}

/// A pass that panicked leaves positions as they were before it, which is always a good state.
fn lock(copier: &Mutex<Copier>) -> std::sync::MutexGuard<'_, Copier> {
    copier.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn wait(delay: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(delay) => {}
    }
}

#[cfg(test)]
mod tests;
