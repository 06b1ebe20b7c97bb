//! The part of HTTP/1.1 both sides of a benchmark need: reading one message after another, at little cost.
//!
//! The same reader serves the load generator (answers) and the fake provider (requests). It keeps no body: whoever
//! reads gets the body's bytes as they come.

use anyhow::{Context, bail, ensure};

/// A head longer than this is refused.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Which side sent the messages: they differ in what a head without a length means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Without a length there is no body.
    Request,
    /// Without a length the body lasts until the connection closes.
    Response,
}

/// What a head says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The request line or the status line.
    pub(crate) start: String,
    /// The other side closes the connection after this message.
    pub(crate) close: bool,
    /// Why a smart router of the relay chose as it did.
    pub(crate) cause: Option<String>,
}

impl Head {
    /// The status of an answer.
    pub(crate) fn status(&self) -> Option<u16> {
        self.start.split(' ').nth(1)?.parse().ok()
    }

    /// The path of a request, without its query.
    pub(crate) fn path(&self) -> &str {
        let target = self.start.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default()
    }
}

/// Where a message stands after some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More bytes are needed.
    Pending,
    /// The message ended after this many of the bytes.
    Complete(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Length(usize),
    ChunkSize,
    ChunkData(usize),
    /// The line end behind a chunk's data.
    ChunkEnd,
    /// Trailers, up to an empty line.
    Trailer,
    UntilClose,
}

/// Reads messages off one connection.
#[derive(Debug)]
pub(crate) struct Reader {
    side: Side,
    state: State,
    /// What came of a head or of a line within the framing; empty between them.
    partial: Vec<u8>,
    head: Head,
}

impl Reader {
    pub(crate) fn new(side: Side) -> Self {
        Self { side, state: State::Head, partial: Vec::new(), head: Head::default() }
    }

    /// The head of the message being read, once the head is complete; else that of the one before.
    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// Whether the end of the connection is a proper end of the message.
    pub(crate) fn may_end_here(&self) -> bool {
        self.state == State::UntilClose
    }

    /// Takes bytes up to the end of the message, and hands its body to `body` as it comes.
    pub(crate) fn push(&mut self, input: &[u8], mut body: impl FnMut(&[u8])) -> anyhow::Result<Progress> {
        let mut at = 0;
        loop {
            let rest = &input[at..];
            match self.state {
                State::Head => match self.take_head(rest)? {
                    Some((taken, state)) => {
                        at += taken;
                        match state {
                            Some(state) => self.state = state,
                            None => return Ok(Progress::Complete(at)),
                        }
                    }
                    None => return Ok(Progress::Pending),
                },
                State::Length(left) | State::ChunkData(left) => {
                    let now = left.min(rest.len());
                    if now > 0 {
                        body(&rest[..now]);
                    }
                    at += now;
                    let chunked = matches!(self.state, State::ChunkData(_));
                    match (left - now, chunked) {
                        (0, true) => self.state = State::ChunkEnd,
                        (0, false) => {
                            self.state = State::Head;
                            return Ok(Progress::Complete(at));
                        }
                        (left, _) => {
                            self.state = if chunked { State::ChunkData(left) } else { State::Length(left) };
                            return Ok(Progress::Pending);
                        }
                    }
                }
                State::ChunkSize | State::ChunkEnd | State::Trailer => {
                    let Some(end) = memchr::memchr(b'\n', rest) else {
                        self.partial.extend_from_slice(rest);
                        ensure!(self.partial.len() <= MAX_HEAD_BYTES, "a line of the chunked framing never ends");
                        return Ok(Progress::Pending);
                    };
                    at += end + 1;
                    let complete = self.state == State::Trailer;
                    self.partial.extend_from_slice(&rest[..end]);
                    let line = self.partial.trim_ascii();
                    self.state = match self.state {
                        State::ChunkSize => match chunk_size(line)? {
                            0 => State::Trailer,
                            size => State::ChunkData(size),
                        },
                        State::ChunkEnd => {
                            ensure!(line.is_empty(), "a chunk is longer than its size");
                            State::ChunkSize
                        }
                        _ if line.is_empty() => State::Head,
                        _ => State::Trailer,
                    };
                    self.partial.clear();
                    if complete && self.state == State::Head {
                        return Ok(Progress::Complete(at));
                    }
                }
                State::UntilClose => {
                    if !rest.is_empty() {
                        body(rest);
                    }
                    return Ok(Progress::Pending);
                }
            }
        }
    }

