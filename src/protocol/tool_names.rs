//! Tool names a provider would refuse, and the way back to the client's own.
//!
//! Names from MCP servers hold dots, colons and spaces and pass 64 characters, while providers prescribe an alphabet and
//! a length. A valid name is never touched. An invalid one has its odd characters replaced and a piece of its hash
//! appended, so the same tool has the same name in every turn (prompt caches hash it) and no two tools meet in one name.
//!
//! Codecs call [`ToolNames::to_wire`] while they write a request; [`super::Restoration`] puts the client's names back into
//! the answer.

use std::borrow::Cow;
use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::chat::{ChatRequest, Event, Part, ToolChoice};

/// How many hexadecimal digits of its hash a changed name ends with.
const HASH_DIGITS: usize = 6;

/// What a provider accepts as the name of a tool: ASCII letters and digits, and …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameRule {
    /// Longest name, in characters.
    max_length: usize,
    /// Characters allowed besides letters and digits. `_` is one of them in every rule.
    punctuation: &'static str,
    /// The first character must be a letter or `_`.
    letter_first: bool,
}

impl NameRule {
    /// Anthropic Messages: `^[A-Za-z0-9_-]{1,128}$`.
    pub const ANTHROPIC: Self = Self { max_length: 128, punctuation: "_-", letter_first: false };

    /// Gemini: at most 64 of letters, digits, `_`, `.`, `:` and `-`, the first a letter or `_`.
    pub const GEMINI: Self = Self { max_length: 64, punctuation: "_.:-", letter_first: true };

    /// `name` itself when it follows the rule, else a name that does: always the same for the same `name`.
    pub fn conform(self, name: &str) -> Cow<'_, str> {
        if self.accepts(name) { Cow::Borrowed(name) } else { Cow::Owned(self.renamed(name, 0)) }
    }

    fn accepts(self, name: &str) -> bool {
        (1..=self.max_length).contains(&name.len())
            && name.chars().all(|character| self.allows(character))
            && !(self.letter_first && self.starts_wrong(name))
    }

    fn allows(self, character: char) -> bool {
        character.is_ascii_alphanumeric() || self.punctuation.contains(character)
    }

    fn starts_wrong(self, name: &str) -> bool {
        !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    }

    /// The readable part of `name` and a hash of the whole; `attempt` changes the hash when the result is taken.
    fn renamed(self, name: &str, attempt: u32) -> String {
        let mut wire = String::with_capacity(self.max_length.min(name.len() + HASH_DIGITS + 2));
        if self.letter_first && self.starts_wrong(name) {
            wire.push('_');
        }
        wire.extend(name.chars().map(|character| if self.allows(character) { character } else { '_' }));
        // Only ASCII is left, so cutting anywhere is cutting between characters.
        wire.truncate(self.max_length - HASH_DIGITS - 1);
        wire.push('_');
        let digest = Sha256::new().chain_update(name).chain_update(attempt.to_be_bytes()).finalize();
        wire.extend(digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(HASH_DIGITS).map(hex_digit));
        wire
    }
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).expect("four bits are one hexadecimal digit")
}

/// The names of one request that had to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolNames {
    /// (the client's name, the name on the wire); usually empty, and short when not.
    renamed: Vec<(String, String)>,
}

impl ToolNames {
    /// Looks at every place of a request that names a tool: offers, choice, calls and results of earlier turns.
    pub fn for_request(request: &ChatRequest, rule: NameRule) -> Self {
        let names: Vec<&str> = names_in(request).collect();
        if names.iter().all(|name| rule.accepts(name)) {
            return Self::default();
        }
        let mut taken: HashSet<Cow<'_, str>> = HashSet::new();
        taken.extend(names.iter().filter(|name| rule.accepts(name)).map(|name| Cow::Borrowed(*name)));
        let mut result = Self::default();
        for name in names.into_iter().filter(|name| !rule.accepts(name)) {
            if result.renamed.iter().any(|(client, _)| client == name) {
                continue;
            }
            if let Some(wire) = (0..).map(|attempt| rule.renamed(name, attempt)).find(|wire| !taken.contains(&**wire)) {
                taken.insert(Cow::Owned(wire.clone()));
                result.renamed.push((name.to_owned(), wire));
            }
        }
        result
    }

    /// No name had to change, so answers need no restoring.
    pub fn is_empty(&self) -> bool {
        self.renamed.is_empty()
    }

    /// The name to send for a name of the request.
    pub fn to_wire<'a>(&'a self, client: &'a str) -> &'a str {
        self.renamed.iter().find(|(name, _)| name == client).map_or(client, |(_, wire)| wire)
    }

