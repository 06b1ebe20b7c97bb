//! Streams as providers have been seen to send them, and as clients must get them.

mod dialects;
mod written;

use super::StreamDecoder;
use crate::chat::{ChatResponse, Event, ResponseBuilder};
use crate::protocol::framing::{Framer, Framing};
use crate::protocol::{EventDecoder, StreamFault};

/// Decodes a stream that arrives in these pieces into the list of its events.
fn events(chunks: &[&[u8]]) -> Result<Vec<Event<'static>>, StreamFault> {
    let mut framer = Framer::new(Framing::Sse);
    let mut decoder = StreamDecoder::default();
    let mut events = Vec::new();
    let mut sink = |event: Event<'_>| events.push(event.into_owned());
    for chunk in chunks {
        framer.push(chunk, &mut |raw| raw.frame.map_or(Ok(()), |frame| decoder.push(frame, &mut sink)))?;
    }
    framer.finish(&mut |raw| raw.frame.map_or(Ok(()), |frame| decoder.push(frame, &mut sink)))?;
    decoder.finish(&mut sink)?;
    Ok(events)
}

/// Folds a stream into the answer it amounts to.
fn folded(stream: &str) -> Result<ChatResponse, StreamFault> {
    let mut builder = ResponseBuilder::default();
    for event in events(&[stream.as_bytes()])? {
        crate::chat::EventSink::event(&mut builder, event);
    }
    Ok(builder.finish())
}

/// A stream of these JSON chunks with its terminator.
fn stream(chunks: &[&str]) -> String {
    let mut stream: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    stream.push_str("data: [DONE]\n\n");
    stream
}

/// A chunk whose only choice has this delta and finish reason.
fn chunk(delta: &str, finish: &str) -> String {
    format!(
        r#"{{"id":"c1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#
    )
}

/// A stream of one choice with these deltas, ending with this finish reason.
fn deltas(deltas: &[&str], finish: &str) -> String {
    let mut chunks: Vec<String> = deltas.iter().map(|delta| chunk(delta, "null")).collect();
    chunks.push(chunk("{}", finish));
    stream(&chunks.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_stream_means_the_same_wherever_it_is_split() {
    let text = deltas(
        &[
            r#"{"role":"assistant","content":""}"#,
            r#"{"reasoning_content":"h\u006dé"}"#,
            r#"{"content":"日本\n語 🙂"}"#,
            r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":\"é\"}"}}]}"#,
        ],
        "\"tool_calls\"",
    );
    let bytes = text.as_bytes();
    let whole = events(&[bytes]).unwrap();
    assert_eq!(whole.len(), 6, "{whole:?}");
    for at in 0..bytes.len() {
        assert_eq!(events(&[&bytes[..at], &bytes[at..]]).unwrap(), whole, "split at {at}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(events(&single).unwrap(), whole);
}

#[test]
fn a_stream_cut_anywhere_before_its_finish_is_truncated() {
    let text = deltas(&[r#"{"content":"a"}"#, r#"{"content":"b"}"#], "\"stop\"");
    let finish = text.find("\"stop\"").unwrap();
    for at in 0..finish {
        let fault = events(&[&text.as_bytes()[..at]]).unwrap_err();
        // The last frame is tried even without its line end, so half a chunk shows as garbage.
        assert!(matches!(fault, StreamFault::Truncated | StreamFault::Malformed(_)), "cut at {at}: {fault:?}");
    }
    assert_eq!(events(&[b""]), Err(StreamFault::Truncated));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(data in ".{0,200}", name in "[a-z]{0,8}") {
        let _ = folded(&format!("data: {data}\n\nevent: {name}\ndata: {{\"choices\":[{{\"delta\":{{\"content\":{data:?}}}}}]}}\n\n"));
        let _ = folded(&format!("data: {{\"id\":{data:?},\"choices\":{data}}}\n\n"));
    }
}
