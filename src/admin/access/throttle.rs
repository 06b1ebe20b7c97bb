//! A price on guessing the password.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong passwords within [`WINDOW`] after which an address has to wait.
const MAX_FAILURES: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered at once; beyond that the one that failed longest ago is forgotten.
const MAX_ADDRESSES: usize = 4096;

/// Who failed to know the password lately.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    failures: Mutex<HashMap<IpAddr, VecDeque<Instant>>>,
}

impl Throttle {
    /// How long an address has to wait before it may try again. Whether it is right is not said for so long.
    pub(super) fn wait(&self, client: IpAddr, now: Instant) -> Option<Duration> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        wait(&mut failures, network(client), now)
    }

    /// Counts a failure, unless the address has to wait. Looking and counting are one step, so that attempts made at
    /// the same time count like those made one after the other.
    pub(super) fn fail(&self, client: IpAddr, now: Instant) -> Option<Duration> {
        let client = network(client);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = wait(&mut failures, client, now) {
            return Some(wait);
        }
        if failures.len() >= MAX_ADDRESSES && !failures.contains_key(&client) {
            let oldest = failures.iter().min_by_key(|(_, times)| times.back()).map(|(address, _)| *address);
            oldest.and_then(|address| failures.remove(&address));
        }
        failures.entry(client).or_default().push_back(now);
        None
    }
}

fn wait(failures: &mut HashMap<IpAddr, VecDeque<Instant>>, client: IpAddr, now: Instant) -> Option<Duration> {
    let times = failures.get_mut(&client)?;
    times.retain(|time| now.saturating_duration_since(*time) < WINDOW);
    let first = times.front().filter(|_| times.len() >= MAX_FAILURES)?;
    Some(WINDOW.saturating_sub(now.saturating_duration_since(*first)))
}

/// What counts as one address. An IPv6 host usually has a whole /64 to choose from.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_within_a_minute_cost_the_rest_of_it() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for second in 0..5 {
            assert_eq!(throttle.fail(address("2001:db8::1"), at(second * 10)), None);
        }
        let wait = Some(Duration::from_secs(19));
        assert_eq!(throttle.wait(address("2001:db8::2"), at(41)), wait, "the same /64");
        assert_eq!(throttle.fail(address("2001:db8::2"), at(41)), wait, "it is not counted");
        assert_eq!(throttle.wait(address("2001:db8:0:1::1"), at(41)), None);
        assert_eq!(throttle.wait(address("2001:db8::1"), at(60)), None, "one failure has aged out");
        assert_eq!(throttle.fail(address("2001:db8::1"), at(61)), None);
        assert_eq!(throttle.fail(address("2001:db8::1"), at(62)), Some(Duration::from_secs(8)));
    }

    #[test]
    fn the_memory_for_failures_is_bounded() {
        let throttle = Throttle::default();
        let start = Instant::now();
        for number in 0..=u32::try_from(MAX_ADDRESSES).unwrap() {
            throttle.fail(IpAddr::from(number.to_be_bytes()), start + Duration::from_micros(number.into()));
        }
        let failures = throttle.failures.lock().unwrap();
        assert_eq!(failures.len(), MAX_ADDRESSES);
        assert!(!failures.contains_key(&IpAddr::from([0, 0, 0, 0])), "the oldest is forgotten");
    }
}
