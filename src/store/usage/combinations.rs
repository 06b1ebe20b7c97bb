//! Reading the tables that have combinations of dimensions, in one pass over their hours.

use std::collections::{BTreeMap, HashMap};

use super::breakdown::{Breakdown, Bucket, Cell, Filters, Group, Span, gather};
use super::{COUNTER_COLUMNS, Counters, Dimension};
use crate::store::StoreError;
use crate::store::driver::{Conn, Param};

/// Which requests a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// All. Of end users it only knows whether there is one.
    All,
    /// Those that name an end user, told apart by them.
    ByUser,
}

/// Sums per bucket and value of a dimension.
pub(super) fn scan(
    conn: &mut Conn<'_>,
    table: Table,
    by: Dimension,
    filters: &Filters,
    span: Span,
) -> Result<Breakdown, StoreError> {
    let cells = passed(conn, table, by, filters, span)?;
    let mut found = Breakdown { cells, totals: BTreeMap::new() };
    found.add_up();
    if by == Dimension::Tag {
        found.cells = per_tag(&tags_of_sets(conn)?, found.cells);
    }
    Ok(found)
}

/// What passes the filters, by what the dimension's column has.
fn passed(
    conn: &mut Conn<'_>,
    table: Table,
    by: Dimension,
    filters: &Filters,
    span: Span,
) -> Result<Vec<Cell>, StoreError> {
    let mut params: Vec<Param<'_>> = vec![span.before.0.into(), span.to.into()];
    let mut terms = vec!["hour_ms >= $1".to_owned(), "hour_ms < $2".to_owned()];
    for (dimension, value) in filters {
        let mut is = |column: &str, value: &str| {
            params.push(value.to_owned().into());
            terms.push(format!("{column} = ${}", params.len()));
        };
        match dimension {
            Dimension::Tag if value.is_empty() => is("tag_set", ""),
            Dimension::Tag => {
                params.push(value.into());
                terms.push(format!("tag_set in (select tag_set from tag_set_members where tag = ${})", params.len()));
            }
            Dimension::Model => match value.split_once('/') {
                Some((provider, model)) => {
                    is("provider", provider);
                    is("model", model);
                }
                None => is("model", value),
            },
            Dimension::User if value.is_empty() => terms.push("has_user = 0".to_owned()),
            Dimension::Provider
            | Dimension::Key
            | Dimension::Client
            | Dimension::Alias
            | Dimension::Router
            | Dimension::User => is(column_of(*dimension), value),
        }
    }
    let (name, column) = match table {
        Table::All if by == Dimension::User => ("usage_hourly", "''"),
        Table::All => ("usage_hourly", column_of(by)),
        Table::ByUser => ("usage_hourly_by_user", column_of(by)),
    };
    let (columns, wanted) = (COUNTER_COLUMNS.join(", "), terms.join(" and "));
    let sql = format!("select hour_ms, {column}, {columns} from {name} where {wanted} order by hour_ms");
    gather(conn, &sql, &params, span)
}

/// What tells rows apart. For tags, their sets: those are taken apart afterwards, so that no row is read twice.
fn column_of(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Tag => "tag_set",
        Dimension::Model => "case when model = '' then '' else provider || '/' || model end",
        Dimension::Provider => "provider",
        Dimension::Key => "key_name",
        Dimension::Client => "client",
        Dimension::Alias => "alias",
        Dimension::Router => "router",
        Dimension::User => "end_user",
    }
}

fn tags_of_sets(conn: &mut Conn<'_>) -> Result<HashMap<String, Vec<String>>, StoreError> {
    let members =
        conn.query("select tag_set, tag from tag_set_members", &[], |row| Ok((row.text(0)?, row.text(1)?)))?;
    let mut sets: HashMap<String, Vec<String>> = HashMap::new();
    for (set, tag) in members {
        sets.entry(set).or_default().push(tag);
    }
    Ok(sets)
}

/// Cells of sets as cells of tags: a set counts fully for each of its tags.
fn per_tag(sets: &HashMap<String, Vec<String>>, cells: Vec<Cell>) -> Vec<Cell> {
    let mut sums: BTreeMap<(Bucket, Group), Counters> = BTreeMap::new();
    for cell in cells {
        match &cell.group {
            Group::Value(set) => {
                for tag in sets.get(set).into_iter().flatten() {
                    sums.entry((cell.bucket, Group::Value(tag.clone()))).or_default().add(&cell.sums);
                }
            }
            Group::None | Group::Others => sums.entry((cell.bucket, cell.group)).or_default().add(&cell.sums),
        }
    }
    sums.into_iter().map(|((bucket, group), sums)| Cell { bucket, group, sums }).collect()
}
