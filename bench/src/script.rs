//! What the fake provider is asked to do, said by the name of the model.
//!
//! A gateway passes the model's name through whatever its configuration looks like, so it is the one place that works
//! for every target.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, ensure};

/// Prompt tokens every answer reports.
pub(crate) const PROMPT_TOKENS: u64 = 100;
/// Tokens of what a designator says.
pub(crate) const PICK_TOKENS: u64 = 6;
/// Room for `@` and a time in a token.
const STAMP_BYTES: usize = 20;

/// An answer, as `t128-p0-b5`: 128 tokens, 0 ms apart, 5 bytes each; with `-j` behind it in a single write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Script {
    pub(crate) n_tokens: usize,
    /// Milliseconds between two tokens of a stream; 0: all at once.
    pub(crate) pace_ms: u64,
    pub(crate) token_bytes: usize,
    /// All events of a burst leave in one write, else each in its own.
    pub(crate) joined: bool,
}

impl Script {
    /// A burst of short tokens, a write for each.
    pub(crate) const fn burst(n_tokens: usize) -> Self {
        Self { n_tokens, pace_ms: 0, token_bytes: 5, joined: false }
    }

    /// Tokens at a pace; each carries the time at which it was sent.
    pub(crate) const fn paced(n_tokens: usize, pace_ms: u64) -> Self {
        Self { n_tokens, pace_ms, token_bytes: STAMP_BYTES + 1, joined: false }
    }

    /// The text of one token. At a pace it has room for a [`stamp`].
    pub(crate) fn token(&self, index: usize) -> String {
        const LETTERS: &[u8] = b"etaoinshrdlucmfwypvbgkjqxz";
        let mut text = String::with_capacity(self.token_bytes);
        text.push(' ');
        if self.pace_ms > 0 {
            text.push_str(&stamp(0));
        }
        while text.len() < self.token_bytes {
            text.push(char::from(LETTERS[(index + text.len() * 7) % LETTERS.len()]));
        }
        text
    }

    /// The whole text.
    pub(crate) fn text(&self) -> String {
        (0..self.n_tokens).map(|index| self.token(index)).collect()
    }
}

/// What a router's designator does: as `picks-m2-w20` it names the candidate `m2` after 20 ms, as `stalls` it reads the
/// question and never answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Designator {
    Picks { number: usize, wait_ms: u64 },
    Stalls,
}

impl fmt::Display for Designator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Picks { number, wait_ms } => write!(f, "picks-m{number}-w{wait_ms}"),
            Self::Stalls => f.write_str("stalls"),
        }
    }
}

impl Designator {
    /// Reads a model's name; `None`: it is not one of a designator.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let own = own_name(name);
        if own == "stalls" {
            return Some(Self::Stalls);
        }
        let (number, wait_ms) = own.strip_prefix("picks-m")?.split_once("-w")?;
        Some(Self::Picks { number: number.parse().ok()?, wait_ms: wait_ms.parse().ok()? })
    }
}

/// What a designator says that names a candidate.
pub(crate) fn pick(number: usize) -> String {
    format!("{{\"candidate\":\"m{number}\"}}")
}

/// A model's name without what some gateway puts before it, up to the last `/`.
fn own_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

/// A time as it stands in a token: `@` and 19 digits.
pub(crate) fn stamp(now_ns: u64) -> String {
    format!("@{now_ns:019}")
}

/// The time in a token that begins with its `@`, if all of it is there.
pub(crate) fn read_stamp(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text.get(1..STAMP_BYTES)?).ok()?.parse().ok()
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = if self.joined { "-j" } else { "" };
        write!(f, "t{}-p{}-b{}{joined}", self.n_tokens, self.pace_ms, self.token_bytes)
    }
}

impl FromStr for Script {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        let own = own_name(name);
        let (numbered, joined) = own.strip_suffix("-j").map_or((own, false), |numbered| (numbered, true));
        let numbers = || {
            let (tokens, rest) = numbered.strip_prefix('t')?.split_once("-p")?;
            let (pace, bytes) = rest.split_once("-b")?;
            Some((tokens.parse().ok()?, pace.parse().ok()?, bytes.parse().ok()?))
        };
        let (n_tokens, pace_ms, token_bytes) =
            numbers().with_context(|| format!("the model's name is `{name}`, not like `t128-p0-b5`"))?;
        ensure!(n_tokens > 0 && token_bytes > 0, "the model's name is `{name}`: tokens and bytes must not be 0");
        ensure!(pace_ms == 0 || !joined, "the model's name is `{name}`: only a burst is a single write");
        Ok(Self { n_tokens, pace_ms, token_bytes, joined })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_the_script() {
        let script = Script { n_tokens: 128, pace_ms: 20, token_bytes: 30, joined: false };
        let joined = Script { joined: true, ..Script::burst(7) };
        for script in [script, joined] {
            assert_eq!(script.to_string().parse::<Script>().unwrap(), script);
        }
        assert!("t1-p1-b5-j".parse::<Script>().is_err());
        assert_eq!(format!("fake/{script}").parse::<Script>().unwrap(), script);
        assert!("gpt-4o".parse::<Script>().is_err());
    }

    #[test]
    fn a_name_says_what_a_designator_does() {
        for designator in [Designator::Picks { number: 2, wait_ms: 20 }, Designator::Stalls] {
            assert_eq!(Designator::of_name(&designator.to_string()), Some(designator));
            assert_eq!(Designator::of_name(&format!("fake/second/{designator}")), Some(designator));
        }
        assert_eq!(Designator::of_name(&Script::burst(2).to_string()), None);
        assert_eq!(Designator::of_name("picks-m1"), None);
    }

    #[test]
    fn tokens_are_as_long_as_asked_for() {
        assert_eq!(Script::burst(3).token(2).len(), 5);
        assert_eq!(Script::paced(3, 10).token(2).len(), 21);
        assert_eq!(Script { token_bytes: 400, ..Script::burst(1) }.text().len(), 400);
    }

    #[test]
    fn a_stamp_reads_back_and_half_a_stamp_does_not() {
        let stamp = stamp(1_234_567_890_123);
        assert_eq!(read_stamp(stamp.as_bytes()), Some(1_234_567_890_123));
        assert_eq!(read_stamp(&stamp.as_bytes()[..10]), None);
    }
}
