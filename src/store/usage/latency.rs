//! How long answers took: a histogram per hour, from which percentiles of any period come.
//!
//! A bucket is a stretch of milliseconds. The first ones are a millisecond wide; from 8 ms on each octave has eight, so a
//! percentile is off by 6 % at most, whatever its size, and a bucket's number follows from the bits of the time.

use std::collections::BTreeMap;

use super::hour_of;
use crate::clock::UnixMillis;
use crate::store::StoreError;
use crate::store::driver::Conn;

/// Bits after the leading one that tell buckets of an octave apart.
const DETAIL_BITS: u32 = 3;
/// Buckets of an octave, and of the milliseconds below the first octave.
const PER_OCTAVE: u32 = 1 << DETAIL_BITS;

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// From arrival to the end.
    Total,
    /// From arrival to the first token of a stream.
    FirstToken,
}

impl Measure {
    fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::FirstToken => "first_token",
        }
    }
}

/// What a batch of answers adds.
#[derive(Debug, Default)]
pub struct Latencies {
    counts: BTreeMap<(UnixMillis, Measure, u32), i64>,
}

impl Latencies {
    /// Counts an answer to a request that arrived then.
    pub fn count(&mut self, started: UnixMillis, measure: Measure, millis: u32) {
        *self.counts.entry((hour_of(started), measure, bucket_of(millis))).or_default() += 1;
    }

    /// Adds all, in the transaction that writes the records they come from.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write(&self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        for ((hour, measure, bucket), count) in &self.counts {
            conn.execute(
                "insert into usage_latency (hour_ms, measure, bucket, answers) values ($1, $2, $3, $4)
                 on conflict (hour_ms, measure, bucket) do update set answers = usage_latency.answers + excluded.answers",
                &[(*hour).into(), measure.as_str().into(), (*bucket).into(), (*count).into()],
            )?;
        }
        Ok(())
    }
}

/// How many answers lie in each bucket, the fastest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: Vec<(u32, i64)>,
}

/// The answers to the requests of the hours in `from..to`.
///
/// # Errors
/// When the database cannot be read.
pub fn histogram(
    conn: &mut Conn<'_>,
    measure: Measure,
    from: UnixMillis,
    to: UnixMillis,
) -> Result<Histogram, StoreError> {
    let buckets = conn.query(
        "select bucket, cast(sum(answers) as bigint) from usage_latency
         where hour_ms >= $1 and hour_ms < $2 and measure = $3 group by bucket order by bucket",
        &[from.into(), to.into(), measure.as_str().into()],
        |row| Ok((u32::try_from(row.integer(0)?).unwrap_or(u32::MAX), row.integer(1)?)),
    )?;
    Ok(Histogram { buckets })
}

impl Histogram {
    /// How many answers were measured.
    pub fn answers(&self) -> i64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// The time, in milliseconds, within which so many of a hundred answers were there; the middle of its bucket. `None`
    /// when nothing was measured.
    pub fn percentile(&self, percent: u32) -> Option<u32> {
        let answers = self.answers();
        // The rank of the answer looked for, counted from one: the first that has so many of a hundred up to itself.
        let rank = (answers.saturating_mul(percent.into()) + 99) / 100;
        let mut below = 0;
        self.buckets.iter().find_map(|(bucket, count)| {
            below += count;
            (below >= rank.max(1)).then(|| middle_of(*bucket))
        })
    }
}

fn bucket_of(millis: u32) -> u32 {
    if millis < PER_OCTAVE {
        return millis;
    }
    let shift = millis.ilog2() - DETAIL_BITS;
    // The leading bit is what the octave is; the bits after it are the bucket in it.
    (shift + 1) * PER_OCTAVE + ((millis >> shift) - PER_OCTAVE)
}

fn middle_of(bucket: u32) -> u32 {
    let Some(shift) = (bucket / PER_OCTAVE).checked_sub(1) else { return bucket };
    let width = 1_u64.checked_shl(shift).unwrap_or(u64::MAX);
    let start = u64::from(PER_OCTAVE + bucket % PER_OCTAVE).saturating_mul(width);
    u32::try_from(start.saturating_add(width / 2)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn buckets_follow_each_other_and_are_as_narrow_as_promised() {
        let mut last = 0;
        for millis in 0..200_000_u32 {
            let bucket = bucket_of(millis);
            assert!(bucket == last || bucket == last + 1, "{millis}");
            last = bucket;
            let off = f64::from(middle_of(bucket).abs_diff(millis));
            assert!(off <= f64::from(millis) * 0.0625, "{millis} became {}", middle_of(bucket));
        }
        assert_eq!([0, 7, 8, 15, 16, 17, 18, 1000, u32::MAX].map(bucket_of), [0, 7, 8, 15, 16, 16, 17, 63, 239]);
        assert_eq!([5, 8, 63, 239].map(middle_of), [5, 8, 992, 4_160_749_568]);
        assert_eq!(middle_of(u32::MAX), u32::MAX);
    }

    #[test]
    fn percentiles_come_from_the_hours_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let read = |from, to, percent| {
            let found =
                store.blocking(|conn| histogram(conn, Measure::Total, UnixMillis(from), UnixMillis(to))).unwrap();
            (found.answers(), found.percentile(percent))
        };
        assert_eq!(read(0, 7_200_000, 50), (0, None));
        // Two batches of the same hour, then a slow answer in the next, and another measure.
        for millis in [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]] {
            let mut batch = Latencies::default();
            millis.into_iter().for_each(|millis| batch.count(UnixMillis(5), Measure::Total, millis));
            store.blocking(|conn| conn.transaction(|tx| batch.write(tx))).unwrap();
        }
        let mut batch = Latencies::default();
        batch.count(UnixMillis(3_600_000), Measure::Total, 1_000);
        batch.count(UnixMillis(3_600_000), Measure::FirstToken, 1);
        store.blocking(|conn| conn.transaction(|tx| batch.write(tx))).unwrap();
        assert_eq!([0, 10, 50, 99, 100].map(|percent| read(0, 3_600_000, percent).1), [1, 1, 5, 10, 10].map(Some));
        assert_eq!(read(0, 7_200_000, 99), (11, Some(992)));
        assert_eq!(read(0, 7_200_000, 90), (11, Some(10)));
        assert_eq!(read(3_600_000, 7_200_000, 50), (1, Some(992)));
    }
}
