//! A request body under construction: every field passes the profile's quirks on its way in.

use serde::Serialize;

use super::super::json;
use super::super::quirks::{Fate, fate};
use crate::protocol::{Encoded, ModelProfile};

/// Writes the fields of one JSON object in the order they are given.
pub(in super::super) struct Body<'a> {
    out: Vec<u8>,
    profile: &'a ModelProfile,
    warnings: Vec<String>,
}

impl<'a> Body<'a> {
    /// A body that names the model.
    pub(in super::super) fn new(profile: &'a ModelProfile) -> Self {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(b"{\"model\":");
        json::write(&mut out, &profile.id);
        Self { out, profile, warnings: Vec::new() }
    }

    /// Writes a field under the name the provider knows, or drops it.
    pub(in super::super) fn field(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        match fate(self.profile, name) {
            Fate::Sent(name) => {
                self.out.push(b',');
                json::write(&mut self.out, name);
                self.out.push(b':');
                json::write(&mut self.out, value);
            }
            Fate::Dropped => self.warn(name),
            Fate::DroppedSilently => {}
        }
    }

    /// Writes a field if there is something to write.
    pub(in super::super) fn optional(&mut self, name: &str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.field(name, &value);
        }
    }

    /// Writes a number, moved into the range the protocol allows.
    pub(in super::super) fn clamped(&mut self, name: &str, value: Option<f64>, (low, high): (f64, f64)) {
        let Some(value) = value else { return };
        let within = value.clamp(low, high);
        self.field(name, &within);
        if self.sends(name) && within.total_cmp(&value).is_ne() {
            self.warn(format!("{name} clamped to {within}"));
        }
    }

    /// Whether a field of this name is sent at all.
    pub(in super::super) fn sends(&self, name: &str) -> bool {
        matches!(fate(self.profile, name), Fate::Sent(_))
    }

    /// Notes that something could not be carried.
    pub(in super::super) fn warn(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.warnings.contains(&what) {
            self.warnings.push(what);
        }
    }

    /// Closes the object.
    pub(in super::super) fn finish(mut self) -> Encoded {
        self.out.push(b'}');
        Encoded { body: self.out, warnings: self.warnings }
    }
}
