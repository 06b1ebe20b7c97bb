//! Prices models have had. A changed price is a new row; old records keep the row they were computed with.

use std::collections::HashMap;

use super::StoreError;
use super::driver::{Conn, Row};
use crate::clock::UnixMillis;

/// A price as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRow {
    /// Made from provider, model and values: the same price always has the same id.
    pub id: String,
    /// Id of the provider.
    pub provider: String,
    /// The provider's model.
    pub model: String,
    /// Where the price comes from.
    pub source: String,
    /// The price as JSON.
    pub values: String,
}

/// A price and since when it was in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedPrice {
    /// Since when.
    pub from: UnixMillis,
    /// The price, with the source that said so then.
    pub row: PriceRow,
}

/// Remembers the prices in force: where a model's price is another one than the last that was remembered, it is valid from
/// `now`. Returns for how many models that was so.
///
/// # Errors
/// When the database cannot be written; then nothing was changed.
pub fn remember_prices(conn: &mut Conn<'_>, rows: &[PriceRow], now: UnixMillis) -> Result<usize, StoreError> {
    // Nearly always there is nothing new, and then nobody else is kept from writing.
    let known = latest(conn)?;
    if rows.iter().all(|row| known.get(&key(row)).is_some_and(|id| *id == row.id)) {
        return Ok(0);
    }
    conn.transaction(|tx| {
        let known = latest(tx)?;
        let changed = rows.iter().filter(|row| known.get(&key(row)).is_none_or(|id| *id != row.id));
        let mut count = 0;
        for row in changed {
            tx.execute(
                "insert into prices (provider, model, id, source, price_values, valid_from_ms)
                 values ($1, $2, $3, $4, $5, $6) on conflict (provider, model, id) do nothing",
                &[
                    (&row.provider).into(),
                    (&row.model).into(),
                    (&row.id).into(),
                    (&row.source).into(),
                    (&row.values).into(),
                    now.into(),
                ],
            )?;
            count += tx.execute(
                "insert into price_changes (provider, model, valid_from_ms, id, source) values ($1, $2, $3, $4, $5)
                 on conflict (provider, model, valid_from_ms, id) do nothing",
                &[(&row.provider).into(), (&row.model).into(), now.into(), (&row.id).into(), (&row.source).into()],
            )?;
        }
        Ok(count)
    })
}

/// The price that was remembered last, of every model: its id.
fn latest(conn: &mut Conn<'_>) -> Result<HashMap<(String, String), String>, StoreError> {
    let sql = "select provider, model, id from price_changes order by valid_from_ms, id";
    let rows = conn.query(sql, &[], |row| Ok(((row.text(0)?, row.text(1)?), row.text(2)?)))?;
    Ok(rows.into_iter().collect())
}

fn key(row: &PriceRow) -> (String, String) {
    (row.provider.clone(), row.model.clone())
}

/// The prices a model has had, newest first, at most `limit`.
///
/// # Errors
/// When the database cannot be read.
pub fn history(conn: &mut Conn<'_>, provider: &str, model: &str, limit: u32) -> Result<Vec<DatedPrice>, StoreError> {
    let sql = format!("{DATED} where c.provider = $1 and c.model = $2 order by c.valid_from_ms desc, c.id limit $3");
    conn.query(&sql, &[provider.into(), model.into(), limit.into()], read)
}

/// The row with this id, and since when it was in force at a moment.
///
/// # Errors
/// When the database cannot be read.
pub fn find(
    conn: &mut Conn<'_>,
    provider: &str,
    model: &str,
    id: &str,
    at: UnixMillis,
) -> Result<Option<DatedPrice>, StoreError> {
    // A request can be a moment older than the memory of its price: then it is the first time that counts.
    let sql = format!(
        "{DATED} where c.provider = $1 and c.model = $2 and c.id = $3
         order by case when c.valid_from_ms <= $4 then 0 else 1 end,
                  case when c.valid_from_ms <= $4 then -c.valid_from_ms else c.valid_from_ms end limit 1"
    );
    Ok(conn.query(&sql, &[provider.into(), model.into(), id.into(), at.into()], read)?.pop())
}

const DATED: &str = "select c.valid_from_ms, c.id, c.provider, c.model, c.source, p.price_values from price_changes c
     join prices p on p.provider = c.provider and p.model = c.model and p.id = c.id";

fn read(row: &Row<'_>) -> Result<DatedPrice, StoreError> {
    let price = PriceRow {
        id: row.text(1)?,
        provider: row.text(2)?,
        model: row.text(3)?,
        source: row.text(4)?,
        values: row.text(5)?,
    };
    Ok(DatedPrice { from: UnixMillis(row.integer(0)?), row: price })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn row(id: &str, model: &str) -> PriceRow {
        PriceRow {
            id: id.into(),
            provider: "openai".into(),
            model: model.into(),
            source: "seed".into(),
            values: format!("{{\"of\":\"{id}\"}}"),
        }
    }

    #[test]
    fn a_new_price_starts_a_new_row_and_the_old_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        store
            .blocking(|conn| {
                assert_eq!(remember_prices(conn, &[row("a", "m"), row("b", "n")], UnixMillis(1))?, 2);
                assert_eq!(remember_prices(conn, &[row("a", "m"), row("c", "n")], UnixMillis(2))?, 1);
                assert_eq!(remember_prices(conn, &[row("a", "m"), row("c", "n")], UnixMillis(3))?, 0);
                assert_eq!(remember_prices(conn, &[row("b", "n")], UnixMillis(4))?, 1, "a price returns");
                let dated = |conn: &mut Conn<'_>, model| {
                    let found = history(conn, "openai", model, 9)?;
                    Ok::<_, StoreError>(found.into_iter().map(|one| (one.from.0, one.row.id)).collect::<Vec<_>>())
                };
                assert_eq!(dated(conn, "m")?, [(1, "a".to_owned())]);
                assert_eq!(dated(conn, "n")?, [(4, "b".to_owned()), (2, "c".to_owned()), (1, "b".to_owned())]);
                assert_eq!(history(conn, "openai", "n", 1)?[0].row, row("b", "n"));
                let since = |conn: &mut Conn<'_>, id, at| {
                    Ok::<_, StoreError>(find(conn, "openai", "n", id, UnixMillis(at))?.map(|one| one.from.0))
                };
                assert_eq!(
                    (since(conn, "b", 3)?, since(conn, "b", 4)?, since(conn, "c", 9)?),
                    (Some(1), Some(4), Some(2))
                );
                assert_eq!(since(conn, "c", 1)?, Some(2), "it was remembered a moment later");
                assert_eq!(since(conn, "a", 9)?, None, "it is another model's");
                Ok(())
            })
            .unwrap();
    }
}
