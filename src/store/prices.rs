//! Prices models have had. A changed price is a new row; old records keep the row they were computed with.

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

/// Remembers the prices in force: a row whose id is new for its model is added and valid from `now`,
/// one that is known stays as it is. Returns how many were new.
///
/// # Errors
/// When the database cannot be written; then nothing was changed.
pub fn remember_prices(conn: &mut Conn<'_>, rows: &[PriceRow], now: UnixMillis) -> Result<usize, StoreError> {
    conn.transaction(|tx| {
        let mut added = 0;
        for row in rows {
            added += tx.execute(
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
        }
        Ok(added)
    })
}

/// The rows of a model with the time each was first seen, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub fn history(conn: &mut Conn<'_>, provider: &str, model: &str) -> Result<Vec<(UnixMillis, PriceRow)>, StoreError> {
    conn.query(
        "select valid_from_ms, id, provider, model, source, price_values from prices
         where provider = $1 and model = $2 order by valid_from_ms, id",
        &[provider.into(), model.into()],
        read,
    )
}

/// The row with this id, with the time it was first seen.
///
/// # Errors
/// When the database cannot be read.
pub fn find(
    conn: &mut Conn<'_>,
    provider: &str,
    model: &str,
    id: &str,
) -> Result<Option<(UnixMillis, PriceRow)>, StoreError> {
    let mut found = conn.query(
        "select valid_from_ms, id, provider, model, source, price_values from prices
         where provider = $1 and model = $2 and id = $3",
        &[provider.into(), model.into(), id.into()],
        read,
    )?;
    Ok(found.pop())
}

fn read(row: &Row<'_>) -> Result<(UnixMillis, PriceRow), StoreError> {
    let price = PriceRow {
        id: row.text(1)?,
        provider: row.text(2)?,
        model: row.text(3)?,
        source: row.text(4)?,
        values: row.text(5)?,
    };
    Ok((UnixMillis(row.integer(0)?), price))
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
                assert_eq!(history(conn, "openai", "m")?, [(UnixMillis(1), row("a", "m"))]);
                let of_n = history(conn, "openai", "n")?;
                assert_eq!(of_n, [(UnixMillis(1), row("b", "n")), (UnixMillis(2), row("c", "n"))]);
                assert_eq!(find(conn, "openai", "n", "c")?, Some((UnixMillis(2), row("c", "n"))));
                assert_eq!(find(conn, "openai", "n", "a")?, None, "it is another model's");
                Ok(())
            })
            .unwrap();
    }
}
