//! Streamed answers: frames to events, events to bytes, and both together as the relay does it.

use std::hint::black_box;

use llm_relay::chat::Event;
use llm_relay::protocol::framing::{Frame, Framer, RawFrame};
use llm_relay::protocol::ollama::ModelEcho;
use llm_relay::protocol::{ClientFormat, Protocol, Restoration};

use super::{CLIENTS, NOW, PROTOCOLS, reply_context, timing};
use crate::case::Case;
use crate::fixtures::{EVENTS, stream, wire_events};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = PROTOCOLS.map(decode).into();
    cases.extend(CLIENTS.map(encode));
    cases.extend([
        observe(Protocol::OpenAi),
        observe(Protocol::Ollama),
        echo(),
        translate(Protocol::Anthropic, ClientFormat::OpenAiChat),
        translate(Protocol::Gemini, ClientFormat::OpenAiChat),
        translate(Protocol::OpenAi, ClientFormat::OllamaChat),
    ]);
    cases.into_iter().map(|case| case.per(EVENTS, "event")).collect()
}

/// Name and data of a frame.
type OwnedFrame = (Vec<u8>, Vec<u8>);

fn frames(protocol: Protocol) -> Vec<OwnedFrame> {
    let mut frames = Vec::new();
    let mut framer = Framer::new(protocol.codec().framing());
    let mut visit = |raw: RawFrame<'_>| {
        frames.extend(raw.frame.map(|frame| (frame.event.to_vec(), frame.data.to_vec())));
        Ok(())
    };
    framer.push(&stream(protocol), &mut visit).expect("the stream is well formed");
    framer.finish(&mut visit).expect("the stream is well formed");
    frames
}

/// Frames to events. The counted texts prove that none got lost.
fn decode(protocol: Protocol) -> Case {
    Case::new(format!("stream: decode {}", protocol.as_str()), move || {
        let frames = frames(protocol);
        move || {
            let mut texts = 0;
            let mut sink = |event: Event<'_>| texts += usize::from(matches!(black_box(event), Event::Text { .. }));
            let mut decoder = protocol.codec().decoder();
            for (event, data) in &frames {
                decoder.push(Frame { event, data }, &mut sink).expect("the stream is well formed");
            }
            decoder.finish(&mut sink).expect("the stream is complete");
            assert_eq!(texts, EVENTS);
            texts
        }
    })
}

fn events(protocol: Protocol) -> Vec<Event<'static>> {
    let mut events = Vec::new();
    let mut sink = |event: Event<'_>| events.push(event.into_owned());
    let mut decoder = protocol.codec().decoder();
    for (event, data) in &frames(protocol) {
        decoder.push(Frame { event, data }, &mut sink).expect("the stream is well formed");
    }
    decoder.finish(&mut sink).expect("the stream is complete");
    events
}

/// Events to bytes, all into one buffer.
fn encode(format: ClientFormat) -> Case {
    Case::new(format!("stream: encode {}", format.protocol().as_str()), move || {
        let events = events(Protocol::OpenAi);
        move || {
            let mut out = Vec::new();
            let mut encoder = format.codec().encoder(reply_context());
            for event in &events {
                encoder.push(black_box(event), NOW, &mut out);
            }
            encoder.finish(timing(), &mut out);
            out.len()
        }
    })
}

/// A forwarded stream in one buffer: framed, decoded for usage and finish, copied as it is.
fn observe(protocol: Protocol) -> Case {
    Case::new(format!("stream: forward {}", protocol.as_str()), move || {
        let stream = stream(protocol);
        move || {
            let mut ready = Vec::new();
            let (mut bytes, mut usage) = (0, None);
            let mut sink = |event: Event<'_>| match event {
                Event::Text { text, .. } => bytes += text.len(),
                Event::Usage(reported) => usage = Some(reported),
                other => {
                    black_box(other);
                }
            };
            let mut decoder = protocol.codec().decoder();
            let mut framer = Framer::new(protocol.codec().framing());
            let mut visit = |raw: RawFrame<'_>| {
                if let Some(frame) = raw.frame {
                    decoder.push(frame, &mut sink)?;
                }
                ready.extend_from_slice(raw.bytes);
                Ok(())
            };
            framer.push(black_box(&stream), &mut visit).expect("the stream is well formed");
            framer.finish(&mut visit).expect("the stream is well formed");
            decoder.finish(&mut sink).expect("the stream is complete");
            assert!(usage.is_some() && bytes > EVENTS && ready == stream);
            ready.len()
        }
    })
}

/// The client's name for the model put into each forwarded line.
fn echo() -> Case {
    Case::new("stream: echo the model's name, ollama", || {
        let lines = wire_events(Protocol::Ollama);
        move || {
            let echo = ModelEcho::new("fast");
            let mut ready = Vec::new();
            for line in &lines {
                echo.apply_to(black_box(line.as_bytes()), &mut ready);
            }
            ready.len()
        }
    })
}

/// From the provider's bytes in one buffer to the client's bytes in one buffer.
fn translate(from: Protocol, to: ClientFormat) -> Case {
    Case::new(format!("stream: translate {} to {}", from.as_str(), to.protocol().as_str()), move || {
        let stream = stream(from);
        move || {
            let mut ready = Vec::new();
            let mut encoder = to.codec().encoder(reply_context());
            let mut restoration = Restoration::default();
            let mut sink = |event: Event<'_>| {
                restoration.pass(event, &mut |event: Event<'_>| encoder.push(&event, NOW, &mut ready));
            };
            let mut decoder = from.codec().decoder();
            let mut framer = Framer::new(from.codec().framing());
            let mut visit = |raw: RawFrame<'_>| match raw.frame {
                Some(frame) => decoder.push(frame, &mut sink),
                None => Ok(()),
            };
            framer.push(black_box(&stream), &mut visit).expect("the stream is well formed");
            framer.finish(&mut visit).expect("the stream is well formed");
            decoder.finish(&mut sink).expect("the stream is complete");
            encoder.finish(timing(), &mut ready);
            ready.len()
        }
    })
}
