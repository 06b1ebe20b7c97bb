//! Adding to the sums. Always with SQL's own addition, so that several writers never lose each other's.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::{COUNTER_COLUMNS, Counters, Dimension, Dimensions, TOTAL};
use crate::clock::UnixMillis;
use crate::store::driver::Conn;
use crate::store::{StoreError, hex, list_to_json};

static ADD_COMBINATION: LazyLock<String> = LazyLock::new(|| {
    add_statement("usage_hourly", &["hour_ms", "tag_set", "provider", "model", "key_name", "client", "alias", "router"])
});
static ADD_VALUE: LazyLock<String> =
    LazyLock::new(|| add_statement("usage_by_dimension", &["dimension", "hour_ms", "dimension_value"]));

/// Adds a batch to the sums, in the transaction that writes the records it comes from.
///
/// # Errors
/// When the database cannot be written.
pub fn add_all(conn: &mut Conn<'_>, sums: &BTreeMap<Dimensions<'_>, Counters>) -> Result<(), StoreError> {
    let mut by_value: BTreeMap<(&'static str, UnixMillis, Cow<'_, str>), Counters> = BTreeMap::new();
    for (of, counters) in sums {
        add_combination(conn, of, counters)?;
        by_value.entry((TOTAL, of.hour, Cow::default())).or_default().add(counters);
        for dimension in Dimension::ALL {
            for value in of.values(dimension) {
                by_value.entry((dimension.as_str(), of.hour, value)).or_default().add(counters);
            }
        }
    }
    for ((dimension, hour, value), counters) in &by_value {
        let mut params = vec![(*dimension).into(), (*hour).into(), (**value).into()];
        params.extend(counters.fields().map(Into::into));
        conn.execute(&ADD_VALUE, &params)?;
    }
    Ok(())
}

fn add_combination(conn: &mut Conn<'_>, of: &Dimensions<'_>, counters: &Counters) -> Result<(), StoreError> {
    let tag_set = tag_set(conn, of.tags)?;
    let mut params = vec![
        of.hour.into(),
        tag_set.into(),
        of.provider.into(),
        of.model.into(),
        of.key.into(),
        of.client.into(),
        of.alias.into(),
        of.router.into(),
    ];
    params.extend(counters.fields().map(Into::into));
    conn.execute(&ADD_COMBINATION, &params)?;
    Ok(())
}

/// `insert … on conflict (keys) do update set n = table.n + excluded.n` for every counter.
fn add_statement(table: &str, keys: &[&str]) -> String {
    let places: Vec<String> = (1..=keys.len() + COUNTER_COLUMNS.len()).map(|number| format!("${number}")).collect();
    let additions = COUNTER_COLUMNS.map(|column| format!("{column} = {table}.{column} + excluded.{column}"));
    format!(
        "insert into {table} ({keys}, {counters}) values ({places}) on conflict ({keys}) do update set {additions}",
        keys = keys.join(", "),
        counters = COUNTER_COLUMNS.join(", "),
        places = places.join(", "),
        additions = additions.join(", "),
    )
}

/// The id of a set of tags, made from its content; the set is remembered when it is new. No tags: the empty id.
fn tag_set(conn: &mut Conn<'_>, tags: &[String]) -> Result<String, StoreError> {
    if tags.is_empty() {
        return Ok(String::new());
    }
    let json = list_to_json(tags);
    let mut id = hex(&Sha256::digest(json.as_bytes()));
    id.truncate(32);
    let is_new = conn.execute(
        "insert into tag_sets (id, tags) values ($1, $2) on conflict (id) do nothing",
        &[(&id).into(), json.into()],
    )?;
    if is_new == 1 {
        for tag in tags {
            conn.execute(
                "insert into tag_set_members (tag_set, tag) values ($1, $2) on conflict (tag_set, tag) do nothing",
                &[(&id).into(), tag.into()],
            )?;
        }
    }
    Ok(id)
}