    /// The bytes a complete head took, and how its body is framed (`None`: there is none).
    fn take_head(&mut self, input: &[u8]) -> anyhow::Result<Option<(usize, Option<State>)>> {
        let before = self.partial.len();
        self.partial.extend_from_slice(input);
        // The mark may have begun in the bytes before.
        let from = before.saturating_sub(3);
        let Some(end) = memchr::memmem::find(&self.partial[from..], b"\r\n\r\n").map(|found| from + found + 4) else {
            ensure!(self.partial.len() <= MAX_HEAD_BYTES, "a head never ends");
            return Ok(None);
        };
        let text = std::str::from_utf8(&self.partial[..end]).context("a head is not text")?;
        let (head, state) = parse_head(text, self.side)?;
        self.head = head;
        self.partial.clear();
        Ok(Some((end - before, state)))
    }
}

fn parse_head(text: &str, side: Side) -> anyhow::Result<(Head, Option<State>)> {
    let mut lines = text.lines();
    let mut head = Head { start: lines.next().unwrap_or_default().to_owned(), ..Head::default() };
    let (mut length, mut chunked) = (None, false);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.parse::<usize>().with_context(|| format!("content-length is `{value}`"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("connection") {
            head.close = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("x-llm-relay-router-cause") {
            head.cause = Some(value.to_owned());
        }
    }
    let state = match (chunked, length, side) {
        (true, _, _) => Some(State::ChunkSize),
        (false, Some(0), _) | (false, None, Side::Request) => None,
        (false, Some(length), _) => Some(State::Length(length)),
        (false, None, Side::Response) => Some(State::UntilClose),
    };
    Ok((head, state))
}

fn chunk_size(line: &[u8]) -> anyhow::Result<usize> {
    let line = std::str::from_utf8(line).unwrap_or_default();
    let digits = line.split(';').next().unwrap_or_default().trim();
    match usize::from_str_radix(digits, 16) {
        Ok(size) => Ok(size),
        Err(_) => bail!("`{line}` is not the size of a chunk"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nA: b\r\n\r\n";
    const SIZED: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 11\r\nConnection: close\r\n\r\nhello world";

    /// Reads a message that arrives in the given pieces; the body, and how many bytes were left over.
    fn read(side: Side, pieces: &[&[u8]]) -> (Head, Vec<u8>, Option<usize>) {
        let mut reader = Reader::new(side);
        let mut body = Vec::new();
        let mut left = None;
        for piece in pieces {
            if let Progress::Complete(taken) = reader.push(piece, |bytes| body.extend_from_slice(bytes)).unwrap() {
                left = Some(piece.len() - taken);
            }
        }
        (reader.head().clone(), body, left)
    }

    #[test]
    fn a_message_split_at_every_byte_reads_the_same() {
        for message in [CHUNKED, SIZED] {
            let whole = read(Side::Response, &[message]);
            assert_eq!(whole.1, b"hello world");
            assert_eq!(whole.2, Some(0));
            for at in 1..message.len() {
                let (first, second) = message.split_at(at);
                assert_eq!(read(Side::Response, &[first, second]), whole, "split at {at}");
            }
            let bytes: Vec<&[u8]> = message.chunks(1).collect();
            assert_eq!(read(Side::Response, &bytes), whole);
        }
    }

    #[test]
    fn bytes_of_the_next_message_are_left() {
        let two = [SIZED, CHUNKED].concat();
        let mut reader = Reader::new(Side::Response);
        assert_eq!(reader.push(&two, |_| {}).unwrap(), Progress::Complete(SIZED.len()));
        assert_eq!(reader.head().status(), Some(404));
        assert!(reader.head().close);
        assert_eq!(reader.push(&two[SIZED.len()..], |_| {}).unwrap(), Progress::Complete(CHUNKED.len()));
        assert_eq!(reader.head().status(), Some(200));
        assert!(!reader.head().close);
    }

    #[test]
    fn a_routers_cause_is_known_until_the_next_head() {
        let mut reader = Reader::new(Side::Response);
        reader.push(b"HTTP/1.1 200 OK\r\nX-LLM-Relay-Router-Cause: pin\r\ncontent-length: 0\r\n\r\n", |_| {}).unwrap();
        assert_eq!(reader.head().cause.as_deref(), Some("pin"));
        reader.push(SIZED, |_| {}).unwrap();
        assert_eq!(reader.head().cause, None);
    }

    #[test]
    fn a_missing_length_means_no_body_in_a_request_and_the_rest_in_an_answer() {
        let (head, body, left) = read(Side::Request, &[b"GET /v1/models?a=b HTTP/1.1\r\n\r\n"]);
        assert_eq!((head.path(), body.len(), left), ("/v1/models", 0, Some(0)));
        let mut reader = Reader::new(Side::Response);
        assert_eq!(reader.push(b"HTTP/1.1 200 OK\r\n\r\nabc", |_| {}).unwrap(), Progress::Pending);
        assert!(reader.may_end_here());
    }

    #[test]
    fn broken_framing_is_an_error() {
        let mut reader = Reader::new(Side::Response);
        assert!(reader.push(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", |_| {}).is_err());
        let mut reader = Reader::new(Side::Response);
        assert!(reader.push(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n", |_| {}).is_err());
    }
}
