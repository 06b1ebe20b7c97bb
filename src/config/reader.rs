//! Reads typed values out of [`Variables`] and collects what is wrong, so that one run names every mistake.

use std::time::Duration;

use super::{Problem, Variables};

/// A pass over the settings; see [`Reader::finish`].
pub(super) struct Reader<'a> {
    variables: &'a Variables,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(variables: &'a Variables) -> Self {
        Self { variables, problems: Vec::new() }
    }

    /// `value`, unless something was wrong on the way.
    pub(super) fn finish<T>(mut self, value: T) -> Result<T, Vec<Problem>> {
        // A setting that others depend on is read more than once.
        let mut seen = Vec::new();
        self.problems.retain(|problem| {
            !seen.contains(problem) && {
                seen.push(problem.clone());
                true
            }
        });
        if self.problems.is_empty() { Ok(value) } else { Err(self.problems) }
    }

    /// The text of a setting.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.variables.get(name).unwrap_or_else(|problem| {
            self.problems.push(problem);
            None
        })
    }

    /// A setting put through `parse`. `None` when it is absent or wrong; the latter is noted.
    pub(super) fn parsed<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problems.push(Problem::error(name, message));
                None
            }
        }
    }

    /// The parts of a comma list, each put through `parse`; empty parts are skipped.
    pub(super) fn list<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let all = |text: &str| text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(&parse).collect();
        self.parsed(name, all).unwrap_or_default()
    }

    /// One of a closed set of words, in any case; the first one is the default.
    pub(super) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> T {
        let parse = |text: &str| {
            let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
            found.map(|&(_, value)| value).ok_or_else(|| {
                let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                format!("`{text}` is not one of {}", known.join(", "))
            })
        };
        self.parsed(name, parse).unwrap_or(words[0].1)
    }

    /// A TCP port; 0 lets the system choose.
    pub(super) fn port(&mut self, name: &str, default: u16) -> u16 {
        let parse = |text: &str| text.parse().map_err(|_| format!("`{text}` is not a port (0 to 65535)"));
        self.parsed(name, parse).unwrap_or(default)
    }

    /// A whole number above zero.
    pub(super) fn positive(&mut self, name: &str, default: usize) -> usize {
        let parse = |text: &str| match text.replace('_', "").parse() {
            Ok(0) | Err(_) => Err(format!("`{text}` is not a whole number above zero")),
            Ok(number) => Ok(number),
        };
        self.parsed(name, parse).unwrap_or(default)
    }

    /// A time span in seconds, fractions allowed, above zero and at most a day.
    pub(super) fn seconds(&mut self, name: &str, default: u64) -> Duration {
        let parse = |text: &str| match text.parse::<f64>() {
            Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(Duration::from_secs_f64(seconds)),
            Ok(_) | Err(_) => Err(format!("`{text}` is not a number of seconds (above 0, at most 86400)")),
        };
        self.parsed(name, parse).unwrap_or(Duration::from_secs(default))
    }
}
