//! Messages grouped into turns: the operator's instructions apart, user and model taking turns, nothing that says nothing.
//!
//! Anthropic checks its rules on merged turns, refuses blank texts and wants the user to speak first. Instructions that
//! come later stay in place as words of the user: moving them to the front would change their meaning and spoil caches.

use crate::chat::{Message, Part, Role, Text};
use crate::protocol::EncodeError;
use crate::protocol::anthropic_messages::wire::TurnRole;

/// Who said what, in the order the format wants.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    /// The instructions before the first turn; none is blank.
    pub(super) system: Vec<&'a Text>,
    /// Neighbours differ in role; none is empty.
    pub(super) turns: Vec<Spoken<'a>>,
}

/// A turn whose parts all say something its role may say.
#[derive(Debug)]
pub(super) struct Spoken<'a> {
    pub(super) role: TurnRole,
    pub(super) parts: Vec<&'a Part>,
}

impl<'a> Conversation<'a> {
    /// Groups the messages.
    ///
    /// # Errors
    /// When nothing is said at all, or the last word of the user is empty.
    pub(super) fn gather(messages: &'a [Message], warnings: &mut Vec<String>) -> Result<Self, EncodeError> {
        let leading = messages.iter().take_while(|message| is_system(message)).count();
        let (system, rest) = messages.split_at(leading);
        let mut conversation = Self::default();
        if rest.is_empty() {
            // A request of instructions only: they are what the model shall answer to.
            conversation.add_all(system, warnings);
        } else {
            conversation.system = system.iter().flat_map(texts).filter(|text| !is_blank(&text.text)).collect();
            conversation.add_all(rest, warnings);
        }
        let last_is_silent = messages.last().is_some_and(|last| {
            last.role == Role::User && !last.parts.iter().any(|part| is_spoken(part, TurnRole::User))
        });
        if last_is_silent {
            return Err(EncodeError::new("messages", "the last user message is empty"));
        }
        if conversation.turns.is_empty() {
            return Err(EncodeError::new("messages", "no message says anything"));
        }
        Ok(conversation)
    }

    fn add_all(&mut self, messages: &'a [Message], warnings: &mut Vec<String>) {
        let lost = messages.iter().any(|message| message.role == Role::Assistant && message.parts.iter().any(is_media));
        if lost {
            warnings.push("messages: media in an assistant message".to_owned());
        }
        for message in messages {
            let role = match message.role {
                Role::Assistant => TurnRole::Assistant,
                Role::System | Role::Developer | Role::User | Role::Tool => TurnRole::User,
            };
            let mut parts = message.parts.iter().filter(|part| is_spoken(part, role)).peekable();
            if parts.peek().is_none() {
                continue;
            }
            match self.turns.last_mut() {
                Some(turn) if turn.role == role => turn.parts.extend(parts),
                Some(_) | None => self.turns.push(Spoken { role, parts: parts.collect() }),
            }
        }
    }
}

/// Instructions that can stand in `system`, which holds nothing but text.
fn is_system(message: &Message) -> bool {
    match message.role {
        Role::System | Role::Developer => texts(message).count() == message.parts.len(),
        Role::User | Role::Assistant | Role::Tool => false,
    }
}

fn texts(message: &Message) -> impl Iterator<Item = &Text> {
    message.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text),
        Part::Image(_)
        | Part::Audio { .. }
        | Part::File(_)
        | Part::Reasoning(_)
        | Part::Refusal(_)
        | Part::ToolCall(_)
        | Part::ToolResult(_) => None,
    })
}

/// The part holds something, and the format lets `role` say it.
fn is_spoken(part: &Part, role: TurnRole) -> bool {
    let by_model = role == TurnRole::Assistant;
    match part {
        Part::Text(Text { text, .. }) | Part::Refusal(text) => !is_blank(text),
        Part::Image(_) | Part::Audio { .. } | Part::File(_) | Part::ToolResult(_) => !by_model,
        // Unsigned thinking is another provider's and would be refused; signed thinking counts even without text.
        Part::Reasoning(reasoning) => by_model && (reasoning.signature.is_some() || reasoning.redacted.is_some()),
        Part::ToolCall(_) => by_model,
    }
}

fn is_media(part: &Part) -> bool {
    match part {
        Part::Image(_) | Part::Audio { .. } | Part::File(_) => true,
        Part::Text(_) | Part::Reasoning(_) | Part::Refusal(_) | Part::ToolCall(_) | Part::ToolResult(_) => false,
    }
}

/// Anthropic: "text content blocks must contain non-whitespace text".
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(messages: &[Message]) -> Conversation<'_> {
        Conversation::gather(messages, &mut Vec::new()).unwrap()
    }

    fn shape(conversation: &Conversation<'_>) -> Vec<(TurnRole, usize)> {
        conversation.turns.iter().map(|turn| (turn.role, turn.parts.len())).collect()
    }

    #[test]
    fn leading_instructions_are_apart_and_later_ones_stay_in_place() {
        let messages = [
            Message::text(Role::System, "a"),
            Message::text(Role::Developer, "b"),
            Message::text(Role::User, "c"),
            Message::text(Role::Assistant, "d"),
            Message::text(Role::System, "e"),
            Message::text(Role::User, "f"),
        ];
        let conversation = gather(&messages);
        assert_eq!(conversation.system.len(), 2);
        assert_eq!(shape(&conversation), [(TurnRole::User, 1), (TurnRole::Assistant, 1), (TurnRole::User, 2)]);
    }

    #[test]
    fn instructions_alone_become_the_users_words() {
        let messages = [Message::text(Role::System, "a")];
        let conversation = gather(&messages);
        assert!(conversation.system.is_empty());
        assert_eq!(shape(&conversation), [(TurnRole::User, 1)]);
    }

    #[test]
    fn blank_messages_vanish_and_their_neighbours_merge() {
        let messages = [
            Message::text(Role::System, " "),
            Message::text(Role::User, "a"),
            Message::text(Role::Assistant, "\n\u{a0}"),
            Message::text(Role::User, "b"),
        ];
        let conversation = gather(&messages);
        assert!(conversation.system.is_empty());
        assert_eq!(shape(&conversation), [(TurnRole::User, 2)]);
    }

    #[test]
    fn silence_is_refused() {
        for last in ["", " ", "\t\n"] {
            let messages = [Message::text(Role::User, "a"), Message::text(Role::User, last)];
            assert!(Conversation::gather(&messages, &mut Vec::new()).is_err());
        }
        assert!(Conversation::gather(&[], &mut Vec::new()).is_err());
        assert!(Conversation::gather(&[Message::text(Role::System, "")], &mut Vec::new()).is_err());
    }
}
