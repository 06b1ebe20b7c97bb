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

    /// The same for an entry that lies deeper: each key is looked for below the one before it. What is written in flow
    /// style, or with an alias, is placed by the last key that has a line of its own.
    pub(super) fn place_below(&self, keys: &[&str]) -> String {
        let path = keys.join(".");
        match self.line_below(keys) {
            Some(line) => format!("{}:{line} {path}", self.file),
            None if self.file.is_empty() => path,
            None => format!("{} {path}", self.file),
        }
    }

    fn line_below(&self, keys: &[&str]) -> Option<usize> {
        let mut lines = self.text.lines().enumerate().filter(|(_, line)| !is_blank(line)).peekable();
        let mut found = None;
        for key in keys {
            // Keys of one mapping stand in one column; whatever is further in belongs to one of them.
            let Some(column) = lines.peek().map(|(_, line)| indent(line)) else { break };
            if found.is_some_and(|(_, parent)| column <= parent) {
                break;
            }
            let at = loop {
                match lines.peek() {
                    Some((_, line)) if indent(line) < column => break None,
                    Some((_, line)) if indent(line) == column && begins_with_key(line.trim_start(), key) => {
                        break lines.next();
                    }
                    Some(_) => _ = lines.next(),
                    None => break None,
                }
            };
            let Some((index, _)) = at else { break };
            found = Some((index, column));
        }
        found.map(|(index, _)| index + 1)
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

fn is_blank(line: &str) -> bool {
    let text = line.trim_start();
    text.is_empty() || text.starts_with('#')
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
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
    fn what_lies_deeper_is_found_below_its_parents_and_nowhere_else() {
        let text = "# rules\nproviders:\n  a:\n    models:\n      m: {}\n\n  b:\n    defaults: {}\n    models:\n      # x\n      \"m\":\n        price: {}\n  c: { models: { m: {} } }\n";
        let locator = Locator::new("o.yaml", text);
        let place = |keys: &[&str]| locator.place_below(keys);
        assert_eq!(place(&["providers", "a", "models", "m"]), "o.yaml:5 providers.a.models.m");
        assert_eq!(place(&["providers", "b", "models", "m"]), "o.yaml:11 providers.b.models.m");
        assert_eq!(place(&["providers", "b", "models", "m", "price"]), "o.yaml:12 providers.b.models.m.price");
        assert_eq!(place(&["providers", "a", "defaults"]), "o.yaml:3 providers.a.defaults");
        assert_eq!(place(&["providers", "c", "models", "m"]), "o.yaml:13 providers.c.models.m");
        assert_eq!(Locator::default().place_below(&["providers", "a"]), "providers.a");
    }

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
