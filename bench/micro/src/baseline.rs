//! The file the counts are compared with: a table separated by tabs, committed beside the code it describes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;

use crate::callgrind::Counts;

const MADE_WITH: &str = "# made with ";
const HEAD: &str = "case\tinstructions\tallocations";

/// Counts by case.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Baseline {
    made_with: Option<String>,
    counts: BTreeMap<String, Counts>,
}

impl Baseline {
    /// Reads the file; one that is absent is empty.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).with_context(|| format!("{} is no baseline", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut baseline = Self::default();
        for line in text.lines().filter(|line| *line != HEAD) {
            if let Some(tools) = line.strip_prefix(MADE_WITH) {
                baseline.made_with = Some(tools.to_owned());
                continue;
            }
            let (name, counts) = entry(line).with_context(|| format!("odd line `{line}`"))?;
            baseline.counts.insert(name.to_owned(), counts);
        }
        Ok(baseline)
    }

    fn to_text(&self, tools: &str) -> String {
        let mut text = format!("{MADE_WITH}{tools}\n{HEAD}\n");
        for (name, counts) in &self.counts {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}\t{}\t{}", counts.instructions, counts.allocations);
        }
        text
    }

    /// Writes the file.
    pub(crate) fn save(&self, path: &Path, tools: &str) -> anyhow::Result<()> {
        std::fs::write(path, self.to_text(tools)).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Compiler and valgrind it was made with.
    pub(crate) fn made_with(&self) -> Option<&str> {
        self.made_with.as_deref()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    pub(crate) fn get(&self, case: &str) -> Option<Counts> {
        self.counts.get(case).copied()
    }

    pub(crate) fn set(&mut self, case: &str, counts: Counts) {
        self.counts.insert(case.to_owned(), counts);
    }

    /// Forgets cases that there are no longer.
    pub(crate) fn retain(&mut self, is_known: impl Fn(&str) -> bool) {
        self.counts.retain(|name, _| is_known(name));
    }
}

fn entry(line: &str) -> Option<(&str, Counts)> {
    let mut fields = line.split('\t');
    let name = fields.next()?;
    let counts = Counts { instructions: fields.next()?.parse().ok()?, allocations: fields.next()?.parse().ok()? };
    fields.next().is_none().then_some((name, counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_can_be_read() {
        let mut baseline = Baseline { made_with: Some("rustc 1".to_owned()), ..Baseline::default() };
        baseline.set("a: b", Counts { instructions: 12, allocations: 3 });
        assert_eq!(Baseline::parse(&baseline.to_text("rustc 1")).unwrap(), baseline);
    }

    #[test]
    fn odd_lines_are_refused() {
        for line in ["a", "a\t1", "a\t1\tx", "a\t1\t2\t3"] {
            assert!(Baseline::parse(line).is_err(), "{line}");
        }
    }
}
