//! Arguments and ids of tool calls. Ollama carries arguments as JSON objects; elsewhere they are text a model wrote.

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The arguments as one line of JSON that is certainly an object: nothing becomes `{}`, and text that is no JSON object
/// becomes `{"input": text}`, the shape free-text tools have. Key order and numbers stay as they were written.
pub(super) fn object(text: &str) -> Box<RawValue> {
    let trimmed = text.trim();
    let json = if trimmed.is_empty() || trimmed == "null" {
        "{}".to_owned()
    } else if trimmed.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(trimmed).is_ok() {
        compact(trimmed)
    } else {
        serde_json::json!({ "input": text }).to_string()
    };
    RawValue::from_string(json).expect("compacted JSON is still JSON")
}

/// Valid JSON without the white space between its tokens: a line break there would end an NDJSON line.
fn compact(json: &str) -> String {
    let mut in_string = false;
    let mut escaped = false;
    json.chars()
        .filter(|&c| {
            let keep = in_string || !c.is_ascii_whitespace();
            if c == '"' && !escaped {
                in_string = !in_string;
            }
            escaped = in_string && c == '\\' && !escaped;
            keep
        })
        .collect()
}

/// An id in Ollama's form, `call_` and eight of `a`–`z0`–`9`, made from what tells this call from others.
pub(super) fn call_id(seed: &[&str], index: u32) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut hash = Sha256::new();
    for part in seed {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update(index.to_le_bytes());
    let digest = hash.finalize();
    let letters = digest.iter().take(8).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
    "call_".chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    #[test]
    fn empty_tool_arguments_become_an_empty_object() {
        for text in ["", " ", "null", "{}", "{ }"] {
            assert_eq!(object(text).get(), "{}");
        }
    }

    #[test]
    fn objects_keep_order_and_numbers_but_lose_line_breaks() {
        let text = "{\n \"z\": 12345678901234567890123,\r\n \"a\": \"x \\\" y\\\\\", \"b\":[1, 2]\n}";
        assert_eq!(object(text).get(), r#"{"z":12345678901234567890123,"a":"x \" y\\","b":[1,2]}"#);
    }

    #[test]
    fn text_that_is_no_object_is_wrapped() {
        assert_eq!(object("[1]").get(), r#"{"input":"[1]"}"#);
        assert_eq!(object("{\"a\":").get(), r#"{"input":"{\"a\":"}"#);
        assert_eq!(object("ls -la\n").get(), r#"{"input":"ls -la\n"}"#);
    }

    #[test]
    fn ids_differ_by_index_and_seed() {
        let id = call_id(&["2026-01-01T00:00:00Z"], 0);
        assert!(id.len() == 13 && id.starts_with("call_"));
        assert_ne!(id, call_id(&["2026-01-01T00:00:00Z"], 1));
        assert_ne!(id, call_id(&["2026-01-01T00:00:01Z"], 0));
        assert_ne!(call_id(&["ab", "c"], 0), call_id(&["a", "bc"], 0));
    }

    proptest! {
        #[test]
        fn any_text_becomes_an_object_on_one_line(text in any::<String>(), key in any::<String>()) {
            for arguments in [text.clone(), serde_json::json!({ key: text }).to_string()] {
                let json = object(&arguments);
                assert!(!json.get().contains('\n'));
                assert!(serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json.get()).is_ok());
            }
        }
    }
}
