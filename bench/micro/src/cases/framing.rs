//! Bytes to frames: a burst in one buffer, as it comes when the provider is fast, and one buffer per event.

use std::hint::black_box;

use llm_relay::protocol::Protocol;
use llm_relay::protocol::framing::{Framer, Framing, RawFrame};

use crate::case::Case;
use crate::fixtures::{EVENTS, wire_events};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("frame: SSE, one buffer", Framing::Sse, Protocol::OpenAi, usize::MAX),
        case("frame: SSE, a buffer per event", Framing::Sse, Protocol::OpenAi, 1),
        case("frame: SSE with names, one buffer", Framing::Sse, Protocol::Anthropic, usize::MAX),
        case("frame: SSE, buffers that end inside events", Framing::Sse, Protocol::OpenAi, 0),
        case("frame: NDJSON, one buffer", Framing::Ndjson, Protocol::Ollama, usize::MAX),
        case("frame: NDJSON, a buffer per line", Framing::Ndjson, Protocol::Ollama, 1),
    ]
}

/// `per_buffer`: how many events stand in one buffer; 0: buffers of 1,000 bytes, wherever that cuts.
fn case(name: &'static str, framing: Framing, protocol: Protocol, per_buffer: usize) -> Case {
    let prepare = move || {
        let events = wire_events(protocol);
        let buffers: Vec<Vec<u8>> = match per_buffer {
            0 => events.concat().into_bytes().chunks(1000).map(<[u8]>::to_vec).collect(),
            _ => events.chunks(per_buffer).map(|events| events.concat().into_bytes()).collect(),
        };
        let expected = events.len();
        move || {
            let mut framer = Framer::new(framing);
            let mut count = 0;
            let mut visit = |raw: RawFrame<'_>| {
                count += usize::from(black_box(raw).frame.is_some());
                Ok(())
            };
            for buffer in &buffers {
                framer.push(black_box(buffer), &mut visit).expect("the stream is well formed");
            }
            framer.finish(&mut visit).expect("the stream is well formed");
            assert_eq!(count, expected);
            count
        }
    };
    Case::new(name, prepare).per(EVENTS, "event")
}
