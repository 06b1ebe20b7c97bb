//! What the database takes, what it will take, and making it smaller.

use std::sync::Arc;

use super::super::Shared;
use super::super::reply::{self, Reply};
use super::super::storage::Storage;
use super::ApiError;
use crate::clock::UnixMillis;

/// What there is, and the forecast.
pub(super) async fn get(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    shared.with_database(|shared, conn| Ok(super::json(200, &Storage::read(shared, conn, UnixMillis::now())?))).await
}

/// Writes the file anew. Records wait in the journal until that is done.
pub(super) async fn compact(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    shared
        .with_database(|shared, conn| {
            let before = conn.file_space()?.total_bytes;
            conn.compact()?;
            shared.table_sizes.forget();
            let after = conn.file_space()?.total_bytes;
            tracing::info!(size_bytes = after, given_back_bytes = before.saturating_sub(after), "database compacted");
            Ok(super::json(200, &Storage::read(shared, conn, UnixMillis::now())?))
        })
        .await
}

/// Has deleted in the background what is older than the settings say.
pub(super) fn tidy(shared: &Shared) -> Reply {
    shared.in_force.tidy();
    shared.table_sizes.forget();
    reply::bytes(202, "application/json", "")
}
