//! What all chunks of one stream have in common, written once: the names in front and the nulls behind.

use super::super::json;
use crate::chat::Start;
use crate::protocol::ReplyContext;

/// The terminator of every OpenAI stream.
pub(in super::super) const DONE: &[u8] = b"data: [DONE]\n\n";

/// The constant parts of a stream's chunks. Clients insist that id, time and model never change within a stream.
#[derive(Debug)]
pub(in super::super) struct ChunkFrame {
    /// `data: {"id":…,"object":…,"created":…,"model":…,"choices":[`
    head: Vec<u8>,
    include_usage: bool,
}

impl ChunkFrame {
    /// `object` is the protocol's name for a chunk, `id` the answer's final id.
    pub(in super::super) fn new(object: &str, id: &str, start: &Start<'_>, context: &ReplyContext) -> Self {
        let mut head = Vec::with_capacity(160);
        head.extend_from_slice(b"data: {\"id\":");
        json::write(&mut head, id);
        head.extend_from_slice(b",\"object\":");
        json::write(&mut head, object);
        head.extend_from_slice(b",\"created\":");
        json::write(&mut head, &start.created.unwrap_or_else(|| context.started.seconds()));
        head.extend_from_slice(b",\"model\":");
        json::write(&mut head, &context.model);
        if let Some(fingerprint) = &start.fingerprint {
            head.extend_from_slice(b",\"system_fingerprint\":");
            json::write(&mut head, fingerprint.as_ref());
        }
        head.extend_from_slice(b",\"choices\":[");
        Self { head, include_usage: context.include_usage }
    }

    /// Begins a chunk: what follows is the content of `choices`.
    pub(in super::super) fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
    }

    /// Begins a chunk about one choice: `{"index":N` is written, the rest of the choice follows.
    pub(in super::super) fn open_choice(&self, choice: u32, out: &mut Vec<u8>) {
        self.open(out);
        out.extend_from_slice(b"{\"index\":");
        json::write(out, &choice);
    }

    /// Ends `choices` and the chunk. When usage was asked for, every chunk but the last says `"usage":null`.
    pub(in super::super) fn close(&self, out: &mut Vec<u8>) {
        out.push(b']');
        self.end(out);
    }

    /// Like [`ChunkFrame::close`], with the addresses of the sources at the top level.
    pub(in super::super) fn close_citing(&self, addresses: &[&str], out: &mut Vec<u8>) {
        out.extend_from_slice(b"],\"citations\":");
        json::write(out, addresses);
        self.end(out);
    }

    fn end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.include_usage { b",\"usage\":null}\n\n" } else { b"}\n\n" });
    }

    /// The chunk that carries usage: its own, with no choices.
    pub(in super::super) fn usage(&self, usage: &impl serde::Serialize, out: &mut Vec<u8>) {
        self.open(out);
        out.extend_from_slice(b"],\"usage\":");
        json::write(out, usage);
        out.extend_from_slice(b"}\n\n");
    }
}
