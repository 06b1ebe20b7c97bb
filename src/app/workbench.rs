//! What a command needs to have a smart router choose without serving: the catalog, a relay, and a place for records.

use std::sync::Arc;

use anyhow::Context;

use super::{StartError, current_catalog, timeouts};
use crate::catalog::Catalog;
use crate::chat::ChatRequest;
use crate::config::{Settings, Variables};
use crate::providers::Transport;
use crate::relay::Relay;
use crate::routing::smart::Decision;
use crate::routing::{AtRouter, Resolution, RouteError};
use crate::store::Store;
use crate::tracking::{self, Journal, PastRequest, Recorder};

/// A relay that serves nobody. Its designator calls cost money like any other's, so they are recorded in the same place;
/// a relay that serves may run beside it.
#[derive(Debug)]
pub struct Workbench {
    catalog: Arc<Catalog>,
    relay: Relay,
    journal: Arc<Journal>,
    store: Store,
}

impl Workbench {
    /// Asks each provider for its models once, and opens the store and the journal.
    ///
    /// # Errors
    /// [`StartError`], before any model was asked anything.
    pub async fn open(variables: Variables, settings: &Settings) -> Result<Self, StartError> {
        let catalog = current_catalog(variables, settings).await?;
        let database = &settings.store.database;
        let store = Store::open(database).with_context(|| format!("database {}", database.display()))?;
        let journal = Journal::open(&settings.store.data_dir.join("journal")).context("journal in DATA_DIR")?;
        let journal = Arc::new(journal);
        let transport = Arc::new(Transport::new(timeouts(settings)));
        let relay = Relay::new(transport, journal.clone(), settings.api.keep_alive);
        Ok(Self { catalog, relay, journal, store })
    }

    /// What can be called.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Has a router choose, as [`Relay::try_out`] does. `asked` is the name as it was written, `command` who asks.
    ///
    /// # Errors
    /// [`RouteError`] when nothing can answer the request.
    pub async fn choose(
        &self,
        at: AtRouter<'_>,
        asked: &str,
        command: &str,
        request: &ChatRequest,
    ) -> Result<(Resolution, Decision), RouteError> {
        Box::pin(self.relay.try_out(&self.catalog, at, asked, command, request)).await
    }

    /// The newest requests of a router whose prompts were kept, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn past_requests(&self, router: &str, limit: u32) -> anyhow::Result<Vec<PastRequest>> {
        // What the serving relay has answered a moment ago is in its own hands; what a dead one left is taken over.
        Recorder::new(self.store.clone(), self.journal.clone()).copy_all().await?;
        let router = router.to_owned();
        Ok(self.store.run(move |conn| tracking::past_requests(conn, &router, limit)).await?)
    }

    /// Copies the records into the store. Whatever keeps it from that, they wait in the journal for the next one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn close(self) -> anyhow::Result<()> {
        let copied = Recorder::new(self.store, self.journal).copy_all().await;
        copied.context("the records of designator calls wait in the journal")
    }
}
