//! Who may look: the admin password by HTTP Basic, and a price on guessing it.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::auth::KeyHash;
use crate::secret::Secret;

/// Wrong passwords within [`WINDOW`] after which an address has to wait.
const MAX_FAILURES: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered at once; beyond that the one that failed longest ago is forgotten.
const MAX_ADDRESSES: usize = 4096;

/// A password nobody has to invent: 18 random bytes as base64url, 24 characters.
pub fn new_password() -> Secret {
    let mut random = [0_u8; 18];
    rand::fill(&mut random);
    Secret::new(URL_SAFE_NO_PAD.encode(random))
}

/// The password, and who failed to know it lately.
pub(super) struct Login {
    /// Compared in constant time. It lives in memory only, so a fast hash gives nothing away.
    password: KeyHash,
    failures: Mutex<HashMap<IpAddr, VecDeque<Instant>>>,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The password is right.
    Admitted,
    /// No password was given: what browsers do first.
    Unknown,
    /// The password is wrong.
    Wrong,
    /// Too many wrong ones came from this address; whether this one is right is not said for so long.
    Throttled(Duration),
}

impl Login {
    pub(super) fn new(password: &Secret) -> Self {
        Self { password: KeyHash::of(password.expose()), failures: Mutex::default() }
    }

    /// Looks at an `Authorization` header. Judging and counting are one step, so that attempts made at the same time
    /// count like those made one after the other.
    pub(super) fn judge(&self, authorization: Option<&str>, client: IpAddr, now: Instant) -> Verdict {
        let Some(authorization) = authorization else { return Verdict::Unknown };
        let is_right = password_of(authorization).is_some_and(|password| KeyHash::of(&password) == self.password);
        let client = network(client);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = failures.get_mut(&client) {
            times.retain(|time| now.duration_since(*time) < WINDOW);
            if let Some(first) = times.front().filter(|_| times.len() >= MAX_FAILURES) {
                return Verdict::Throttled(WINDOW.saturating_sub(now.duration_since(*first)));
            }
        }
        if is_right {
            return Verdict::Admitted;
        }
        if failures.len() >= MAX_ADDRESSES && !failures.contains_key(&client) {
            let oldest = failures.iter().min_by_key(|(_, times)| times.back()).map(|(address, _)| *address);
            oldest.and_then(|address| failures.remove(&address));
        }
        failures.entry(client).or_default().push_back(now);
        Verdict::Wrong
    }
}

/// The password of `Basic` credentials (RFC 7617: base64 of `user:password`), whoever the user is.
fn password_of(authorization: &str) -> Option<String> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    let decoded = STANDARD.decode(credentials.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(password.to_owned())
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

    fn basic(user: &str, password: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    }

    #[test]
    fn any_user_with_the_password_is_admitted_and_nobody_else() {
        let login = Login::new(&Secret::new("pass:wörd"));
        let judge = |text: &str, host| login.judge(Some(text), IpAddr::from([10, 0, 0, host]), Instant::now());
        assert_eq!(judge(&basic("", "pass:wörd"), 1), Verdict::Admitted);
        assert_eq!(judge(&basic("admin", "pass:wörd").replace("Basic", "bAsIc"), 1), Verdict::Admitted);
        let wrong = [basic("a", "pass"), basic("pass:wörd", ""), "Basic".into(), "Basic ?".into(), "Bearer x".into()];
        for (host, text) in (2..).zip(&wrong) {
            assert_eq!(judge(text, host), Verdict::Wrong, "{text}");
        }
        assert_eq!(login.judge(None, [10, 0, 0, 1].into(), Instant::now()), Verdict::Unknown);
    }

    #[test]
    fn five_failures_within_a_minute_cost_the_rest_of_it() {
        let login = Login::new(&Secret::new("right"));
        let start = Instant::now();
        let judge = |password, client: &str, second| {
            login.judge(Some(&basic("a", password)), client.parse().unwrap(), start + Duration::from_secs(second))
        };
        for second in 0..5 {
            assert_eq!(judge("wrong", "2001:db8::1", second * 10), Verdict::Wrong);
        }
        assert_eq!(judge("right", "2001:db8::2", 41), Verdict::Throttled(Duration::from_secs(19)), "the same /64");
        assert_eq!(judge("right", "2001:db8:0:1::1", 41), Verdict::Admitted);
        assert_eq!(judge("right", "2001:db8::1", 60), Verdict::Admitted, "one failure has aged out");
        assert_eq!(judge("wrong", "2001:db8::1", 61), Verdict::Wrong);
        assert_eq!(judge("wrong", "2001:db8::1", 62), Verdict::Throttled(Duration::from_secs(8)));
    }

    #[test]
    fn the_memory_for_failures_is_bounded() {
        let login = Login::new(&Secret::new("right"));
        let start = Instant::now();
        for number in 0..=u32::try_from(MAX_ADDRESSES).unwrap() {
            let client = IpAddr::from(number.to_be_bytes());
            login.judge(Some("Basic x"), client, start + Duration::from_micros(number.into()));
        }
        let failures = login.failures.lock().unwrap();
        assert_eq!(failures.len(), MAX_ADDRESSES);
        assert!(!failures.contains_key(&IpAddr::from([0, 0, 0, 0])), "the oldest is forgotten");
    }

    #[test]
    fn new_passwords_are_long_and_different() {
        let (one, two) = (new_password(), new_password());
        assert!(one.expose().len() == 24 && one != two);
    }
}
