//! Names of clients' addresses, where the operator has them looked up.

use std::collections::HashMap;

use super::StoreError;
use super::driver::{Conn, Param};
use crate::clock::UnixMillis;

/// Names that are kept at most: those looked up last.
const KEPT: i64 = 10_000;

/// Addresses that have sent requests since a moment and whose names have not been looked up since another one, at most
/// `limit`.
///
/// Read from the sums per hour, so nothing has to note an address while a request waits.
///
/// # Errors
/// When the database cannot be read.
pub fn wanted(
    conn: &mut Conn<'_>,
    seen_since: UnixMillis,
    looked_up_since: UnixMillis,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    conn.query(
        "select distinct u.dimension_value from usage_by_dimension u
         left join client_names n on n.client = u.dimension_value
         where u.dimension = 'client' and u.hour_ms >= $1 and u.dimension_value <> ''
           and (n.looked_up_ms is null or n.looked_up_ms < $2)
         limit $3",
        &[seen_since.into(), looked_up_since.into(), limit.into()],
        |row| row.text(0),
    )
}

/// Notes what an address is called; `None`: nobody knows.
///
/// # Errors
/// When the database cannot be written.
pub fn note(conn: &mut Conn<'_>, client: &str, name: Option<&str>, now: UnixMillis) -> Result<(), StoreError> {
    conn.transaction(|tx| {
        tx.execute(
            "insert into client_names (client, name, looked_up_ms) values ($1, $2, $3)
             on conflict (client) do update set name = excluded.name, looked_up_ms = excluded.looked_up_ms",
            &[client.into(), name.map(str::to_owned).into(), now.into()],
        )?;
        tx.execute(
            "delete from client_names where client not in
             (select client from client_names order by looked_up_ms desc, client limit $1)",
            &[KEPT.into()],
        )?;
        Ok(())
    })
}

/// What these addresses are called, those that are called anything.
///
/// # Errors
/// When the database cannot be read.
pub fn names<'a>(
    conn: &mut Conn<'_>,
    clients: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, String>, StoreError> {
    let mut wanted: Vec<&str> = clients.collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut names = HashMap::new();
    for client in wanted {
        let sql = "select name from client_names where client = $1 and name is not null";
        let found = conn.query(sql, &[Param::from(client)], |row| row.text(0))?;
        names.extend(found.into_iter().map(|name| (client.to_owned(), name)));
    }
    Ok(names)
}

/// Forgets all of them.
///
/// # Errors
/// When the database cannot be written.
pub fn forget(conn: &mut Conn<'_>) -> Result<(), StoreError> {
    conn.execute("delete from client_names", &[])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::usage::{Counters, Dimensions, add_all};

    #[test]
    fn an_address_is_wanted_until_it_was_looked_up_and_again_after_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let seen = |client, hour| Dimensions { hour: UnixMillis(hour), client, ..Dimensions::default() };
        let all = [seen("10.0.0.1", 5), seen("10.0.0.2", 5), seen("10.0.0.1", 6), seen("old", 1), seen("", 6)];
        let sums = all.into_iter().map(|one| (one, Counters::default())).collect();
        store
            .blocking(|conn| {
                add_all(conn, &sums)?;
                let mut since = |at| {
                    let mut list = wanted(conn, UnixMillis(2), UnixMillis(at), 9)?;
                    list.sort();
                    Ok::<_, StoreError>(list)
                };
                assert_eq!(since(50)?, ["10.0.0.1", "10.0.0.2"]);
                note(conn, "10.0.0.1", Some("tower.lan"), UnixMillis(60))?;
                note(conn, "10.0.0.2", None, UnixMillis(70))?;
                assert_eq!(wanted(conn, UnixMillis(2), UnixMillis(50), 9)?, Vec::<String>::new());
                assert_eq!(wanted(conn, UnixMillis(2), UnixMillis(65), 9)?, ["10.0.0.1"]);
                let named = names(conn, ["10.0.0.2", "10.0.0.1", "10.0.0.1"].into_iter())?;
                assert_eq!(named, HashMap::from([("10.0.0.1".to_owned(), "tower.lan".to_owned())]));
                forget(conn)?;
                assert!(names(conn, ["10.0.0.1"].into_iter())?.is_empty());
                Ok(())
            })
            .unwrap();
    }
}
