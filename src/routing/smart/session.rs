//! What makes requests one conversation.

use sha2::{Digest, Sha256};

use super::brief::text_of;
use crate::chat::{ChatRequest, Role};

/// The conversation a request belongs to at a router, and what it was told by: `header`, `chat` or `turns`.
///
/// An explicit session comes first, then Open WebUI's chat id, then the first turns: clients send the whole conversation
/// each time, so its beginning stays the same. Who asks (`caller`: key and person) is always part of it, so that two
/// people who open with the same words do not share a conversation. An address is no part of it: everybody behind one
/// Open WebUI has the same.
pub fn session_key(
    router: &str,
    explicit: Option<&str>,
    chat_id: Option<&str>,
    caller: [Option<&str>; 2],
    request: &ChatRequest,
) -> (u128, &'static str) {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    add(router);
    for part in caller {
        add(part.map_or("-", |_| "+"));
        add(part.unwrap_or_default());
    }
    let told_by = match (explicit, chat_id) {
        (Some(session), _) => {
            add(session);
            "header"
        }
        (None, Some(chat)) => {
            add(chat);
            "chat"
        }
        (None, None) => {
            for message in &request.messages {
                add(&text_of(message));
                if message.role == Role::User {
                    break;
                }
            }
            "turns"
        }
    };
    add(told_by);
    let digest: [u8; 32] = hash.finalize().into();
    let (start, _) = digest.split_first_chunk::<16>().expect("a SHA-256 has 32 bytes");
    (u128::from_le_bytes(*start), told_by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Message;

    fn request(turns: &[(Role, &str)]) -> ChatRequest {
        let messages = turns.iter().map(|(role, text)| Message::text(*role, *text)).collect();
        ChatRequest { messages, ..ChatRequest::default() }
    }

    #[test]
    fn a_conversation_stays_the_same_while_it_grows() {
        let first = request(&[(Role::System, "s"), (Role::User, "hi")]);
        let later =
            request(&[(Role::System, "s"), (Role::User, "hi"), (Role::Assistant, "hello"), (Role::User, "and?")]);
        let key = |request: &ChatRequest| session_key("r", None, None, [None, None], request);
        assert_eq!(key(&first), key(&later));
        assert_eq!(key(&first).1, "turns");
        assert_ne!(key(&first), key(&request(&[(Role::System, "s2"), (Role::User, "hi")])));
        assert_ne!(key(&first), key(&request(&[(Role::User, "shi")])));
    }

    #[test]
    fn ids_tell_more_than_words_and_people_are_kept_apart() {
        let (one, two) = (request(&[(Role::User, "hi")]), request(&[(Role::User, "other")]));
        let chat = |id, who, request| session_key("r", None, Some(id), [Some("webui"), who], request);
        assert_eq!(chat("c1", None, &one), chat("c1", None, &two));
        assert_ne!(chat("c1", None, &one), chat("c2", None, &one));
        assert_ne!(chat("c1", Some("ann"), &one), chat("c1", Some("bob"), &one));
        let explicit = |session, request| session_key("r", Some(session), Some("c1"), [None, None], request);
        assert_eq!(explicit("s", &one), explicit("s", &two));
        assert_ne!(explicit("c1", &one), session_key("r", None, Some("c1"), [None, None], &one));
        let turns = |who| session_key("r", None, None, [None, who], &one);
        assert_ne!(turns(Some("ann")), turns(Some("bob")));
        assert_ne!(
            session_key("r", Some("s"), None, [None; 2], &one),
            session_key("q", Some("s"), None, [None; 2], &one)
        );
    }
}
