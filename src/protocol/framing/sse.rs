//! Server-sent events (WHATWG HTML, "Server-sent events"), as providers really send them.
//!
//! Line ends may be `\n`, `\r\n` or a lone `\r`, also split over chunks; a byte order mark may open the stream;
//! `data:` may lack its space; the last event may lack its blank line.

use std::ops::Range;

use memchr::memchr2;

use super::{Frame, MAX_FRAME_BYTES, RawFrame, StreamFault, too_long};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

#[derive(Debug)]
pub(super) struct SseFramer {
    /// The beginning of an event whose blank line has not come.
    pending: Vec<u8>,
    /// What the lines of that event have said so far.
    event: OpenEvent,
    /// The last byte was a `\r` that closed a line: a `\n` that follows belongs to it.
    skip_newline: bool,
    /// How much of a byte order mark has come; `None` once the stream has begun with one or without.
    mark_seen: Option<usize>,
}

impl Default for SseFramer {
    fn default() -> Self {
        Self { pending: Vec::new(), event: OpenEvent::default(), skip_newline: false, mark_seen: Some(0) }
    }
}

impl SseFramer {
    pub(super) fn push(
        &mut self,
        mut chunk: &[u8],
        visit: &mut dyn FnMut(RawFrame<'_>) -> Result<(), StreamFault>,
    ) -> Result<(), StreamFault> {
        if self.skip_newline && !chunk.is_empty() {
            self.skip_newline = false;
            chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
        }
        if let Some(seen) = self.mark_seen.take() {
            let more = chunk.iter().zip(&BYTE_ORDER_MARK[seen..]).take_while(|(byte, of_mark)| byte == of_mark).count();
            if seen + more == BYTE_ORDER_MARK.len() {
                chunk = &chunk[more..];
            } else if more == chunk.len() {
                self.mark_seen = Some(seen + more);
                return Ok(());
            } else {
                // It only began like a mark.
                self.pending.extend_from_slice(&BYTE_ORDER_MARK[..seen]);
            }
        }
        if self.pending.is_empty() {
            // The usual case: the chunk is looked at where it lies, and only an incomplete tail is copied.
            let consumed = self.scan(chunk, visit)?;
            self.pending.extend_from_slice(&chunk[consumed..]);
        } else {
            self.pending.extend_from_slice(chunk);
            let buffer = std::mem::take(&mut self.pending);
            let consumed = self.scan(&buffer, visit)?;
            self.pending = buffer;
            self.pending.drain(..consumed);
        }
        if self.pending.len() > MAX_FRAME_BYTES { Err(too_long()) } else { Ok(()) }
    }

    pub(super) fn finish(
        &mut self,
        visit: &mut dyn FnMut(RawFrame<'_>) -> Result<(), StreamFault>,
    ) -> Result<(), StreamFault> {
        let rest = std::mem::take(&mut self.pending);
        let mut event = std::mem::take(&mut self.event);
        if rest.is_empty() {
            return Ok(());
        }
        event.line(&rest, rest.len(), rest.len());
        visit(event.frame(&rest))
    }

    /// Hands out every complete event of `buffer`; returns how many bytes they took.
    fn scan(
        &mut self,
        buffer: &[u8],
        visit: &mut dyn FnMut(RawFrame<'_>) -> Result<(), StreamFault>,
    ) -> Result<usize, StreamFault> {
        let mut consumed = 0;
        let mut rest = buffer;
        while let Some(length) = memchr2(b'\n', b'\r', &rest[self.event.read..]) {
            let end = self.event.read + length;
            let next = match (rest[end], rest.get(end + 1)) {
                (b'\r', Some(b'\n')) => end + 2,
                (b'\r', None) => {
                    self.skip_newline = true;
                    end + 1
                }
                _ => end + 1,
            };
            if length > 0 {
                self.event.line(rest, end, next);
                continue;
            }
            let (bytes, after) = rest.split_at(next);
            visit(std::mem::take(&mut self.event).frame(bytes))?;
            consumed += next;
            rest = after;
        }
        Ok(consumed)
    }
}

/// What the lines of an event have said so far. Places count from the event's first byte.
#[derive(Debug, Default)]
struct OpenEvent {
    /// Where the first line starts whose end has not come.
    read: usize,
    name: Range<usize>,
    data: Option<Range<usize>>,
    /// The data, if it came in several lines: rare, and only then is anything copied.
    joined: Option<Vec<u8>>,
}

impl OpenEvent {
    /// Reads the next line, which ends at `end`; the one after it starts at `next`.
    fn line(&mut self, bytes: &[u8], end: usize, next: usize) {
        let line = &bytes[self.read..end];
        self.read = next;
        let place = |value: &[u8]| end - value.strip_prefix(b" ").unwrap_or(value).len()..end;
        if let Some(value) = line.strip_prefix(b"data:") {
            let value = place(value);
            match (&mut self.joined, &self.data) {
                (Some(joined), _) => {
                    joined.push(b'\n');
                    joined.extend_from_slice(&bytes[value]);
                }
                (None, Some(first)) => {
                    self.joined = Some([&bytes[first.clone()], b"\n", &bytes[value]].concat());
                }
                (None, None) => self.data = Some(value),
            }
        } else if let Some(value) = line.strip_prefix(b"event:") {
            self.name = place(value);
        }
        // Else it is `id`, `retry`, a comment (empty name) or a field of the future.
    }

    /// The event, complete in `bytes`.
    fn frame<'a>(&'a self, bytes: &'a [u8]) -> RawFrame<'a> {
        let data = self.joined.as_deref().or_else(|| self.data.clone().map(|place| &bytes[place]));
        RawFrame { bytes, frame: data.map(|data| Frame { event: &bytes[self.name.clone()], data }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
        let mut framer = SseFramer::default();
        let mut frames = Vec::new();
        let mut visit = |raw: RawFrame<'_>| {
            frames.extend(
                raw.frame.map(|frame| (String::from_utf8_lossy(frame.event).into_owned(), frame.data.to_vec())),
            );
            Ok(())
        };
        for chunk in chunks {
            framer.push(chunk, &mut visit).unwrap();
        }
        framer.finish(&mut visit).unwrap();
        frames
    }

    fn data(stream: &str) -> Vec<String> {
        read(&[stream.as_bytes()]).into_iter().map(|(_, data)| String::from_utf8(data).unwrap()).collect()
    }

    #[test]
    fn all_three_line_ends_close_lines() {
        assert_eq!(data("data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n"), ["a", "b", "c", "d"]);
    }

    #[test]
    fn comments_blank_lines_and_unknown_fields_say_nothing() {
        assert_eq!(data(": OPENROUTER PROCESSING\n\n\n\nid: 7\nretry: 1\ndata: a\n\n: end\n\n"), ["a"]);
    }

    #[test]
    fn the_space_after_the_colon_is_optional_and_only_one_is_taken() {
        assert_eq!(data("data:a\n\ndata:  b\n\ndata:\n\n"), ["a", " b", ""]);
    }

    #[test]
    fn several_data_lines_are_joined() {
        assert_eq!(data("data: a\ndata: b\ndata: c\n\n"), ["a\nb\nc"]);
    }

    #[test]
    fn the_event_name_is_read_wherever_it_stands() {
        let frames = read(&[b"data: 1\nevent: ping\n\nevent: x\ndata: 2\n\n"]);
        assert_eq!(frames, [("ping".into(), b"1".to_vec()), ("x".into(), b"2".to_vec())]);
    }

    #[test]
    fn a_last_event_without_its_blank_line_is_handed_out() {
        assert_eq!(data("data: a\n\ndata: [DONE]"), ["a", "[DONE]"]);
    }

    #[test]
    fn a_stream_is_the_same_wherever_it_is_split() {
        let stream = "\u{feff}event: a\r\ndata: {\"t\":\"né\"}\r\n\r\n: ping\n\ndata: 日本\ndata: 語\n\ndata: x\r\rdata:y\r\n\r\n";
        let whole = read(&[stream.as_bytes()]);
        assert_eq!(whole.len(), 4);
        let bytes = stream.as_bytes();
        for first in 0..bytes.len() {
            for second in first..bytes.len() {
                let chunks = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read(&chunks), whole, "split at {first} and {second}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single), whole);
    }

    #[test]
    fn invalid_utf8_passes_through() {
        assert_eq!(read(&[b"data: \xff\xfe\n\n"]), [(String::new(), b"\xff\xfe".to_vec())]);
    }

    #[test]
    fn raw_bytes_are_complete_unless_a_line_feed_was_split_off() {
        let stream = b": hi\n\ndata: a\r\n\r\ndata: b\n\n";
        let mut framer = SseFramer::default();
        let mut raw = Vec::new();
        framer
            .push(stream, &mut |frame| {
                raw.extend_from_slice(frame.bytes);
                Ok(())
            })
            .unwrap();
        assert_eq!(raw, stream);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut framer = SseFramer::default();
        let chunk = vec![b'x'; 1 << 20];
        let result = (0..20).try_for_each(|_| framer.push(&chunk, &mut |_| Ok(())));
        assert!(matches!(result, Err(StreamFault::Malformed(_))));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same_frames(
            bytes in proptest::collection::vec(proptest::sample::select(&b"da: \n\rtex{}\xEF\xBB\xBF"[..]), 0..200),
            cuts in proptest::collection::vec(0_usize..200, 0..8),
        ) {
            let whole = read(&[&bytes]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts {
                chunks.push(&bytes[from..cut]);
                from = cut;
            }
            chunks.push(&bytes[from..]);
            proptest::prop_assert_eq!(read(&chunks), whole);
        }
    }
}
