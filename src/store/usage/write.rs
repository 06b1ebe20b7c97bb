//! Adding to the sums. Always with SQL's own addition, so that several writers never lose each other's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use super::{COUNTER_COLUMNS, Counters, Dimension, Dimensions, OTHER_USERS, TOTAL};
use crate::clock::UnixMillis;
use crate::store::driver::{Conn, Param};
use crate::store::{StoreError, hex, list_to_json};

/// End users who are told apart in one hour. Clients may send what they like as the user, a new one with every request
/// even, and each is a row: whoever comes after so many is summed up with the others.
pub const MAX_USERS_PER_HOUR: usize = 1_000;

static ADD_COMBINATION: LazyLock<String> = LazyLock::new(|| {
    add_statement(
        "usage_hourly",
        &["hour_ms", "has_user", "tag_set", "provider", "model", "key_name", "client", "alias", "router"],
    )
});
static ADD_USERS_COMBINATION: LazyLock<String> = LazyLock::new(|| {
    add_statement(
        "usage_hourly_by_user",
        &["hour_ms", "end_user", "tag_set", "provider", "model", "key_name", "client", "alias", "router"],
    )
});
static ADD_VALUE: LazyLock<String> =
    LazyLock::new(|| add_statement("usage_by_dimension", &["dimension", "hour_ms", "dimension_value"]));

/// Adds a batch to the sums, in the transaction that writes the records it comes from.
///
/// # Errors
/// When the database cannot be written.
pub fn add_all(conn: &mut Conn<'_>, sums: &BTreeMap<Dimensions<'_>, Counters>) -> Result<(), StoreError> {
    let mut combinations: BTreeMap<(Dimensions<'_>, bool), Counters> = BTreeMap::new();
    let mut by_value: BTreeMap<(&'static str, UnixMillis, Cow<'_, str>), Counters> = BTreeMap::new();
    let mut named = NamedUsers::of(conn, sums.keys())?;
    let mut with_user: BTreeMap<Dimensions<'_>, Counters> = BTreeMap::new();
    for (of, counters) in sums {
        let has_user = !of.user.is_empty();
        combinations.entry((Dimensions { user: "", ..of.clone() }, has_user)).or_default().add(counters);
        by_value.entry((TOTAL, of.hour, Cow::default())).or_default().add(counters);
        let is_beyond = has_user && !named.admits(conn, of)?;
        if has_user {
            let user = if is_beyond { "" } else { of.user };
            with_user.entry(Dimensions { user, ..of.clone() }).or_default().add(counters);
        }
        for dimension in Dimension::ALL {
            if dimension == Dimension::User && is_beyond {
                by_value.entry((OTHER_USERS, of.hour, Cow::default())).or_default().add(counters);
                continue;
            }
            for value in of.values(dimension) {
                by_value.entry((dimension.as_str(), of.hour, value)).or_default().add(counters);
            }
        }
    }
    for ((of, has_user), counters) in &combinations {
        let keys = [of.hour.into(), (*has_user).into(), tag_set(conn, of.tags)?.into()];
        conn.execute(&ADD_COMBINATION, &params(keys, of, counters))?;
    }
    for (of, counters) in &with_user {
        let keys = [of.hour.into(), of.user.into(), tag_set_id(of.tags).into()];
        conn.execute(&ADD_USERS_COMBINATION, &params(keys, of, counters))?;
    }
    for ((dimension, hour, value), counters) in &by_value {
        let mut params = vec![(*dimension).into(), (*hour).into(), (**value).into()];
        params.extend(counters.fields().map(Into::into));
        conn.execute(&ADD_VALUE, &params)?;
    }
    Ok(())
}

/// The parameters of a combination, after those that come first in its table.
fn params<'p, const N: usize>(first: [Param<'p>; N], of: &Dimensions<'p>, counters: &Counters) -> Vec<Param<'p>> {
    let others = [of.provider, of.model, of.key, of.client, of.alias, of.router].map(Into::into);
    first.into_iter().chain(others).chain(counters.fields().map(Into::into)).collect()
}

/// Who still gets rows of their own in each hour. Two processes that write at once may exceed the limit together by as
/// many as they bring: it bounds the table, it is no promise.
struct NamedUsers<'a> {
    /// Per hour: how many there are beside the batch's own, and the batch's own that are admitted. Without one, all
    /// users of the batch have room, which is the usual case and needs no look at each.
    crowded: BTreeMap<UnixMillis, (usize, BTreeMap<&'a str, bool>)>,
}

impl<'a> NamedUsers<'a> {
    fn of<'s>(conn: &mut Conn<'_>, all: impl Iterator<Item = &'s Dimensions<'a>>) -> Result<Self, StoreError>
    where
        'a: 's,
    {
        let mut hours: BTreeMap<UnixMillis, BTreeSet<&str>> = BTreeMap::new();
        for of in all.filter(|of| !of.user.is_empty()) {
            hours.entry(of.hour).or_default().insert(of.user);
        }
        let mut crowded = BTreeMap::new();
        for (hour, users) in hours {
            let there = conn.query(
                "select count(*) from usage_by_dimension
                 where dimension = $1 and hour_ms = $2 and dimension_value <> ''",
                &[Dimension::User.as_str().into(), hour.into()],
                |row| row.integer(0),
            )?;
            let there = there.first().and_then(|count| usize::try_from(*count).ok()).unwrap_or(0);
            if there + users.len() > MAX_USERS_PER_HOUR {
                crowded.insert(hour, (there, BTreeMap::new()));
            }
        }
        Ok(Self { crowded })
    }

    fn admits(&mut self, conn: &mut Conn<'_>, of: &Dimensions<'a>) -> Result<bool, StoreError> {
        let Some((there, known)) = self.crowded.get_mut(&of.hour) else { return Ok(true) };
        if let Some(is_admitted) = known.get(of.user) {
            return Ok(*is_admitted);
        }
        let row = conn.query(
            "select 1 from usage_by_dimension where dimension = $1 and hour_ms = $2 and dimension_value = $3",
            &[Dimension::User.as_str().into(), of.hour.into(), of.user.into()],
            |row| row.integer(0),
        )?;
        let is_new = row.is_empty();
        let is_admitted = !is_new || *there < MAX_USERS_PER_HOUR;
        *there += usize::from(is_new && is_admitted);
        known.insert(of.user, is_admitted);
        Ok(is_admitted)
    }
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

/// The id of a set of tags, made from its content; no tags: the empty id.
fn tag_set_id(tags: &[SmolStr]) -> String {
    if tags.is_empty() {
        return String::new();
    }
    let mut id = hex(&Sha256::digest(list_to_json(tags).as_bytes()));
    id.truncate(32);
    id
}

/// The id of a set of tags; the set is remembered when it is new.
fn tag_set(conn: &mut Conn<'_>, tags: &[SmolStr]) -> Result<String, StoreError> {
    let id = tag_set_id(tags);
    if tags.is_empty() {
        return Ok(id);
    }
    let is_new = conn.execute(
        "insert into tag_sets (id, tags) values ($1, $2) on conflict (id) do nothing",
        &[(&id).into(), list_to_json(tags).into()],
    )?;
    if is_new == 1 {
        for tag in tags {
            conn.execute(
                "insert into tag_set_members (tag_set, tag) values ($1, $2) on conflict (tag_set, tag) do nothing",
                &[(&id).into(), tag.as_str().into()],
            )?;
        }
    }
    Ok(id)
}
