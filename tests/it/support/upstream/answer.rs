//! What a fake upstream shall say, how fast, and how it goes wrong.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Semaphore;

/// A scripted answer, without a wire format: each fake writes it in its own.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(super) says: Says,
    pub(super) fault: Fault,
    pub(super) gate: Option<Gate>,
    pub(super) byte_by_byte: bool,
    pub(super) oddly_framed: bool,
}

/// The content of an answer.
#[derive(Debug, Clone)]
pub(super) enum Says {
    /// Words, in the provider's format.
    Spoken(Spoken),
    /// These very bytes, whatever was asked.
    Response(Response),
}

/// The words of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spoken {
    pub(super) reasoning: Vec<String>,
    pub(super) texts: Vec<String>,
    pub(super) calls: Vec<ToolCall>,
    pub(super) usage: Tokens,
}

/// A call the fake makes.
#[derive(Debug, Clone)]
pub(crate) struct ToolCall {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// Tokens, each counted once; the formats add them up as their vendors do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tokens {
    /// Prompt tokens that were not in the cache.
    pub(super) input: u64,
    /// Prompt tokens read from the cache.
    pub(super) cached: u64,
    /// Generated tokens.
    pub(super) output: u64,
}

/// A whole HTTP answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// How an answer goes wrong. The number counts content frames that are sent before; a whole answer has one body,
/// of which half is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not.
    None,
    /// The connection is reset.
    Reset(usize),
    /// A proper end of the HTTP message, but not of the protocol's.
    EarlyEnd(usize),
    /// Nothing more comes, and the connection stays open.
    Stall(usize),
    /// Something that is not the protocol at all, then a proper end.
    Garbage(usize),
    /// A frame whose JSON breaks off, then a proper end.
    HalfFrame(usize),
    /// The protocol's own error, inside a 200.
    ErrorEvent(usize),
    /// The stream's very last frame (OpenAI's `[DONE]`) is missing; a whole answer is not touched.
    NoTerminator,
}

/// Lets content frames through one by one, when the test says so.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed gate.
    pub(crate) fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets so many more frames through. A whole answer is one frame; the end of a stream is one, too.
    pub(crate) fn release(&self, frames: usize) {
        self.0.add_permits(frames);
    }

    pub(super) async fn pass(&self) {
        self.0.acquire().await.expect("the gate is never closed for good").forget();
    }
}

impl Answer {
    /// Says this text, one word per frame.
    pub(crate) fn text(text: &str) -> Self {
        let texts = text.split_inclusive(' ').map(str::to_owned).collect();
        let usage = Tokens { input: 11, cached: 0, output: 7 };
        let spoken = Spoken { texts, usage, ..Spoken::default() };
        Self { says: Says::Spoken(spoken), fault: Fault::None, gate: None, byte_by_byte: false, oddly_framed: false }
    }

    /// Answers with a status and a body, whatever was asked.
    pub(crate) fn status(status: u16, content_type: &str, body: &str) -> Self {
        let body = body.as_bytes().to_vec();
        let response = Response { status, content_type: content_type.to_owned(), headers: Vec::new(), body };
        Self {
            says: Says::Response(response),
            fault: Fault::None,
            gate: None,
            byte_by_byte: false,
            oddly_framed: false,
        }
    }

    /// The body of a [`Answer::status`] compressed, and its header saying so.
    pub(crate) fn gzipped(mut self) -> Self {
        if let Says::Response(response) = &mut self.says {
            response.body = gzip(&response.body);
        }
        self.header("content-encoding", "gzip")
    }

    /// A header on top of a [`Answer::status`].
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Says::Response(response) = &mut self.says {
            response.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Thinks before it speaks, one word per frame.
    pub(crate) fn reasoning(self, text: &str) -> Self {
        self.spoken(|spoken| spoken.reasoning = text.split_inclusive(' ').map(str::to_owned).collect())
    }

    /// Calls a tool after the text.
    pub(crate) fn tool_call(self, id: &str, name: &str, arguments: Value) -> Self {
        let call = ToolCall { id: id.to_owned(), name: name.to_owned(), arguments };
        self.spoken(|spoken| spoken.calls.push(call))
    }

    /// Reports these tokens: prompt without cache, prompt from the cache, generated.
    pub(crate) fn usage(self, input: u64, cached: u64, output: u64) -> Self {
        self.spoken(|spoken| spoken.usage = Tokens { input, cached, output })
    }

    /// Goes wrong.
    pub(crate) fn fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// Waits at the gate before each content frame and before the end.
    pub(crate) fn paced_by(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Sends every byte of the body in a write of its own, so that characters and frames arrive split.
    pub(crate) fn byte_by_byte(mut self) -> Self {
        self.byte_by_byte = true;
        self
    }

    /// Frames server-sent events in every way the standard allows and some provider does: comments in between,
    /// CRLF, no space after the colon.
    pub(crate) fn oddly_framed(mut self) -> Self {
        self.oddly_framed = true;
        self
    }

    fn spoken(mut self, change: impl FnOnce(&mut Spoken)) -> Self {
        if let Says::Spoken(spoken) = &mut self.says {
            change(spoken);
        }
        self
    }
}

impl Spoken {
    /// All of the text.
    pub(super) fn text(&self) -> String {
        self.texts.concat()
    }
}

impl Response {
    /// 200 with JSON.
    pub(super) fn json(value: &Value) -> Self {
        Self::json_with_status(200, value)
    }

    /// JSON with a status.
    pub(super) fn json_with_status(status: u16, value: &Value) -> Self {
        let content_type = "application/json".to_owned();
        Self { status, content_type, headers: Vec::new(), body: value.to_string().into_bytes() }
    }

    /// 200 without a body.
    pub(super) fn empty() -> Self {
        Self { status: 200, content_type: "text/plain".to_owned(), headers: Vec::new(), body: Vec::new() }
    }
}

/// A gzip file (RFC 1952) of one stored block: legal, and written without a library.
fn gzip(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("a stored block holds up to 64 KiB");
    let crc = data.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    let lengths = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    [&header[..], &lengths, data, &(!crc).to_le_bytes(), &u32::from(length).to_le_bytes()].concat()
}
