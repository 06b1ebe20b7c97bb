//! Decisions of smart routers. What is in one is `tracking`'s business; here it is JSON with what one asks by.

use super::StoreError;
use super::driver::{Conn, Param};
use crate::clock::UnixMillis;

/// A decision as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDecision {
    /// The request it was made for.
    pub request_id: String,
    /// When that request arrived.
    pub started: UnixMillis,
    /// The router's name.
    pub router: String,
    /// Why this choice.
    pub cause: String,
    /// What was chosen, as `provider/model`.
    pub model: String,
    /// All of it, as JSON.
    pub decision: String,
}

const COLUMNS: &str = "request_id, started_ms, router, cause, model, decision";

/// Adds a decision; one that is there already stays as it is.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn<'_>, stored: &StoredDecision) -> Result<(), StoreError> {
    conn.execute(
        "insert into decisions (request_id, started_ms, router, cause, model, decision)
         values ($1, $2, $3, $4, $5, $6) on conflict (request_id) do nothing",
        &[
            (&stored.request_id).into(),
            stored.started.into(),
            (&stored.router).into(),
            (&stored.cause).into(),
            (&stored.model).into(),
            (&stored.decision).into(),
        ],
    )?;
    Ok(())
}

/// The decision made for a request.
///
/// # Errors
/// When the database cannot be read.
pub fn find(conn: &mut Conn<'_>, request_id: &str) -> Result<Option<StoredDecision>, StoreError> {
    let sql = format!("select {COLUMNS} from decisions where request_id = $1");
    Ok(conn.query(&sql, &[request_id.into()], read)?.pop())
}

/// Decisions of a router, or of all, that began before a moment; newest first, at most `limit`.
///
/// # Errors
/// When the database cannot be read.
pub fn recent(
    conn: &mut Conn<'_>,
    router: Option<&str>,
    before: UnixMillis,
    limit: u32,
) -> Result<Vec<StoredDecision>, StoreError> {
    let mut params = vec![before.into(), limit.into()];
    params.extend(router.map(Param::from));
    let of_router = if router.is_some() { "router = $3 and" } else { "" };
    let sql = format!(
        "select {COLUMNS} from decisions where {of_router} started_ms < $1
         order by started_ms desc, request_id desc limit $2"
    );
    conn.query(&sql, &params, read)
}

/// Rows deleted at once, so that no other writer waits for long.
const BATCH: i64 = 500;

/// Deletes some of the decisions for requests that arrived before a moment; `false`: there are no more of them.
///
/// # Errors
/// When the database cannot be written.
pub fn forget_some(conn: &mut Conn<'_>, before: UnixMillis) -> Result<bool, StoreError> {
    let deleted = conn.execute(
        "delete from decisions where request_id in
         (select request_id from decisions where started_ms < $1 order by started_ms limit $2)",
        &[before.into(), BATCH.into()],
    )?;
    Ok(deleted > 0)
}

/// How many there are, and how many of them are of requests that arrived since a moment.
///
/// # Errors
/// When the database cannot be read.
pub fn counts(conn: &mut Conn<'_>, since: UnixMillis) -> Result<(i64, i64), StoreError> {
    let sql = "select (select count(*) from decisions), (select count(*) from decisions where started_ms >= $1)";
    let found = conn.query(sql, &[since.into()], |row| Ok((row.integer(0)?, row.integer(1)?)))?;
    Ok(found.into_iter().next().unwrap_or_default())
}

/// How often each model was chosen, and for which cause, among the newest `limit` decisions of a router.
///
/// # Errors
/// When the database cannot be read.
pub fn shares(conn: &mut Conn<'_>, router: &str, limit: u32) -> Result<Vec<Share>, StoreError> {
    conn.query(
        "select model, cause, count(*) from
            (select model, cause from decisions where router = $1 order by started_ms desc limit $2) as newest
         group by model, cause order by count(*) desc, model, cause",
        &[router.into(), limit.into()],
        |row| Ok(Share { model: row.text(0)?, cause: row.text(1)?, decisions: row.integer(2)? }),
    )
}

/// Decisions that had the same outcome for the same cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// What was chosen, as `provider/model`.
    pub model: String,
    /// Why.
    pub cause: String,
    /// How many.
    pub decisions: i64,
}

fn read(row: &super::Row<'_>) -> Result<StoredDecision, StoreError> {
    Ok(StoredDecision {
        request_id: row.text(0)?,
        started: UnixMillis(row.integer(1)?),
        router: row.text(2)?,
        cause: row.text(3)?,
        model: row.text(4)?,
        decision: row.text(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn the_newest_come_first_and_a_router_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let stored = |number: i64, router: &str| StoredDecision {
            request_id: format!("r{number}"),
            started: UnixMillis(number),
            router: router.to_owned(),
            cause: "pin".into(),
            model: "a/b".into(),
            decision: "{}".into(),
        };
        store
            .blocking(|conn| {
                for (number, router) in [(1, "a"), (2, "b"), (3, "a"), (3, "c")] {
                    insert(conn, &stored(number, router))?;
                }
                let ids = |list: Vec<StoredDecision>| list.into_iter().map(|one| one.request_id).collect::<Vec<_>>();
                assert_eq!(ids(recent(conn, Some("a"), UnixMillis(9), 9)?), ["r3", "r1"]);
                assert_eq!(ids(recent(conn, Some("a"), UnixMillis(3), 9)?), ["r1"]);
                assert_eq!(ids(recent(conn, None, UnixMillis(9), 2)?), ["r3", "r2"]);
                assert_eq!(find(conn, "r3")?, Some(stored(3, "a")), "the first one stays");
                assert_eq!(find(conn, "r9")?, None);
                let share = |decisions| Share { model: "a/b".into(), cause: "pin".into(), decisions };
                assert_eq!((shares(conn, "a", 9)?, shares(conn, "a", 1)?), (vec![share(2)], vec![share(1)]));
                Ok(())
            })
            .unwrap();
    }
}
