//! Whole answers.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error;
use super::stream::Decoder;
use crate::chat::{ChatResponse, ResponseBuilder};
use crate::protocol::{EventDecoder, StreamFault};

/// Reads a whole answer: the events of its one frame, folded.
pub(super) fn decode(body: &[u8]) -> Result<ChatResponse, StreamFault> {
    let mut builder = ResponseBuilder::default();
    let mut decoder = Decoder::default();
    decoder.read(body, &mut builder)?;
    decoder.finish(&mut builder)?;
    Ok(builder.finish())
}

#[derive(Debug, Deserialize)]
struct MaybeFault<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Reads a body that is either a `T` or an error in disguise.
pub(super) fn faultless<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, StreamFault> {
    if let Ok(MaybeFault { error: Some(fault) }) = serde_json::from_slice(body) {
        return Err(StreamFault::Provider(error::from_stream(fault.get())));
    }
    serde_json::from_slice(body).map_err(|error| StreamFault::Malformed(error.to_string()))
}
