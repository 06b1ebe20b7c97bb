//! Request bodies, where the operator keeps them.

use super::StoreError;
use super::driver::Conn;
use crate::clock::UnixMillis;

/// A request body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPrompt {
    /// The request.
    pub request_id: String,
    /// When it arrived.
    pub started: UnixMillis,
    /// The route it came to, which says what format it has.
    pub endpoint: String,
    /// The body as it came.
    pub body: String,
}

/// Rows deleted at once, so that no other writer waits for long.
const BATCH: i64 = 200;

/// Adds a body; one that is there already stays as it is.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn<'_>, prompt: &KeptPrompt) -> Result<(), StoreError> {
    conn.execute(
        "insert into kept_prompts (request_id, started_ms, endpoint, body) values ($1, $2, $3, $4)
         on conflict (request_id) do nothing",
        &[(&prompt.request_id).into(), prompt.started.into(), (&prompt.endpoint).into(), (&prompt.body).into()],
    )?;
    Ok(())
}

/// The body of a request, if it was kept.
///
/// # Errors
/// When the database cannot be read.
pub fn find(conn: &mut Conn<'_>, request_id: &str) -> Result<Option<KeptPrompt>, StoreError> {
    let sql = "select request_id, started_ms, endpoint, body from kept_prompts where request_id = $1";
    let mut found = conn.query(sql, &[request_id.into()], read)?;
    Ok(found.pop())
}

/// The newest kept bodies of requests that a router has decided, newest first, at most `limit`.
///
/// # Errors
/// When the database cannot be read.
pub fn routed_by(conn: &mut Conn<'_>, router: &str, limit: u32) -> Result<Vec<KeptPrompt>, StoreError> {
    conn.query(
        "select p.request_id, p.started_ms, p.endpoint, p.body from kept_prompts p
         join decisions d on d.request_id = p.request_id
         where d.router = $1 order by d.started_ms desc, d.request_id desc limit $2",
        &[router.into(), limit.into()],
        read,
    )
}

/// Deletes some of the bodies that arrived before a moment; `false`: there are no more of them.
///
/// # Errors
/// When the database cannot be written.
pub fn forget_some(conn: &mut Conn<'_>, before: UnixMillis) -> Result<bool, StoreError> {
    let deleted = conn.execute(
        "delete from kept_prompts where request_id in
         (select request_id from kept_prompts where started_ms < $1 order by started_ms limit $2)",
        &[before.into(), BATCH.into()],
    )?;
    Ok(deleted > 0)
}

/// How many there are, and how many of them are of requests that arrived since a moment.
///
/// # Errors
/// When the database cannot be read.
pub fn counts(conn: &mut Conn<'_>, since: UnixMillis) -> Result<(i64, i64), StoreError> {
    let sql = "select (select count(*) from kept_prompts),
                      (select count(*) from kept_prompts where started_ms >= $1)";
    let found = conn.query(sql, &[since.into()], |row| Ok((row.integer(0)?, row.integer(1)?)))?;
    Ok(found.into_iter().next().unwrap_or_default())
}

fn read(row: &super::Row<'_>) -> Result<KeptPrompt, StoreError> {
    Ok(KeptPrompt {
        request_id: row.text(0)?,
        started: UnixMillis(row.integer(1)?),
        endpoint: row.text(2)?,
        body: row.text(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn old_bodies_are_forgotten_and_young_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let prompt = |number: i64| KeptPrompt {
            request_id: format!("r{number}"),
            started: UnixMillis(number),
            endpoint: "/api/chat".into(),
            body: format!("body {number}"),
        };
        store
            .blocking(|conn| {
                for number in 0..450 {
                    insert(conn, &prompt(number))?;
                }
                let mut rounds = 0;
                while forget_some(conn, UnixMillis(420))? {
                    rounds += 1;
                }
                assert_eq!(rounds, 3);
                assert_eq!(find(conn, "r419")?, None);
                assert_eq!(find(conn, "r420")?, Some(prompt(420)));
                Ok(())
            })
            .unwrap();
    }
}
