//! Instructions for models that have no system prompt: the user says them.

use super::ModelProfile;
use crate::chat::{ChatRequest, Message, Part, Role};

/// Fits a request to the model before a codec writes it: where there is no system prompt, all of its text is put in front
/// of the first user message, whatever place it had.
pub fn fit(request: &mut ChatRequest, profile: &ModelProfile) {
    if !profile.quirks.supports_system_prompt {
        move_to_user(&mut request.messages);
    }
}

fn move_to_user(messages: &mut Vec<Message>) {
    let mut instructions: Vec<Part> = Vec::new();
    messages.retain_mut(|message| match message.role {
        Role::System | Role::Developer => {
            instructions.append(&mut message.parts);
            false
        }
        Role::User | Role::Assistant | Role::Tool => true,
    });
    if instructions.is_empty() {
        return;
    }
    match messages.iter_mut().find(|message| message.role == Role::User) {
        Some(first) => {
            instructions.append(&mut first.parts);
            first.parts = instructions;
        }
        None => messages.insert(0, Message { role: Role::User, parts: instructions, name: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Quirks;

    fn fitted(messages: &[(Role, &str)], supports_system_prompt: bool) -> Vec<(Role, Vec<String>)> {
        let messages = messages.iter().map(|(role, text)| Message::text(*role, *text)).collect();
        let mut request = ChatRequest { messages, ..ChatRequest::default() };
        let quirks = Quirks { supports_system_prompt, ..Quirks::default() };
        fit(&mut request, &ModelProfile { quirks, ..ModelProfile::default() });
        let text = |part: &Part| if let Part::Text(text) = part { text.text.clone() } else { String::new() };
        request.messages.iter().map(|message| (message.role, message.parts.iter().map(text).collect())).collect()
    }

    #[test]
    fn all_instructions_stand_before_the_first_words_of_the_user() {
        let said =
            [(Role::System, "s"), (Role::Assistant, "x"), (Role::User, "a"), (Role::Developer, "t"), (Role::User, "b")];
        let expected = [(Role::Assistant, vec!["x"]), (Role::User, vec!["s", "t", "a"]), (Role::User, vec!["b"])];
        let expected = expected.map(|(role, texts)| (role, texts.into_iter().map(str::to_owned).collect::<Vec<_>>()));
        assert_eq!(fitted(&said, false), expected);
        assert_eq!(fitted(&said, true).len(), 5);
    }

    #[test]
    fn instructions_alone_are_what_the_user_says() {
        let expected = [(Role::User, vec!["s".to_owned()]), (Role::Assistant, vec!["x".to_owned()])];
        assert_eq!(fitted(&[(Role::Assistant, "x"), (Role::System, "s")], false), expected);
        assert!(fitted(&[], false).is_empty());
    }
}
