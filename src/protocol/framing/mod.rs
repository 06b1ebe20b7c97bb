//! Bytes to frames, incrementally: server-sent events and newline-delimited JSON.
//!
//! A framer takes whatever the socket gave and calls back once per complete frame. What is incomplete waits in a buffer
//! of at most [`MAX_FRAME_BYTES`]; a longer frame is an error. UTF-8 is not looked at while cutting: a frame is complete
//! lines, so a character is never split.

mod ndjson;
mod sse;

use ndjson::NdjsonFramer;
use sse::SseFramer;

use super::StreamFault;

/// The longest frame accepted: images in answers are the largest things seen.
pub const MAX_FRAME_BYTES: usize = 16 << 20;

/// How a stream is cut into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `text/event-stream`.
    Sse,
    /// One JSON value per line.
    Ndjson,
}

/// A frame's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The event's name (`event:`), empty when there is none and always for NDJSON.
    pub event: &'a [u8],
    /// The data, several `data:` lines joined with `\n`.
    pub data: &'a [u8],
}

/// The JSON of a frame or of a whole answer as text. It is checked here once, which is cheaper than the parser doing it
/// string by string.
///
/// # Errors
/// [`StreamFault::Malformed`] when it is not UTF-8.
pub(super) fn text(json: &[u8]) -> Result<&str, StreamFault> {
    std::str::from_utf8(json).map_err(|error| StreamFault::Malformed(error.to_string()))
}

/// A frame as it stood in the stream.
#[derive(Debug, Clone, Copy)]
pub struct RawFrame<'a> {
    /// All its bytes with the line ends that close it.
    pub bytes: &'a [u8],
    /// What it says; `None` for comments and blank lines.
    pub frame: Option<Frame<'a>>,
}

/// Cuts a stream into frames.
#[derive(Debug)]
pub struct Framer {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sse(SseFramer),
    Ndjson(NdjsonFramer),
}

impl Framer {
    /// A framer at the start of a stream.
    pub fn new(framing: Framing) -> Self {
        Self {
            kind: match framing {
                Framing::Sse => Kind::Sse(SseFramer::default()),
                Framing::Ndjson => Kind::Ndjson(NdjsonFramer::default()),
            },
        }
    }

    /// Takes the next bytes and calls `visit` for every frame they complete.
    ///
    /// # Errors
    /// What `visit` returns, or [`StreamFault::Malformed`] when a frame passes [`MAX_FRAME_BYTES`].
    pub fn push(
        &mut self,
        chunk: &[u8],
        visit: &mut dyn FnMut(RawFrame<'_>) -> Result<(), StreamFault>,
    ) -> Result<(), StreamFault> {
        match &mut self.kind {
            Kind::Sse(framer) => framer.push(chunk, visit),
            Kind::Ndjson(framer) => framer.push(chunk, visit),
        }
    }

    /// The stream ended: hands out a last frame that lacks its closing line end
    /// (the standard drops it, but providers do end there).
    ///
    /// # Errors
    /// What `visit` returns.
    pub fn finish(
        &mut self,
        visit: &mut dyn FnMut(RawFrame<'_>) -> Result<(), StreamFault>,
    ) -> Result<(), StreamFault> {
        match &mut self.kind {
            Kind::Sse(framer) => framer.finish(visit),
            Kind::Ndjson(framer) => framer.finish(visit),
        }
    }
}

fn too_long() -> StreamFault {
    StreamFault::Malformed(format!("a frame of more than {} MiB", MAX_FRAME_BYTES >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Protocol;

    #[test]
    fn bytes_that_are_not_utf8_are_malformed_also_in_fields_nobody_reads() {
        for protocol in [Protocol::OpenAi, Protocol::Ollama, Protocol::Anthropic, Protocol::Gemini] {
            for data in [&b"{\"id\":\"\xff\"}"[..], b"{\"nobody\":\"\xe2\x82\"}", b"\xff"] {
                let frame =
                    protocol.codec().decoder().push(Frame { event: b"", data }, &mut |_: crate::chat::Event<'_>| {});
                assert!(matches!(frame, Err(StreamFault::Malformed(_))), "{protocol:?}: {frame:?}");
                let whole = protocol.codec().decode_response(data);
                assert!(matches!(whole, Err(StreamFault::Malformed(_))), "{protocol:?}: {whole:?}");
            }
        }
    }
}
