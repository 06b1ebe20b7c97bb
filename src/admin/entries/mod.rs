//! Aliases, redirects and routers as pages: what there is, where it leads, what it was used for; and what was changed.
//!
//! The pages show; every change goes through the API, from `static/js/entries.js`.

mod difference;
mod history;
mod list;
mod router;
mod row;

use crate::entry_kind::EntryKind;

pub(super) use history::history;
pub(super) use list::list;

/// The kinds of entries that are names. Providers are entries too, and have pages of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameKind {
    Alias,
    Redirect,
    Router,
}

impl NameKind {
    fn entry_kind(self) -> EntryKind {
        match self {
            Self::Alias => EntryKind::Alias,
            Self::Redirect => EntryKind::Redirect,
            Self::Router => EntryKind::Router,
        }
    }

    fn word(self) -> &'static str {
        self.entry_kind().word()
    }

    fn section(self) -> &'static str {
        self.entry_kind().section()
    }
}
