//! Which models count as loaded. Other people's models always are; Ollama's clients still want to see what they loaded,
//! and for how long, so the relay remembers as an Ollama server would.

use dashmap::DashMap;

use crate::chat::KeepAlive;
use crate::clock::UnixNanos;

/// Ollama's own default.
const DEFAULT_KEEP_ALIVE_SECONDS: f64 = 300.0;
/// Names remembered at once. Behind a provider's prefix clients may invent any number of them.
const MAX_NAMES: usize = 1024;
/// How far away "forever" is: Ollama shows a date about 292 years ahead.
const FOREVER_SECONDS: f64 = 9_000_000_000.0;

/// Loaded models by the name they are listed under.
#[derive(Debug, Default)]
pub(super) struct Residents {
    until: DashMap<String, UnixNanos>,
}

impl Residents {
    /// A model was used, or loaded; it stays for its keep-alive time. Zero unloads it.
    pub(super) fn touch(&self, name: &str, keep_alive: Option<KeepAlive>, now: UnixNanos) {
        let seconds = match keep_alive {
            None => DEFAULT_KEEP_ALIVE_SECONDS,
            Some(KeepAlive::Seconds(seconds)) => seconds,
            Some(KeepAlive::Forever) => FOREVER_SECONDS,
        };
        if seconds <= 0.0 {
            self.until.remove(name);
            return;
        }
        let until = UnixNanos(now.0.saturating_add(nanos(seconds)));
        // The usual case changes a value in place; only the first use of a model allocates.
        match self.until.get_mut(name).map(|mut entry| *entry = until) {
            Some(()) => {}
            None => {
                if self.until.len() >= MAX_NAMES {
                    self.until.retain(|_, until| *until > now);
                }
                if self.until.len() < MAX_NAMES {
                    self.until.insert(name.to_owned(), until);
                }
            }
        }
    }

    /// What is loaded, longest-lived first. Forgets what has expired.
    pub(super) fn list(&self, now: UnixNanos) -> Vec<(String, UnixNanos)> {
        self.until.retain(|_, until| *until > now);
        let mut list: Vec<_> = self.until.iter().map(|entry| (entry.key().clone(), *entry.value())).collect();
        list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        list
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a saturating cast is what is wanted")]
fn nanos(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_names_are_not_remembered_without_end() {
        let residents = Residents::default();
        for number in 0..2 * MAX_NAMES {
            residents.touch(&format!("openai/{number}"), None, UnixNanos(0));
        }
        assert_eq!(residents.until.len(), MAX_NAMES);
        let later = UnixNanos(400_000_000_000);
        residents.touch("new", None, later);
        assert_eq!(residents.list(later).len(), 1);
    }

    #[test]
    fn a_model_stays_for_its_keep_alive_time_and_zero_unloads_it() {
        let residents = Residents::default();
        let now = UnixNanos(1_000_000_000);
        residents.touch("a", None, now);
        residents.touch("b", Some(KeepAlive::Forever), now);
        residents.touch("c", Some(KeepAlive::Seconds(1.0)), now);
        let names: Vec<String> = residents.list(now).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "a", "c"]);
        residents.touch("b", Some(KeepAlive::Seconds(0.0)), now);
        assert_eq!(residents.list(UnixNanos(now.0 + 2_000_000_000)).len(), 1);
        assert_eq!(residents.list(UnixNanos(now.0 + 400_000_000_000)), []);
    }
}
