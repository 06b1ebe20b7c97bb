//! Brings the tables to the shape this program expects. Migrations are numbered and only move forward.

use sha2::{Digest, Sha256};

use super::StoreError;
use super::driver::Conn;
use super::hex;

/// A numbered change of the tables. Its text never changes once released: a later wish is a later migration.
struct Migration {
    number: i64,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, sql: include_str!("migrations/001_usage.sql") },
    Migration { number: 2, sql: include_str!("migrations/002_api_keys.sql") },
    Migration { number: 3, sql: include_str!("migrations/003_prices.sql") },
    Migration { number: 4, sql: include_str!("migrations/004_entries.sql") },
    Migration { number: 5, sql: include_str!("migrations/005_decisions.sql") },
    Migration { number: 6, sql: include_str!("migrations/006_admin.sql") },
    Migration { number: 7, sql: include_str!("migrations/007_entry_history.sql") },
    Migration { number: 8, sql: include_str!("migrations/008_usage_details.sql") },
    Migration { number: 9, sql: include_str!("migrations/009_sealed_keys.sql") },
    Migration { number: 10, sql: include_str!("migrations/010_price_changes.sql") },
    Migration { number: 12, sql: include_str!("migrations/012_client_names.sql") },
    Migration { number: 13, sql: include_str!("migrations/013_connect_time.sql") },
    Migration { number: 14, sql: include_str!("migrations/014_usage_without_user.sql") },
    Migration { number: 15, sql: include_str!("migrations/015_who.sql") },
];

/// Applies what is missing, each migration in a transaction of its own. Two programs that start at once are safe:
/// the list of what is there is read again under the write lock.
pub(super) fn migrate(conn: &mut Conn<'_>) -> Result<(), StoreError> {
    conn.execute(
        "create table if not exists schema_migrations (number bigint primary key, checksum text not null)",
        &[],
    )?;
    // The usual start finds nothing to do, and needs no lock to see it.
    let mut next = first_missing(conn)?;
    while next.is_some() {
        next = conn.transaction(|tx| {
            if let Some(migration) = first_missing(tx)? {
                tx.execute_batch(migration.sql)?;
                tx.execute(
                    "insert into schema_migrations (number, checksum) values ($1, $2)",
                    &[migration.number.into(), checksum(migration.sql).into()],
                )?;
            }
            first_missing(tx)
        })?;
    }
    Ok(())
}

