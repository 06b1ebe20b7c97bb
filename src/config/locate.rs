//! Finds the line of an entry in a configuration file again, for problems that show only after it was read.

use std::fmt;

/// The text of a file and its name.
#[derive(Clone, Default)]
pub(super) struct Locator {
    file: String,
    text: String,
}

/// The text may hold keys: only the name shows.
impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locator({})", self.file)
    }
}

impl Locator {
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), text: text.to_owned() }
    }

    /// `file:line:column section.name`. The parser keeps no positions, so the section's lines are searched for one
    /// that begins with the name; an entry written in flow style (`{…}`) is placed by its path alone.
    pub(super) fn place(&self, section: &str, name: &str) -> String {
        let path = if name.is_empty() { section.to_owned() } else { format!("{section}.{name}") };
        match self.position(section, name) {
            Some((line, column)) => format!("{}:{line}:{column} {path}", self.file),
            None if self.file.is_empty() => path,
            None => format!("{} {path}", self.file),
        }
    }

    /// `file:line:column section.index` of a list's item; one in flow style (`[…]`) is placed by its path alone.
    pub(super) fn item_place(&self, section: &str, index: usize) -> String {
        match self.item_position(section, index) {
            Some((line, column)) => format!("{}:{line}:{column} {section}.{index}", self.file),
            None => self.place(section, &index.to_string()),
        }
    }

    fn item_position(&self, section: &str, index: usize) -> Option<(usize, usize)> {
        let mut lines = self.text.lines().enumerate();
        lines.find(|(_, line)| begins_with_key(line, section))?;
        let is_inside = |line: &str| line.starts_with([' ', '\t', '#', '-']) || line.trim().is_empty();
        let items = lines.take_while(|(_, line)| is_inside(line)).filter_map(|(at, line)| {
            let item = line.trim_start();
            (item == "-" || item.starts_with("- ")).then(|| (at + 1, line.len() - item.len() + 1))
        });
        let items: Vec<_> = items.collect();
        // Items within items stand further to the right.
        let column = items.first()?.1;
        items.into_iter().filter(|item| item.1 == column).nth(index)
    }

    fn position(&self, section: &str, name: &str) -> Option<(usize, usize)> {
        let mut lines = self.text.lines().enumerate();
        let (start, _) = lines.find(|(_, line)| begins_with_key(line, section))?;
        if name.is_empty() {
            return Some((start + 1, 1));
        }
        let is_inside = |line: &str| line.starts_with([' ', '\t', '#', '-']) || line.trim().is_empty();
        lines.take_while(|(_, line)| is_inside(line)).find_map(|(index, line)| {
            let entry = line.trim_start();
            begins_with_key(entry, name).then(|| (index + 1, line.len() - entry.len() + 1))
        })
    }
}

/// Whether a line is `key:`, with or without quotes.
fn begins_with_key(line: &str, key: &str) -> bool {
    let after =
        ["", "\"", "'"].iter().find_map(|quote| line.strip_prefix(quote)?.strip_prefix(key)?.strip_prefix(quote));
    after.is_some_and(|rest| rest.trim_start().starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_in_their_section() {
        let text = "providers:\n  fast: {}\naliases: # names\n  # fast: no\n\n  \"fast\": x\nkeys:\n- { name: fast }\n";
        let locator = Locator::new("relay.yaml", text);
        assert_eq!(locator.place("aliases", "fast"), "relay.yaml:6:3 aliases.fast");
        assert_eq!(locator.place("providers", "fast"), "relay.yaml:2:3 providers.fast");
        assert_eq!(locator.place("keys", "0"), "relay.yaml keys.0");
        assert_eq!(locator.item_place("keys", 0), "relay.yaml:8:1 keys.0");
        assert_eq!(locator.item_place("keys", 1), "relay.yaml keys.1");
        assert_eq!(locator.place("keys", ""), "relay.yaml:7:1 keys");
        assert_eq!(locator.place("aliases", "faster"), "relay.yaml aliases.faster");
        assert_eq!(Locator::default().place("aliases", "fast"), "aliases.fast");
    }

    #[test]
    fn items_of_lists_are_counted_without_those_inside_them() {
        let text = "keys:\n  # two\n  - name: a\n    tags:\n      - x\n  -\n    name: b\nproviders:\n  - c\n";
        let locator = Locator::new("relay.yaml", text);
        assert_eq!(locator.item_place("keys", 0), "relay.yaml:3:3 keys.0");
        assert_eq!(locator.item_place("keys", 1), "relay.yaml:6:3 keys.1");
        assert_eq!(locator.item_place("keys", 2), "relay.yaml keys.2");
        assert_eq!(locator.item_place("nothing", 0), "relay.yaml nothing.0");
    }
}
