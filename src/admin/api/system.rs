//! How the program is.

use std::sync::Arc;

use super::super::Shared;
use super::super::reply::Reply;
use super::super::system::System;
use super::ApiError;
use crate::clock::UnixMillis;

/// What it takes, what waits, whether its files were accepted.
pub(super) async fn get(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    shared.with_database(|shared, conn| Ok(super::json(200, &System::read(shared, conn, UnixMillis::now())?))).await
}
