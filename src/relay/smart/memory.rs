//! What routers remember: decisions and pins, each for its time, in a bounded number.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Values that are forgotten after their time. When there are too many, those that have least time left go first: a
/// quarter at once, so that this is rare. In memory, of this process alone.
#[derive(Debug)]
pub(super) struct Memory<K> {
    limit: usize,
    entries: Mutex<HashMap<K, Entry>>,
}

#[derive(Debug)]
struct Entry {
    /// A candidate, by its name in the router.
    name: String,
    until: Instant,
}

impl<K: Eq + Hash + Copy> Memory<K> {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, entries: Mutex::default() }
    }

    /// What was remembered, unless its time is over.
    pub(super) fn recall(&self, key: &K, now: Instant) -> Option<String> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|entry| now < entry.until).map(|entry| entry.name.clone())
    }

    /// Remembers a candidate for a time, in the place of what was remembered before.
    pub(super) fn keep(&self, key: K, name: &str, time: Duration, now: Instant) {
        // A time beyond what the clock can hold is as good as for ever; a day is long enough to be asked again.
        let until = now.checked_add(time).unwrap_or_else(|| now + Duration::from_secs(86_400));
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.limit && !entries.contains_key(&key) {
            entries.retain(|_, entry| now < entry.until);
            if entries.len() >= self.limit {
                let mut times: Vec<Instant> = entries.values().map(|entry| entry.until).collect();
                let (_, edge, _) = times.select_nth_unstable(self.limit / 4);
                let edge = *edge;
                entries.retain(|_, entry| edge < entry.until);
            }
        }
        entries.insert(key, Entry { name: name.to_owned(), until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_forgotten_after_its_time() {
        let memory = Memory::new(10);
        let now = Instant::now();
        memory.keep(1, "a", Duration::from_secs(5), now);
        assert_eq!(memory.recall(&1, now + Duration::from_secs(4)).as_deref(), Some("a"));
        assert_eq!(memory.recall(&1, now + Duration::from_secs(5)), None);
        memory.keep(1, "b", Duration::from_secs(9), now);
        assert_eq!(memory.recall(&1, now + Duration::from_secs(8)).as_deref(), Some("b"));
        memory.keep(2, "c", Duration::MAX, now);
        assert_eq!(memory.recall(&2, now).as_deref(), Some("c"));
    }

    #[test]
    fn the_number_is_bounded_and_the_youngest_stay() {
        let memory = Memory::new(100);
        let now = Instant::now();
        for number in 0..1_000_u64 {
            memory.keep(number, "a", Duration::from_secs(number + 1), now);
            assert!(memory.entries.lock().unwrap().len() <= 100);
        }
        assert!((950..1_000).all(|number| memory.recall(&number, now).is_some()));
    }
}
