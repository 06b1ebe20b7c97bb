//! Which names clients asked for lately, who answered, and what that cost: the newest records summed.

use super::StoreError;
use crate::clock::UnixMillis;
use crate::store::driver::Conn;

/// Sums over requests that asked for the same name and were answered by the same model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedSums {
    /// The name as clients wrote it.
    pub asked: String,
    /// Id of the provider; empty: none was called.
    pub provider: String,
    /// The provider's model.
    pub model: String,
    /// Clients' requests.
    pub requests: i64,
    /// Known costs, nano-USD.
    pub cost_nano: i64,
    /// Requests that were answered and whose cost is not known.
    pub unpriced: i64,
    /// Prompt tokens outside caches.
    pub input_tokens: i64,
    /// Generated tokens.
    pub output_tokens: i64,
    /// Prompt tokens read from providers' caches.
    pub cache_read_tokens: i64,
    /// Prompt tokens written to providers' caches.
    pub cache_write_tokens: i64,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The most asked first.
    pub sums: Vec<AskedSums>,
    /// The time of the oldest record that was looked at, where the look ended before the beginning of the period.
    pub stopped: Option<UnixMillis>,
    /// Clients' requests that were looked at.
    pub requests: i64,
}

/// Sums of the requests that began since `from`.
///
/// Only the newest `looked_at` records are read (and those of the same millisecond), so that it takes as long with a
/// million records a day as with a few thousand.
///
/// # Errors
/// When the database cannot be read.
pub fn asked(conn: &mut Conn<'_>, from: UnixMillis, looked_at: u32) -> Result<Look, StoreError> {
    let oldest = "select started_ms from requests where started_ms >= $1 order by started_ms desc limit 1 offset $2";
    let stopped = conn.query(oldest, &[from.into(), looked_at.into()], |row| row.integer(0))?.pop().map(UnixMillis);
    // Calls of designators and later tries belong to a request that is counted.
    let sums = conn.query(
        "select asked, provider, model, count(*),
                cast(coalesce(sum(cost_nano), 0) as bigint),
                cast(sum(case when cost_nano is null and error is null then 1 else 0 end) as bigint),
                cast(coalesce(sum(input_tokens), 0) as bigint),
                cast(coalesce(sum(output_tokens), 0) as bigint),
                cast(coalesce(sum(cache_read_tokens), 0) as bigint),
                cast(coalesce(sum(cache_write_tokens), 0) as bigint)
         from requests where started_ms >= $1 and parent is null
         group by asked, provider, model order by count(*) desc, asked, provider, model",
        &[stopped.unwrap_or(from).into()],
        |row| {
            Ok(AskedSums {
                asked: row.text(0)?,
                provider: row.text(1)?,
                model: row.text(2)?,
                requests: row.integer(3)?,
                cost_nano: row.integer(4)?,
                unpriced: row.integer(5)?,
                input_tokens: row.integer(6)?,
                output_tokens: row.integer(7)?,
                cache_read_tokens: row.integer(8)?,
                cache_write_tokens: row.integer(9)?,
            })
        },
    )?;
    let requests = sums.iter().map(|sum| sum.requests).sum();
    Ok(Look { sums, stopped, requests })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Param, Store};

    /// When it began, the name, the model, the cost, and the request it belongs to.
    type Record = (i64, &'static str, &'static str, Option<i64>, Option<&'static str>);

    fn insert(conn: &mut Conn<'_>, rows: &[Record]) -> Result<(), StoreError> {
        for (at, (started, asked, model, cost, parent)) in rows.iter().enumerate() {
            conn.execute(
                "insert into requests (id, parent, started_ms, tags, client, endpoint, client_protocol,
                    provider_protocol, asked, steps, resolved_by, provider, model, status, stream, total_ms, relay_us,
                    attempts, estimated, cost_source, cost_nano, output_tokens)
                 values ($1, $2, $3, '[]', '', '', '', '', $4, '[]', '', 'p', $5, 200, 0, 1, 1, 1, 0, '', $6, 10)",
                &[
                    format!("r{at}").into(),
                    Param::from(*parent),
                    (*started).into(),
                    (*asked).into(),
                    (*model).into(),
                    Param::from(*cost),
                ],
            )?;
        }
        Ok(())
    }

    #[test]
    fn names_are_summed_per_model_and_old_records_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        store
            .blocking(|conn| {
                insert(
                    conn,
                    &[
                        (1, "fast", "old", Some(9), None),
                        (5, "fast", "m", Some(3), None),
                        (6, "fast", "m", None, None),
                        (7, "fast", "n", Some(4), None),
                        (8, "smart", "m", Some(5), None),
                        (8, "smart", "d", Some(1), Some("r4")),
                    ],
                )?;
                let shown = |look: &Look| {
                    let line = |sum: &AskedSums| {
                        format!(
                            "{} {} {} {} {} {}",
                            sum.asked, sum.model, sum.requests, sum.cost_nano, sum.unpriced, sum.output_tokens
                        )
                    };
                    look.sums.iter().map(line).collect::<Vec<_>>()
                };
                let all = asked(conn, UnixMillis(5), 100)?;
                assert_eq!(shown(&all), ["fast m 2 3 1 20", "fast n 1 4 0 10", "smart m 1 5 0 10"]);
                assert_eq!((all.stopped, all.requests), (None, 4));
                let few = asked(conn, UnixMillis(0), 3)?;
                assert_eq!(shown(&few), ["fast m 1 0 1 10", "fast n 1 4 0 10", "smart m 1 5 0 10"]);
                assert_eq!(few.stopped, Some(UnixMillis(6)));
                Ok(())
            })
            .unwrap();
    }
}
