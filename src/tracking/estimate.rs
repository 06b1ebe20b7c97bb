//! Token counts for answers whose provider reported none. Everything made from them is marked as estimated.

/// Bytes of text per token. Right within a third for English prose and code, which is all an estimate promises;
/// bytes rather than characters, because scripts with longer encodings also take more tokens per character.
const BYTES_PER_TOKEN: u64 = 4;

/// Longer strings of ASCII letters without a space are taken for attachments.
const ATTACHMENT_BYTES: usize = 1024;

/// Tokens of this many bytes of UTF-8 text: at least one unless there are none.
///
/// Give it the bytes of the *text* (prompt, answer, thinking, tool arguments), not of a body with pictures in it.
pub fn tokens_of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// Bytes of text in a JSON request, for [`tokens_of_bytes`]: the body without its attachments.
///
/// A long string without space, comma or escape is a picture or a file in base64, whatever the field is called, unless
/// it is in a script that has no spaces.
pub fn prompt_bytes(body: &[u8]) -> u64 {
    let mut attachments = 0;
    let mut start = 0;
    while let Some(window) = body.get(start..=start + ATTACHMENT_BYTES) {
        // Looked for from the window's end, so that prose is passed in strides of a kilobyte.
        if let Some(last) = memchr::memrchr3(b' ', b',', b'\\', window) {
            start += last + 1;
            continue;
        }
        let rest = &body[start..];
        let run = &rest[..memchr::memchr3(b' ', b',', b'\\', rest).unwrap_or(rest.len())];
        let strings = run.split(|byte| *byte == b'"');
        attachments +=
            strings.filter(|text| text.len() > ATTACHMENT_BYTES && text.is_ascii()).map(<[u8]>::len).sum::<usize>();
        start += run.len() + 1;
    }
    (body.len() - attachments) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_no_prompt_text() {
        let picture = "QUJD".repeat(1000);
        let body = format!(r#"{{"a":"some \"text\\","images":["{picture}"],"b":"more"}}"#);
        assert_eq!(prompt_bytes(body.as_bytes()), (body.len() - picture.len()) as u64);
        let prose = format!(r#"{{"a":"{}"}}"#, "a word ".repeat(1000));
        assert_eq!(prompt_bytes(prose.as_bytes()), prose.len() as u64);
        for text in ["你好".repeat(1000), "\\u4f60".repeat(1000), "1,2,3,".repeat(1000)] {
            assert_eq!(prompt_bytes(text.as_bytes()), text.len() as u64, "text without spaces");
        }
        for broken in [&b""[..], b"\"", b"\"\\", b"\"\\\"", b"{\"a\":\"x"] {
            assert_eq!(prompt_bytes(broken), broken.len() as u64);
        }
    }

    #[test]
    fn only_nothing_is_no_token() {
        let estimates = [0, 1, 4, 5, 400, u64::MAX].map(tokens_of_bytes);
        assert_eq!(estimates, [0, 1, 1, 2, 100, u64::MAX / 4 + 1]);
    }
}
