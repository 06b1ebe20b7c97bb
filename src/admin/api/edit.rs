//! Changes of entries in the database, under the condition that nobody else has changed them meanwhile.

use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};

use crate::catalog::version_of;
use crate::entry_kind::EntryKind;
use crate::store::entries::{self, StoredEntry};
use crate::store::history::{self, Author, Change};
use crate::store::{Conn, StoreError};

/// What the client expects to find, by its `If-Match` and `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// It does not say.
    Unsaid,
    /// `If-None-Match: *`: nothing.
    Nothing,
    /// `If-Match: *`: an entry, whatever it says.
    Any,
    /// `If-Match`: one of these versions.
    Versions(Vec<String>),
}

impl Expected {
    /// Reads the headers. Versions are made from what an entry says, so a proxy's weak tag is as good as ours.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let tags = |name| {
            let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
            let tags = values.flat_map(|list| list.split(',')).map(str::trim);
            tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned()).collect::<Vec<_>>()
        };
        let wanted = tags(IF_MATCH);
        if wanted.iter().any(|tag| tag == "*") {
            return Self::Any;
        }
        if !wanted.is_empty() {
            return Self::Versions(wanted);
        }
        if tags(IF_NONE_MATCH).iter().any(|tag| tag == "*") { Self::Nothing } else { Self::Unsaid }
    }

    fn is(&self, current: &StoredEntry) -> bool {
        match self {
            Self::Unsaid | Self::Nothing => false,
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version_of(&current.definition)),
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Created,
    Replaced,
    Deleted,
}

/// Why nothing was done, with the entry that is there, if there is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clash {
    pub(super) cause: ClashCause,
    pub(super) current: Option<StoredEntry>,
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClashCause {
    /// It was to be new.
    Exists,
    /// The client has not said which version it means.
    Unsaid,
    /// It is another version now, or gone.
    Changed,
}

/// Creates an entry, or replaces the one of the same name.
pub(super) fn save(
    conn: &mut Conn<'_>,
    entry: &StoredEntry,
    expected: &Expected,
    who: &Author,
) -> Result<Result<Done, Clash>, StoreError> {
    conn.transaction(|tx| {
        let current = entries::get(tx, entry.kind, &entry.name)?;
        let (is_expected, done) = match &current {
            None => (matches!(expected, Expected::Unsaid | Expected::Nothing), Done::Created),
            Some(current) => (expected.is(current), Done::Replaced),
        };
        if is_expected && entries::write(tx, current.as_ref(), Some(entry), who)? {
            return Ok(Ok(done));
        }
        clash(tx, entry.kind, &entry.name, expected)
    })
}

/// What would keep a save from being made, as far as the client says what it expects.
pub(super) fn would_clash(
    conn: &mut Conn<'_>,
    kind: EntryKind,
    name: &str,
    expected: &Expected,
) -> Result<Option<Clash>, StoreError> {
    let current = entries::get(conn, kind, name)?;
    let is_expected = match (expected, &current) {
        (Expected::Unsaid, _) | (Expected::Nothing, None) => true,
        (_, Some(current)) => expected.is(current),
        (Expected::Any | Expected::Versions(_), None) => false,
    };
    if is_expected { Ok(None) } else { clash(conn, kind, name, expected).map(Result::err) }
}

/// Takes an entry out.
pub(super) fn delete(
    conn: &mut Conn<'_>,
    kind: EntryKind,
    name: &str,
    expected: &Expected,
    who: &Author,
) -> Result<Result<Done, Clash>, StoreError> {
    conn.transaction(|tx| {
        let current = entries::get(tx, kind, name)?.filter(|current| expected.is(current));
        match current {
            Some(current) if entries::write(tx, Some(&current), None, who)? => Ok(Ok(Done::Deleted)),
            Some(_) | None => clash(tx, kind, name, expected),
        }
    })
}

/// A change of one among many.
#[derive(Debug)]
pub(super) struct Step {
    /// What is expected to be there.
    pub(super) current: Option<StoredEntry>,
    /// What is to be there.
    pub(super) next: Option<StoredEntry>,
}

/// Changes many entries, or none. `Err`: the names of those that are not as they are expected to be.
pub(super) fn save_all(
    conn: &mut Conn<'_>,
    steps: &[Step],
    who: &Author,
) -> Result<Result<(), Vec<String>>, StoreError> {
    conn.transaction(|tx| {
        let mut changed = Vec::new();
        for step in steps {
            let Some(entry) = step.next.as_ref().or(step.current.as_ref()) else { continue };
            let found = entries::get(tx, entry.kind, &entry.name)?;
            if found.map(|found| found.definition) != step.current.as_ref().map(|entry| entry.definition.clone()) {
                changed.push(entry.name.clone());
            }
        }
        if changed.is_empty() {
            for step in steps {
                // Nobody else writes within this transaction, so each finds what was found above.
                entries::write(tx, step.current.as_ref(), step.next.as_ref(), who)?;
            }
            return Ok(Ok(()));
        }
        Ok(Err(changed))
    })
}

/// Puts back what was before a change of an entry. `Err`: something newer has changed the entry since, and with `force` that does not
/// matter.
pub(super) fn undo(
    conn: &mut Conn<'_>,
    kind: EntryKind,
    change: &Change,
    back: Option<&StoredEntry>,
    force: bool,
    who: &Author,
) -> Result<Result<(), Option<StoredEntry>>, StoreError> {
    conn.transaction(|tx| {
        match stands(tx, kind, change)? {
            Err(newer) if !force => return Ok(Err(newer)),
            Ok(()) | Err(_) => {}
        }
        let current = entries::get(tx, kind, &change.name)?;
        if entries::write(tx, current.as_ref(), back, who)? { Ok(Ok(())) } else { Ok(Err(current)) }
    })
}

/// Whether an entry is as a change has left it. `Err`: what is there now.
pub(super) fn stands(
    conn: &mut Conn<'_>,
    kind: EntryKind,
    change: &Change,
) -> Result<Result<(), Option<StoredEntry>>, StoreError> {
    let current = entries::get(conn, kind, &change.name)?;
    let is_newest = history::newest(conn, change)?.is_some_and(|newest| newest.id == change.id);
    let is_as_left = current.as_ref().map(|entry| &entry.definition) == change.became.as_ref();
    Ok(if is_newest && is_as_left { Ok(()) } else { Err(current) })
}

fn clash(
    tx: &mut Conn<'_>,
    kind: EntryKind,
    name: &str,
    expected: &Expected,
) -> Result<Result<Done, Clash>, StoreError> {
    let cause = match expected {
        Expected::Unsaid => ClashCause::Unsaid,
        Expected::Nothing => ClashCause::Exists,
        Expected::Any | Expected::Versions(_) => ClashCause::Changed,
    };
    Ok(Err(Clash { cause, current: entries::get(tx, kind, name)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preconditions_are_read_as_clients_and_proxies_write_them() {
        let read = |name: &'static str, value: &str| {
            Expected::of(&HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]))
        };
        let versions = |list: &[&str]| Expected::Versions(list.iter().map(|&tag| tag.to_owned()).collect());
        assert_eq!(read("if-match", "\"a1\""), versions(&["a1"]));
        assert_eq!(read("if-match", "W/\"a1\", b2"), versions(&["a1", "b2"]));
        assert_eq!(read("if-match", "*"), Expected::Any);
        assert_eq!(read("if-none-match", "*"), Expected::Nothing);
        assert_eq!(read("if-none-match", "\"a1\""), Expected::Unsaid);
        assert_eq!(Expected::of(&HeaderMap::new()), Expected::Unsaid);
    }
}
