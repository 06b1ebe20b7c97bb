//! Counting the events of a stream, and finding the times in them.

use crate::script::read_stamp;

/// How events are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A whole answer: there are none.
    None,
    /// Server-sent events: an empty line ends one; comments are none.
    Sse,
    /// One JSON value per line.
    Lines,
}

/// Counts events in a body that comes in pieces.
#[derive(Debug)]
pub(super) struct Counter {
    framing: Framing,
    n_events: usize,
    /// What the line so far begins with; `None`: nothing came of it yet (a carriage return does not count).
    line_start: Option<u8>,
    /// A line that is no comment came since the last event.
    has_data: bool,
}

impl Counter {
    pub(super) fn new(framing: Framing) -> Self {
        Self { framing, n_events: 0, line_start: None, has_data: false }
    }

    pub(super) fn n_events(&self) -> usize {
        self.n_events
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.framing == Framing::None {
            return;
        }
        let mut from = 0;
        for at in memchr::memchr_iter(b'\n', bytes) {
            self.extend_line(&bytes[from..at]);
            self.end_line();
            from = at + 1;
        }
        self.extend_line(&bytes[from..]);
    }

    fn extend_line(&mut self, part: &[u8]) {
        if self.line_start.is_none() {
            self.line_start = part.first().copied().filter(|byte| *byte != b'\r');
        }
    }

    fn end_line(&mut self) {
        let line_start = self.line_start.take();
        match (self.framing, line_start) {
            (Framing::Sse, None) => self.n_events += usize::from(std::mem::take(&mut self.has_data)),
            (Framing::Sse, Some(first)) => self.has_data |= first != b':',
            (Framing::Lines, Some(_)) => self.n_events += 1,
            (Framing::Lines | Framing::None, _) => {}
        }
    }
}

/// The times in a piece of a body. One that lies across two pieces is left out; at a pace every event is its own piece.
pub(super) fn stamps(bytes: &[u8]) -> impl Iterator<Item = u64> {
    memchr::memchr_iter(b'@', bytes).filter_map(|at| read_stamp(&bytes[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(framing: Framing, pieces: &[&[u8]]) -> usize {
        let mut counter = Counter::new(framing);
        pieces.iter().for_each(|piece| counter.push(piece));
        counter.n_events()
    }

    #[test]
    fn events_split_at_every_byte_count_the_same() {
        let cases: [(Framing, &[u8], usize); 4] = [
            (Framing::Sse, b"data: a\n\n: comment\n\nevent: b\ndata: c\n\ndata: [DONE]\n\n", 3),
            (Framing::Sse, b"data: a\r\n\r\ndata: b\r\n\r\n", 2),
            (Framing::Lines, b"{\"a\":1}\n{\"b\":2}\n", 2),
            (Framing::None, b"{\"a\":\n\n1}", 0),
        ];
        for (framing, body, expected) in cases {
            assert_eq!(count(framing, &[body]), expected);
            for at in 0..=body.len() {
                let (first, second) = body.split_at(at);
                assert_eq!(count(framing, &[first, second]), expected, "{framing:?} split at {at}");
            }
        }
    }

    #[test]
    fn an_event_without_its_end_does_not_count() {
        assert_eq!(count(Framing::Sse, &[b"data: a\n\ndata: b\n"]), 1);
        assert_eq!(count(Framing::Lines, &[b"{}\n{"]), 1);
    }

    #[test]
    fn times_are_found_in_events() {
        let text =
            format!("data: {{\"content\":\" {}x\"}}\n\n a@b {}", crate::script::stamp(7), crate::script::stamp(9));
        assert_eq!(stamps(text.as_bytes()).collect::<Vec<_>>(), [7, 9]);
    }
}
