//! Breakers: whoever fails again and again is left alone for a while.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row after which the breaker opens.
const FAILURES: u32 = 3;
/// A call that was let through to try and never told its end (its client left) keeps the others out no longer than this.
const TRIAL: Duration = Duration::from_secs(5);

/// One breaker for each model, by `provider/model`. In memory, of this process alone.
#[derive(Debug, Default)]
pub(super) struct Breakers {
    /// Models that have failed at least once since they last answered: usually none, and then nobody takes the lock.
    troubled: AtomicUsize,
    breakers: Mutex<HashMap<String, Breaker>>,
}

#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    /// Nobody gets through before; `None` while it is closed.
    open_until: Option<Instant>,
}

impl Breakers {
    /// Whether the model may be called now. Of the calls that come after the breaker has been open for its time, one is
    /// let through to try.
    pub(super) fn admits(&self, model: &str, now: Instant) -> bool {
        self.ask(model, |breaker| match breaker.open_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                breaker.open_until = Some(now + TRIAL);
                true
            }
        })
    }

    /// Whether the model has not failed too often lately. Looks only.
    pub(super) fn is_closed(&self, model: &str, now: Instant) -> bool {
        self.ask(model, |breaker| breaker.open_until.is_none_or(|until| until <= now))
    }

    /// The model has answered. Its name is asked for only when there is something to forget.
    pub(super) fn succeeded(&self, model: impl FnOnce() -> String) {
        if self.troubled.load(Ordering::Relaxed) == 0 {
            return;
        }
        let model = model();
        let mut breakers = self.lock();
        if breakers.remove(&model).is_some_and(|breaker| breaker.open_until.is_some()) {
            tracing::info!(model.id = model, "the model answers again");
        }
        self.troubled.store(breakers.len(), Ordering::Relaxed);
    }

    /// The model has failed, or has not answered in time. If that was once too often, it is left alone for `rest`; then one
    /// call may try.
    pub(super) fn failed(&self, model: &str, now: Instant, rest: Duration) {
        let mut breakers = self.lock();
        let breaker = breakers.entry(model.to_owned()).or_default();
        breaker.failures = breaker.failures.saturating_add(1);
        if breaker.failures >= FAILURES {
            if breaker.open_until.is_none() {
                let rest_ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(
                    model.id = model,
                    rest_ms,
                    "the model fails again and again and is left alone for a while"
                );
            }
            breaker.open_until = now.checked_add(rest);
        }
        self.troubled.store(breakers.len(), Ordering::Relaxed);
    }

    fn ask(&self, model: &str, look: impl FnOnce(&mut Breaker) -> bool) -> bool {
        self.troubled.load(Ordering::Relaxed) == 0 || self.lock().get_mut(model).is_none_or(look)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Breaker>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(30);

    #[test]
    fn three_failures_open_it_one_trial_closes_it() {
        let breakers = Breakers::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..3 {
            assert!(breakers.admits("a", at(second)));
            breakers.failed("a", at(second), REST);
        }
        assert!(!breakers.admits("a", at(31)) && !breakers.is_closed("a", at(31)));
        assert!(breakers.admits("b", at(3)) && breakers.is_closed("b", at(3)));
        assert!(breakers.admits("a", at(32)), "one may try");
        assert!(!breakers.admits("a", at(33)), "the others wait for it");
        breakers.failed("a", at(34), REST);
        assert!(!breakers.admits("a", at(63)), "one more failure keeps it open");
        assert!(breakers.admits("a", at(64)));
        breakers.succeeded(|| "a".to_owned());
        assert!(breakers.admits("a", at(64)) && breakers.is_closed("a", at(64)));
        assert_eq!(breakers.troubled.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew_and_a_lost_trial_is_repeated() {
        let breakers = Breakers::default();
        let now = Instant::now();
        for _ in 0..4 {
            breakers.failed("a", now, REST);
            breakers.failed("a", now, REST);
            breakers.succeeded(|| "a".to_owned());
        }
        assert!(breakers.is_closed("a", now));
        for _ in 0..3 {
            breakers.failed("a", now, REST);
        }
        assert!(breakers.admits("a", now + REST));
        assert!(!breakers.admits("a", now + REST));
        assert!(breakers.admits("a", now + REST + TRIAL), "nobody knows what became of the trial");
    }
}