    /// The client's name for a name in an answer. A name that was never offered is passed on as it is.
    pub fn to_client<'a>(&'a self, wire: Cow<'a, str>) -> Cow<'a, str> {
        let renamed = self.renamed.iter().find(|(_, name)| *name == wire);
        renamed.map_or(wire, |(client, _)| Cow::Borrowed(client))
    }

    /// Puts the client's name back into the start of a tool call; other events stay as they are.
    pub(super) fn name_call<'e>(&'e self, event: Event<'e>) -> Event<'e> {
        match event {
            Event::ToolCallStart { choice, index, id, name, signature } => {
                Event::ToolCallStart { choice, index, id, name: self.to_client(name), signature }
            }
            other => other,
        }
    }
}

fn names_in(request: &ChatRequest) -> impl Iterator<Item = &str> {
    let chosen = match &request.tool_choice {
        Some(ToolChoice::Function(name)) => Some(name.as_str()),
        Some(ToolChoice::Auto | ToolChoice::None | ToolChoice::Required) | None => None,
    };
    let history = request.messages.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::ToolCall(call) => Some(call.name.as_str()),
        Part::ToolResult(result) => result.name.as_deref(),
        Part::Text(_) | Part::Image(_) | Part::Audio { .. } | Part::File(_) | Part::Reasoning(_) | Part::Refusal(_) => {
            None
        }
    });
    request.tools.iter().map(|tool| tool.name.as_str()).chain(chosen).chain(history)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::{Message, Role, Tool, ToolCall, ToolKind};

    fn request(names: &[&str]) -> ChatRequest {
        let tool = |name: &&str| Tool {
            name: (*name).to_owned(),
            description: None,
            parameters: None,
            strict: None,
            kind: ToolKind::Function,
            cache_control: None,
        };
        ChatRequest { tools: names.iter().map(tool).collect(), ..ChatRequest::default() }
    }

    #[test]
    fn valid_names_are_not_touched() {
        let names = ToolNames::for_request(&request(&["get_weather", "a-b", "A1"]), NameRule::ANTHROPIC);
        assert!(names.is_empty());
        assert_eq!(names.to_wire("get_weather"), "get_weather");
    }

    #[test]
    fn dotted_and_long_names_come_back() {
        let long = "x".repeat(200);
        let request = request(&["files.read", "files:read", "файл", &long, ""]);
        let names = ToolNames::for_request(&request, NameRule::ANTHROPIC);
        assert!(names.to_wire("files.read").starts_with("files_read_"));
        assert_ne!(names.to_wire("files.read"), names.to_wire("files:read"));
        assert_eq!(names.to_wire(&long).len(), 128);
        for tool in &request.tools {
            assert_eq!(names.to_client(names.to_wire(&tool.name).into()), tool.name);
        }
    }

    #[test]
    fn a_name_already_in_use_is_not_given_away() {
        let squatter = NameRule::ANTHROPIC.conform("a.b").into_owned();
        let names = ToolNames::for_request(&request(&["a.b", &squatter]), NameRule::ANTHROPIC);
        assert_ne!(names.to_wire("a.b"), squatter);
        assert_eq!(names.to_client((&squatter).into()), squatter);
    }

    #[test]
    fn names_in_choice_and_history_are_mapped_too() {
        let call = Part::ToolCall(ToolCall {
            id: "c".into(),
            name: "old.tool".into(),
            arguments: String::new(),
            signature: None,
        });
        let request = ChatRequest {
            messages: vec![Message { role: Role::Assistant, parts: vec![call], name: None }],
            tool_choice: Some(ToolChoice::Function("new.tool".into())),
            ..ChatRequest::default()
        };
        let names = ToolNames::for_request(&request, NameRule::ANTHROPIC);
        assert!(names.to_wire("old.tool").starts_with("old_tool_"));
        assert!(names.to_wire("new.tool").starts_with("new_tool_"));
    }

    #[test]
    fn gemini_names_start_with_a_letter_and_keep_dots() {
        let names = ToolNames::for_request(&request(&["1st", "a.b:c-d", "-x"]), NameRule::GEMINI);
        assert!(names.to_wire("1st").starts_with("_1st_"));
        assert!(names.to_wire("-x").starts_with("_-x_"));
        assert_eq!(names.to_wire("a.b:c-d"), "a.b:c-d");
    }

    proptest! {
        #[test]
        fn every_name_becomes_valid_and_comes_back(raw in proptest::collection::vec(".{0,150}", 0..6)) {
            let raw: Vec<&str> = raw.iter().map(String::as_str).collect();
            for rule in [NameRule::ANTHROPIC, NameRule::GEMINI] {
                let names = ToolNames::for_request(&request(&raw), rule);
                for name in &raw {
                    prop_assert!(rule.accepts(names.to_wire(name)));
                    prop_assert_eq!(names.to_client(names.to_wire(name).into()), *name);
                }
            }
        }
    }
}
