//! Reading a provider's stream.

use super::super::answer::{AnswerReader, Ending};
use super::super::error;
use super::super::wire::Answer;
use crate::chat::EventSink;
use crate::protocol::framing::{self, Frame};
use crate::protocol::{EventDecoder, StreamFault, lenient};

/// Reads `chat.completion.chunk` and `text_completion` streams.
///
/// The terminator is `data: [DONE]`. A stream that was closed without it is complete when every choice had a finish
/// reason (some servers end so), else truncated.
#[derive(Debug, Default)]
pub(in super::super) struct StreamDecoder {
    reader: AnswerReader,
    done: bool,
}

impl EventDecoder for StreamDecoder {
    fn push(&mut self, frame: Frame<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        let data = frame.data.trim_ascii();
        // Some servers send the terminator twice, or a comment-like event after it.
        if self.done || data.is_empty() {
            return Ok(());
        }
        if data.starts_with(b"[DONE]") {
            self.done = true;
            return self.reader.complete(Ending::Terminator, out);
        }
        if frame.event == b"error" {
            return Err(StreamFault::Provider(error::decode(200, data)));
        }
        let answer: Answer<'_> =
            lenient::from_str(framing::text(data)?).map_err(|fault| error::no_answer(data, fault.to_string()))?;
        self.reader.read(answer, data, false, out)
    }

    fn finish(&mut self, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        if self.done {
            return Ok(());
        }
        self.done = true;
        self.reader.complete(Ending::Closed, out)
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

/// Whether a chunk is the one that carries usage alone: its list of choices is there and empty.
/// OpenAI sends it only to clients who asked for usage, so others must not see it.
pub fn is_usage_chunk(data: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Choices {
        choices: Vec<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Choices>(data).is_ok_and(|chunk| chunk.choices.is_empty())
}