/// The first migration the database lacks, after checking that those it has are ours.
fn first_missing(conn: &mut Conn<'_>) -> Result<Option<&'static Migration>, StoreError> {
    let applied = conn.query("select number, checksum from schema_migrations order by number", &[], |row| {
        Ok((row.integer(0)?, row.text(1)?))
    })?;
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    for (number, found) in &applied {
        match MIGRATIONS.iter().find(|migration| migration.number == *number) {
            Some(migration) if checksum(migration.sql) == *found => {}
            Some(_) => return Err(StoreError::Foreign { number: *number }),
            None => return Err(StoreError::Newer { found: *number, known }),
        }
    }
    Ok(MIGRATIONS.iter().find(|migration| applied.iter().all(|(number, _)| *number != migration.number)))
}

fn checksum(sql: &str) -> String {
    hex(&Sha256::digest(sql.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn opening_twice_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        drop(Store::open(&path).unwrap());
        let store = Store::open(&path).unwrap();
        let count = store
            .blocking(|conn| conn.query("select count(*) from schema_migrations", &[], |row| row.integer(0)))
            .unwrap();
        assert_eq!(count, [i64::try_from(MIGRATIONS.len()).unwrap()]);
    }

    #[test]
    fn a_newer_database_is_refused_with_both_versions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let store = Store::open(&path).unwrap();
        store.blocking(|conn| conn.execute("insert into schema_migrations values (999, 'x')", &[])).unwrap();
        let message = Store::open(&path).unwrap_err().to_string();
        assert!(message.contains("999") && message.contains("start the newer program"), "{message}");
    }

    #[test]
    fn a_database_of_other_migrations_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let store = Store::open(&path).unwrap();
        store
            .blocking(|conn| conn.execute("update schema_migrations set checksum = 'x' where number = 2", &[]))
            .unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Foreign { number: 2 })));
    }

    #[test]
    fn a_failed_migration_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let connection = crate::store::driver::connect(&path).unwrap();
        connection.execute_batch("create table prices (other text)").unwrap();
        assert!(Store::open(&path).is_err());
        let mut conn = Conn::new(&connection);
        let applied = conn.query("select number from schema_migrations", &[], |row| row.integer(0)).unwrap();
        assert_eq!(applied, [1, 2]);
    }

    #[test]
    fn sums_without_an_end_user_are_what_earlier_sums_with_one_leave() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let connection = crate::store::driver::connect(&path).unwrap();
        let mut conn = Conn::new(&connection);
        let earlier: Vec<_> = MIGRATIONS.iter().filter(|migration| migration.number < 14).collect();
        conn.execute_batch("create table schema_migrations (number bigint primary key, checksum text not null)")
            .unwrap();
        for Migration { number, sql } in earlier {
            conn.execute_batch(sql).unwrap();
            let params = [(*number).into(), checksum(sql).into()];
            conn.execute("insert into schema_migrations values ($1, $2)", &params).unwrap();
        }
        // Model, requests and cost of an hour. A designator costs and is no request; the user without a name stands for
        // those beyond the limit of an hour; whatever came before there were sums by user belongs to nobody.
        conn.execute_batch(
            "insert into usage_hourly values
                 (0, '', 'p', 'early', '', '', '', '', 5, 0, 0, 0, 0, 0, 0, 50, 0, 0, 0),
                 (1, '', 'p', 'both', '', '', '', '', 9, 1, 8, 7, 6, 5, 4, 90, 3, 2, 1),
                 (1, '', 'p', 'named', '', '', '', '', 2, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0),
                 (1, '', 'p', 'designator', '', '', '', '', 2, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0);
             insert into usage_hourly_by_user values
                 (1, 'ada', '', 'p', 'both', '', '', '', '', 3, 0, 4, 3, 3, 2, 2, 30, 1, 1, 0),
                 (1, '', '', 'p', 'both', '', '', '', '', 4, 1, 2, 2, 2, 1, 1, 40, 1, 1, 0),
                 (1, 'ada', '', 'p', 'named', '', '', '', '', 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0),
                 (1, 'bob', '', 'p', 'named', '', '', '', '', 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0),
                 (1, 'ada', '', 'p', 'designator', '', '', '', '', 2, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0)",
        )
        .unwrap();
        migrate(&mut conn).unwrap();
        let counters = "requests, errors, input_tokens, output_tokens, reasoning_tokens, cache_read_tokens,
                        cache_write_tokens, cost_nano, unpriced_requests, estimated_requests, total_ms";
        let mut read = |what: &str, from: &str| {
            conn.query(&format!("select {what}, {counters} from {from} order by 1, 2"), &[], |row| {
                let sums = (2..13).map(|column| row.integer(column)).collect::<Result<Vec<_>, _>>()?;
                Ok((row.text(0)?, row.integer(1)?, sums))
            })
            .unwrap()
        };
        let row = |name: &str, number, sums: [i64; 11]| (name.to_owned(), number, sums.to_vec());
        assert_eq!(
            read("model, has_user", "usage_hourly"),
            [
                row("both", 0, [2, 0, 2, 2, 1, 2, 1, 20, 1, 0, 1]),
                row("both", 1, [7, 1, 6, 5, 5, 3, 3, 70, 2, 2, 0]),
                row("designator", 0, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]),
                row("designator", 1, [2, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0]),
                row("early", 0, [5, 0, 0, 0, 0, 0, 0, 50, 0, 0, 0]),
                row("named", 1, [2, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0]),
            ]
        );
        assert_eq!(
            read("dimension_value, hour_ms", "usage_by_dimension where dimension = 'user'"),
            [row("", 0, [5, 0, 0, 0, 0, 0, 0, 50, 0, 0, 0]), row("", 1, [2, 0, 2, 2, 1, 2, 1, 21, 1, 0, 1])]
        );
    }

    #[test]
    fn two_programs_may_start_at_once() {
        // Often enough to meet in the moment in which the new file is switched to WAL.
        for _ in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("relay.db");
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| Store::open(&path).unwrap());
                }
            });
        }
    }
}
