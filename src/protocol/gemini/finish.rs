//! `finishReason`, in the words of the chat model.

use crate::chat::FinishReason;

/// What a reason amounts to, and the word itself where it says more.
pub(super) fn decode(word: &str, has_calls: bool) -> (FinishReason, Option<&str>) {
    let stop = if has_calls { FinishReason::ToolCalls } else { FinishReason::Stop };
    match word {
        "STOP" => (stop, None),
        "MAX_TOKENS" => (FinishReason::Length, None),
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "LANGUAGE"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "IMAGE_OTHER"
        | "NO_IMAGE"
        | "ESCALATION"
        | "MODEL_ARMOR"
        | "OTHER" => (FinishReason::ContentFilter, Some(word)),
        // MALFORMED_FUNCTION_CALL and its like, FINISH_REASON_UNSPECIFIED, and words of tomorrow.
        _ => (stop, Some(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_meaning() {
        for (word, has_calls, reason, native) in [
            ("STOP", false, FinishReason::Stop, false),
            ("STOP", true, FinishReason::ToolCalls, false),
            ("MAX_TOKENS", false, FinishReason::Length, false),
            ("MAX_TOKENS", true, FinishReason::Length, false),
            ("SAFETY", false, FinishReason::ContentFilter, true),
            ("SAFETY", true, FinishReason::ContentFilter, true),
            ("OTHER", false, FinishReason::ContentFilter, true),
            ("MALFORMED_FUNCTION_CALL", false, FinishReason::Stop, true),
            ("FINISH_REASON_UNSPECIFIED", false, FinishReason::Stop, true),
            ("TOMORROW", false, FinishReason::Stop, true),
        ] {
            assert_eq!(decode(word, has_calls), (reason, native.then_some(word)), "{word}");
        }
    }
}
