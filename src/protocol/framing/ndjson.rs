//! Newline-delimited JSON, as Ollama streams it. Blank lines are tolerated and mean nothing.

use super::{Frame, MAX_FRAME_BYTES, RawFrame, StreamFault, too_long};

#[derive(Debug, Default)]
pub(super) struct NdjsonFramer {
    /// The beginning of a line whose end has not come.
    pending: Vec<u8>,
}

impl NdjsonFramer {
    pub(super) fn push(
        &mut self,
        mut chunk: &[u8],
        visit: &mut dyn FnMut(RawFrame<'_>) -> Result<(), StreamFault>,
    ) -> Result<(), StreamFault> {
        while let Some(at) = memchr::memchr(b'\n', chunk) {
            let (line, rest) = chunk.split_at(at + 1);
            chunk = rest;
            if self.pending.is_empty() {
                visit(raw(line))?;
            } else {
                self.pending.extend_from_slice(line);
                let line = std::mem::take(&mut self.pending);
                visit(raw(&line))?;
            }
        }
        if self.pending.len() + chunk.len() > MAX_FRAME_BYTES {
            return Err(too_long());
        }
        self.pending.extend_from_slice(chunk);
        Ok(())
    }

    pub(super) fn finish(
        &mut self,
        visit: &mut dyn FnMut(RawFrame<'_>) -> Result<(), StreamFault>,
    ) -> Result<(), StreamFault> {
        let line = std::mem::take(&mut self.pending);
        if line.is_empty() { Ok(()) } else { visit(raw(&line)) }
    }
}

fn raw(bytes: &[u8]) -> RawFrame<'_> {
    let data = bytes.trim_ascii();
    RawFrame { bytes, frame: (!data.is_empty()).then_some(Frame { event: b"", data }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut framer = NdjsonFramer::default();
        let mut lines = Vec::new();
        let mut visit = |raw: RawFrame<'_>| {
            lines.extend(raw.frame.map(|frame| frame.data.to_vec()));
            Ok(())
        };
        for chunk in chunks {
            framer.push(chunk, &mut visit).unwrap();
        }
        framer.finish(&mut visit).unwrap();
        lines
    }

    #[test]
    fn lines_are_the_same_wherever_the_stream_is_split() {
        let stream = "{\"a\":\"é\"}\r\n\n{\"b\":1}\n{\"c\":2}".as_bytes();
        let whole = split(&[stream]);
        assert_eq!(whole.len(), 3);
        for at in 0..stream.len() {
            assert_eq!(split(&[&stream[..at], &stream[at..]]), whole, "split at {at}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(split(&bytes), whole);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut framer = NdjsonFramer::default();
        let chunk = vec![b'x'; 1 << 20];
        let result = (0..20).try_for_each(|_| framer.push(&chunk, &mut |_| Ok(())));
        assert!(matches!(result, Err(StreamFault::Malformed(_))));
    }
}
