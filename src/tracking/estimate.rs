//! Token counts for answers whose provider reported none. Everything made from them is marked as estimated.

/// Bytes of text per token. Right within a third for English prose and code, which is all an estimate promises;
/// bytes rather than characters, because scripts with longer encodings also take more tokens per character.
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens of this many bytes of UTF-8 text: at least one unless there are none.
///
/// Give it the bytes of the *text* (prompt, answer, thinking, tool arguments), not of a body with pictures in it.
pub fn tokens_of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nothing_is_no_token() {
        let estimates = [0, 1, 4, 5, 400, u64::MAX].map(tokens_of_bytes);
        assert_eq!(estimates, [0, 1, 1, 2, 100, u64::MAX / 4 + 1]);
    }
}
