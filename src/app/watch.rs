//! Watches what others may change: the configuration files, and keys, entries and admin logins in the database.
//!
//! Both are looked at once a second. File-system events would be a little quicker, but mounts, symbolic links and
//! editors that replace files lose them.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::configuration::Configuration;
use crate::admin;
use crate::catalog::{Catalog, Model};
use crate::clock::UnixMillis;
use crate::store::Store;
use crate::store::prices::{self, PriceRow};

const EVERY: Duration = Duration::from_secs(1);

/// The task that follows the configuration files.
pub(super) async fn files(configuration: Arc<Configuration>, stop: CancellationToken) {
    while !stopped(&stop).await {
        configuration.reload_if_changed();
    }
}

/// The task that follows the database: keys and entries that another process changed, and prices to be remembered.
pub(super) async fn database(configuration: Arc<Configuration>, store: Store, stop: CancellationToken) {
    let mut known_catalog = None;
    while !stopped(&stop).await {
        let follower = configuration.clone();
        // The recorder says that the database has gone; the keys in memory stay in force.
        if let Err(error) = store.run(move |conn| follower.follow_stored_keys(conn)).await {
            tracing::debug!(%error, "cannot read the keys");
        }
        let follower = configuration.clone();
        if let Err(error) = store.run(move |conn| follower.follow_entries(conn)).await {
            tracing::debug!(%error, "cannot read the entries");
        }
        let catalog = configuration.catalog().load_full();
        if known_catalog.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &catalog)) {
            let rows = price_rows(&catalog);
            let stored = store.run(move |conn| prices::remember_prices(conn, &rows, UnixMillis::now())).await;
            if stored.is_ok() {
                known_catalog = Some(catalog);
            }
        }
    }
}

/// The task that follows who may use the admin listener, beginning at once.
pub(super) async fn access(pages: Arc<admin::Shared>, stop: CancellationToken) {
    loop {
        if let Err(error) = pages.follow_access().await {
            tracing::debug!(%error, "cannot read the admin logins");
        }
        if stopped(&stop).await {
            break;
        }
    }
}

/// The prices in force, to be remembered.
pub(super) fn price_rows(catalog: &Catalog) -> Vec<PriceRow> {
    catalog.models().iter().filter_map(|model| price_row(model)).collect()
}

fn price_row(model: &Model) -> Option<PriceRow> {
    let price = model.price.as_ref()?;
    Some(PriceRow {
        id: price.id.clone(),
        provider: model.provider.id.clone(),
        model: model.profile.id.clone(),
        source: price.source.clone(),
        values: serde_json::to_string(price.as_ref()).ok()?,
    })
}

/// Waits for the next look; `true` when there will be none.
async fn stopped(stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(EVERY) => false,
    }
}
