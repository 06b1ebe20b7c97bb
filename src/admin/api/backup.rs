//! Backup and restore: all definitions as JSON, and the whole database as a file.

use std::convert::Infallible;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::json;
use warp::Reply as _;

use super::super::backup::{self, Backup, BackupError};
use super::super::reply::{self, Reply};
use super::super::{Request, Shared};
use super::entries::turn;
use super::shown::in_the_file;
use super::{ApiError, flag, providers, settings};
use crate::clock::UnixMillis;
use crate::entry_kind::EntryKind;
use crate::listener::collect;
use crate::store::history::Author;

/// Largest backup, bytes.
const MAX_BYTES: usize = 32 << 20;
/// Read and sent at once.
const PIECE: usize = 256 << 10;

/// All definitions.
pub(super) async fn get(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    shared
        .with_database(|_, conn| {
            let now = UnixMillis::now();
            let mut reply = reply::bytes(200, "application/json", Backup::make(conn, now)?.to_text());
            attach(&mut reply, now, "json");
            Ok(reply)
        })
        .await
}

/// Makes the database say what a backup says, or with `dry_run` only says what would change.
pub(super) async fn restore(shared: &Arc<Shared>, request: Request, who: Author) -> Result<Reply, ApiError> {
    let (is_rehearsal, keeps) = (flag(&request.query, "dry_run")?, flag(&request.query, "keep")?);
    let text = collect(&request.headers, request.body, MAX_BYTES).await?;
    let unusable = |error: BackupError| ApiError::new(422, "invalid", error.to_string()).with("problems", json!([]));
    let backup = Backup::read(&text).map_err(unusable)?;
    shared
        .with_database(move |shared, conn| {
            let _turn = turn(shared);
            let elsewhere = |kind: EntryKind, name: &str| match kind {
                EntryKind::Setting => settings::place(shared, name),
                EntryKind::Provider => providers::place(shared, name),
                EntryKind::Alias | EntryKind::Redirect | EntryKind::Router | EntryKind::Model => {
                    in_the_file(shared, kind, name).and_then(|shown| shown.place)
                }
            };
            let planned = conn.transaction(|tx| {
                let planned = backup::plan(tx, &backup, elsewhere, keeps, UnixMillis::now())?;
                if let (Ok((plan, _)), false) = (&planned, is_rehearsal) {
                    backup::apply(tx, plan, &who)?;
                }
                Ok(planned)
            })?;
            let (plan, definitions) = planned.map_err(unusable)?;
            let problems = shared.in_force.check_all(&definitions);
            if !is_rehearsal {
                tracing::info!(changes = plan.changes.len(), "backup restored on the admin listener");
                shared.in_force.follow(conn)?;
            }
            Ok(super::json(200, &json!({ "dry_run": is_rehearsal, "plan": plan, "problems": problems })))
        })
        .await
}

/// A copy of the database of this moment.
pub(super) async fn database(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    let now = UnixMillis::now();
    let path = shared.instruments.data_dir.join(format!("copy-{}.tmp", uuid::Uuid::now_v7().simple()));
    shared
        .with_database(move |_, conn| {
            let copied = conn.copy_to(&path);
            let opened = std::fs::File::open(&path);
            // What is open can still be read; and whatever happens from here on, nothing stays behind.
            std::fs::remove_file(&path).ok();
            copied?;
            let unreadable = |error: std::io::Error| {
                tracing::error!(%error, "the copy of the database cannot be read");
                ApiError::new(503, "database", "the copy of the database cannot be read; the log says why")
            };
            let file = opened.map_err(unreadable)?;
            let size = file.metadata().map_err(unreadable)?.len();
            let pieces = stream::unfold(file, |mut file| async move {
                let mut piece = vec![0; PIECE];
                // From the page cache, where it was written a moment ago. What is missing at the end shows in the length.
                let length = file.read(&mut piece).ok().filter(|length| *length > 0)?;
                piece.truncate(length);
                Some((Ok::<_, Infallible>(Bytes::from(piece)), file))
            });
            let mut reply = warp::reply::stream(pieces).into_response();
            let headers = reply.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/vnd.sqlite3"));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
            attach(&mut reply, now, "db");
            Ok(reply)
        })
        .await
}

/// Browsers save it under this name.
fn attach(reply: &mut Reply, now: UnixMillis, extension: &str) {
    let moment = super::super::words::moment(now, "%Y-%m-%d-%H%M%S");
    let value = HeaderValue::from_str(&format!("attachment; filename=\"llm-relay-{moment}.{extension}\""));
    reply.headers_mut().extend(value.ok().map(|value| (CONTENT_DISPOSITION, value)));
}
