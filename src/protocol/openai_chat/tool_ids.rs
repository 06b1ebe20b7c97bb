//! Ids of tool calls: invented where a provider gives none, reshaped where one insists on a form.

use sha2::{Digest, Sha256};

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An id made from what is known about the call, so that decoding the same answer twice gives the same ids.
/// `seed` should differ from answer to answer.
pub(super) fn invent(seed: &str, choice: u32, number: usize, name: &str) -> String {
    let hash = Sha256::digest(format!("{seed}\n{choice}\n{number}\n{name}"));
    let hex: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("call_{hex}")
}

/// Nine letters and digits, as Mistral insists. An id that is so already stays; equal ids stay equal.
pub(super) fn alnum9(id: &str) -> String {
    if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    // Each byte of the hash picks one of 62 characters; the small bias of the remainder does no harm here.
    Sha256::digest(id).iter().take(9).map(|byte| char::from(ALPHANUMERIC[usize::from(*byte) % 62])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshaped_ids_are_nine_letters_and_digits_and_stable() {
        for id in ["call_abc", "", "toolu_01ABCDEFGHIJKLMNOP", "a b c d e", "éééé5"] {
            let short = alnum9(id);
            assert!(short.len() == 9 && short.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id} -> {short}");
            assert_eq!(alnum9(id), short);
            assert_eq!(alnum9(&short), short);
        }
        assert_ne!(alnum9("call_1"), alnum9("call_2"));
    }

    #[test]
    fn invented_ids_differ_by_answer_choice_number_and_name() {
        let ids = [
            invent("a", 0, 0, "f"),
            invent("b", 0, 0, "f"),
            invent("a", 1, 0, "f"),
            invent("a", 0, 1, "f"),
            invent("a", 0, 0, "g"),
        ];
        for (at, id) in ids.iter().enumerate() {
            assert!(id.len() >= 24 && !ids[..at].contains(id));
        }
    }
}
