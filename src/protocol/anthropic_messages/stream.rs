//! Frames of a streamed answer.

use serde_json::value::RawValue;

use super::answer::{Answer, malformed};
use super::error;
use super::wire::{AnswerFrame, AnswerMessage};
use crate::chat::EventSink;
use crate::protocol::framing::{self, Frame};
use crate::protocol::{EventDecoder, StreamFault, lenient};

/// Reads one streamed answer. `message_stop` ends it; nothing before does.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    answer: Answer,
    done: bool,
}

impl EventDecoder for Decoder {
    fn push(&mut self, frame: Frame<'_>, out: &mut dyn EventSink) -> Result<(), StreamFault> {
        let data = frame.data.trim_ascii();
        // `[DONE]` is OpenAI's; compatible servers send it here too.
        if self.done || data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let message: AnswerFrame<'_> = lenient::from_str(framing::text(data)?).map_err(malformed)?;
        // The data names its kind; `event:` repeats it, and some servers leave one of the two out.
        let kind = match &message.kind {
            Some(kind) => kind.0.as_bytes(),
            None => frame.event,
        };
        match (kind, message.error) {
            (b"message_start", _) => {
                if let Some(message) = message.message {
                    let message: AnswerMessage<'_> = serde_json::from_str(message.get()).map_err(malformed)?;
                    self.answer.start(&message, out)?;
                }
            }
            (b"content_block_start", _) => {
                if let Some(block) = message.content_block {
                    self.answer.open_block(index(message.index), block, out)?;
                }
            }
            (b"content_block_delta", _) => {
                if let Some(delta) = message.delta {
                    self.answer.delta(index(message.index), delta, out)?;
                }
            }
            (b"content_block_stop", _) => self.answer.close_block(index(message.index), out),
            (b"message_delta", _) => self.answer.message_delta(message.delta, message.usage, out)?,
            (b"message_stop", _) => {
                self.done = true;
                self.answer.finish(out);
            }
            (b"error", _) | (b"", Some(_)) => return Err(StreamFault::Provider(error::in_band(data))),
            (b"", None) => return Err(StreamFault::Malformed("an event that does not say what it is".to_owned())),
            // `ping`, and events of tomorrow.
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut dyn EventSink) -> Result<(), StreamFault> {
        if self.done { Ok(()) } else { Err(StreamFault::Truncated) }
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

fn index(raw: Option<&RawValue>) -> Option<u64> {
    raw.and_then(|raw| raw.get().parse().ok())
}

#[cfg(test)]
mod tests;
