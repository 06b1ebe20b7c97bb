//! Which tool call a streamed fragment belongs to.
//!
//! OpenAI keys fragments by `index` and writes id and name once. Others send all parallel calls with index 0 or with none,
//! repeat the id on every fragment or make up another one, send `name: ""`, or give no id at all.

use std::borrow::Cow;

use super::tool_ids;
use super::wire::{Call, ExtraContent, Function, text_or_json};
use crate::chat::{Event, EventSink};

/// More calls than this in one answer are not an answer.
pub(super) const MAX_CALLS: usize = 1024;

/// The tool calls of one choice, in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<OpenCall>,
}

#[derive(Debug)]
struct OpenCall {
    wire_index: Option<i64>,
    id: String,
    /// The provider gave no id (yet).
    invented: bool,
    name: String,
    signature: Option<String>,
    /// The start event is out. It waits for the name, which some providers send after the id.
    started: bool,
    /// Arguments that came before the start event.
    held: String,
    /// Arguments have come.
    begun: bool,
}

/// A fragment in its plain form, whichever of the three spellings it came in.
struct Fragment<'a> {
    wire_index: Option<i64>,
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    arguments: Cow<'a, str>,
    signature: Option<String>,
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Takes a piece of `tool_calls`. In whole answers every entry is a call of its own, whatever its index says.
    pub(super) fn push(&mut self, call: Call<'_>, place: Place<'_>, out: &mut dyn EventSink) {
        let function = call.function.or(call.custom).unwrap_or_default();
        let ExtraContent { thought_signature } = call.extra_content;
        self.take(
            Fragment {
                wire_index: call.index.integer(),
                id: call.id.into_text(),
                name: function.name.into_text(),
                arguments: function.arguments.map(text_or_json).unwrap_or_default(),
                signature: thought_signature,
            },
            place,
            out,
        );
    }

    /// Takes the form before `tool_calls`: one call without id or index.
    pub(super) fn push_legacy(&mut self, function: Function<'_>, place: Place<'_>, out: &mut dyn EventSink) {
        let fragment = Fragment {
            wire_index: Some(-1),
            id: None,
            name: function.name.into_text(),
            arguments: function.arguments.map(text_or_json).unwrap_or_default(),
            signature: None,
        };
        self.take(fragment, place, out);
    }

    /// Hands out calls that never got a name: passing them on lets the client see what the model did.
    pub(super) fn finish(&mut self, choice: u32, out: &mut dyn EventSink) {
        for (at, call) in self.calls.iter_mut().enumerate() {
            call.start(choice, at, out);
        }
    }

    fn take(&mut self, fragment: Fragment<'_>, place: Place<'_>, out: &mut dyn EventSink) {
        let at = match self.find(&fragment, place.whole) {
            Some(at) => at,
            // A fragment that belongs to no call and begins none.
            None if fragment.id.is_none() && fragment.name.is_none() && fragment.wire_index.is_none() => return,
            None => self.open(&fragment, place),
        };
        let call = &mut self.calls[at];
        if call.name.is_empty() {
            call.name.push_str(fragment.name.as_deref().unwrap_or_default());
        }
        if let (Some(id), true, false) = (&fragment.id, call.invented, call.started) {
            id.as_ref().clone_into(&mut call.id);
            call.invented = false;
        }
        if call.signature.is_none() {
            call.signature = fragment.signature;
        }
        if !call.name.is_empty() {
            call.start(place.choice, at, out);
        }
        if fragment.arguments.is_empty() {
            return;
        }
        call.begun = true;
        if call.started {
            out.event(arguments(place.choice, at, fragment.arguments));
        } else {
            call.held.push_str(&fragment.arguments);
        }
    }

    /// The call a fragment continues.
    fn find(&self, fragment: &Fragment<'_>, whole: bool) -> Option<usize> {
        if whole {
            return None;
        }
        match (&fragment.id, fragment.wire_index) {
            (Some(id), Some(index)) => {
                let at = self.last_of(index)?;
                let call = &self.calls[at];
                // Some servers make up another id for every fragment; a call of its own has a name, too.
                let renamed = fragment.name.is_none() && !call.name.is_empty();
                (call.id == id.as_ref() || renamed || (call.invented && !call.begun)).then_some(at)
            }
            (Some(id), None) => self.calls.iter().rposition(|call| call.id == id.as_ref()),
            (None, Some(index)) => {
                let at = self.last_of(index)?;
                // Without ids, a second name after arguments can only be the next call.
                let call = &self.calls[at];
                let next = fragment.name.is_some() && call.begun && !call.name.is_empty();
                (!next).then_some(at)
            }
            (None, None) if fragment.name.is_some() => None,
            (None, None) => self.calls.len().checked_sub(1),
        }
    }

    fn last_of(&self, wire_index: i64) -> Option<usize> {
        self.calls.iter().rposition(|call| call.wire_index == Some(wire_index))
    }

    fn open(&mut self, fragment: &Fragment<'_>, place: Place<'_>) -> usize {
        let number = self.calls.len();
        let given = fragment.id.as_deref().filter(|id| self.calls.iter().all(|call| call.id != *id));
        let name = fragment.name.as_deref().unwrap_or_default();
        self.calls.push(OpenCall {
            wire_index: fragment.wire_index,
            id: given.map_or_else(|| tool_ids::invent(place.seed, place.choice, number, name), str::to_owned),
            invented: given.is_none(),
            name: String::new(),
            signature: None,
            started: false,
            held: String::new(),
            begun: false,
        });
        number
    }
}

/// Where in the answer a fragment stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Index of the alternative answer.
    pub(super) choice: u32,
    /// The answer came in one piece.
    pub(super) whole: bool,
    /// What invented ids are made from: the answer's own id where it has one.
    pub(super) seed: &'a str,
}

impl OpenCall {
    fn start(&mut self, choice: u32, at: usize, out: &mut dyn EventSink) {
        if self.started {
            return;
        }
        self.started = true;
        out.event(Event::ToolCallStart {
            choice,
            index: number(at),
            id: Cow::Borrowed(&self.id),
            name: Cow::Borrowed(&self.name),
            signature: self.signature.as_deref().map(Cow::Borrowed),
        });
        if !self.held.is_empty() {
            out.event(arguments(choice, at, Cow::Owned(std::mem::take(&mut self.held))));
        }
    }
}

fn arguments(choice: u32, at: usize, fragment: Cow<'_, str>) -> Event<'_> {
    Event::ToolCallArguments { choice, index: number(at), fragment }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
