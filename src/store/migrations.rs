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
