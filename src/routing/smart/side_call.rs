//! Questions a client program asks for itself: Open WebUI has titles, tags, follow-ups and search queries made by the
//! model of the chat.
//!
//! They are recognised by the prompts Open WebUI ships (`### Task:` and what follows it). An operator who rewrites those
//! prompts loses the recognition, not the answer.

use super::brief::text_of;
use crate::chat::{ChatRequest, Role};

/// What a client program wants for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideCall {
    /// A title for the chat.
    Title,
    /// Tags for the chat.
    Tags,
    /// Questions the user may ask next.
    FollowUps,
    /// Queries for a web or document search.
    Queries,
    /// A prompt for a picture.
    ImagePrompt,
    /// The rest of what the user is typing.
    Autocompletion,
}

/// What stands behind `### Task:`, lower-cased.
const TASKS: [(&str, SideCall); 6] = [
    ("generate a concise, 3-5 word title", SideCall::Title),
    ("generate 1-3 broad tags", SideCall::Tags),
    ("suggest 3-5 relevant follow-up", SideCall::FollowUps),
    ("analyze the chat history to determine the necessity of generating search queries", SideCall::Queries),
    ("generate a detailed prompt for", SideCall::ImagePrompt),
    ("you are an autocompletion system", SideCall::Autocompletion),
];

impl SideCall {
    /// Recognises one: its prompt is the only user message.
    pub fn of(request: &ChatRequest) -> Option<Self> {
        let mut users = request.messages.iter().filter(|message| message.role == Role::User);
        let (only, None) = (users.next()?, users.next()) else { return None };
        let text = text_of(only);
        let task = text.trim_start().strip_prefix("### Task:")?.trim_start();
        TASKS
            .iter()
            .find_map(|(start, side_call)| task.get(..start.len())?.eq_ignore_ascii_case(start).then_some(*side_call))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Message;

    fn of(messages: &[(Role, &str)]) -> Option<SideCall> {
        let messages = messages.iter().map(|(role, text)| Message::text(*role, *text)).collect();
        SideCall::of(&ChatRequest { messages, ..ChatRequest::default() })
    }

    #[test]
    fn open_webuis_prompts_are_recognised() {
        for (task, expected) in [
            ("Generate a concise, 3-5 word title with an emoji summarizing the chat history.", SideCall::Title),
            ("Generate 1-3 broad tags categorizing the main themes of the chat history", SideCall::Tags),
            ("Suggest 3-5 relevant follow-up questions or prompts", SideCall::FollowUps),
            (
                "Analyze the chat history to determine the necessity of generating search queries, in the given language.",
                SideCall::Queries,
            ),
            ("You are an autocompletion system. Continue the text", SideCall::Autocompletion),
        ] {
            let prompt = format!("### Task:\n{task}\n### Chat History:\n<chat_history>\nUSER: hi\n</chat_history>");
            assert_eq!(of(&[(Role::User, &prompt)]), Some(expected), "{task}");
            assert_eq!(of(&[(Role::System, "Be brief."), (Role::User, &prompt)]), Some(expected));
        }
    }

    #[test]
    fn people_who_ask_for_titles_are_no_program() {
        let prompt = "### Task:\nGenerate a concise, 3-5 word title";
        assert_eq!(of(&[(Role::User, "hi"), (Role::Assistant, "hello"), (Role::User, prompt)]), None);
        assert_eq!(of(&[(Role::User, "Generate a concise, 3-5 word title")]), None);
        assert_eq!(of(&[(Role::User, "### Task:\nwrite a sonnet")]), None);
        assert_eq!(of(&[(Role::User, "### Task: é")]), None);
        assert_eq!(of(&[]), None);
    }
}
