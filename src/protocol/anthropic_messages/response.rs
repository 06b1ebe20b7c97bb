//! Whole answers.

use serde_json::value::RawValue;

use super::answer::{Answer, malformed};
use super::error;
use super::wire::{AnswerFrame, AnswerMessage};
use crate::chat::{ChatResponse, ResponseBuilder};
use crate::protocol::{StreamFault, framing, lenient};

/// Reads a whole answer.
///
/// # Errors
/// When it is an error sent with a 200, or no message.
pub(super) fn decode(body: &[u8]) -> Result<ChatResponse, StreamFault> {
    let text = framing::text(body)?;
    let frame: AnswerFrame<'_> = lenient::from_str(text).map_err(malformed)?;
    let is_error = frame.kind.is_some_and(|kind| kind.0 == "error") || frame.error.is_some();
    let message: AnswerMessage<'_> = serde_json::from_str(text).map_err(malformed)?;
    let blocks: Vec<&RawValue> = match message.content {
        Some(content) => serde_json::from_str(content.get()).map_err(malformed)?,
        None if is_error => return Err(StreamFault::Provider(error::in_band(body))),
        None => return Err(StreamFault::Malformed("a message without `content`".to_owned())),
    };
    let mut answer = Answer::default();
    let mut builder = ResponseBuilder::default();
    answer.start(&message, &mut builder)?;
    for block in blocks {
        answer.open_block(None, block, &mut builder)?;
        answer.close_block(None, &mut builder);
    }
    answer.finish(&mut builder);
    Ok(builder.finish())
}
