//! A blocking client: ordinary requests in one line, odd ones byte by byte.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::wire::{Chunk, Framing, Head, Headers, header};

/// No test waits longer than this for bytes; a hanging relay becomes a failing test.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends requests to one address, each on a connection of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    /// The body ended as its framing said; `false`: the connection was cut before.
    pub(crate) complete: bool,
}

impl Client {
    /// GET without headers.
    pub(crate) fn get(self, path: &str) -> Reply {
        self.request("GET", path, &[], b"")
    }

    /// POST of a JSON body.
    pub(crate) fn post(self, path: &str, body: &Value) -> Reply {
        self.post_with(path, &[], body)
    }

    /// POST of a JSON body with more headers.
    pub(crate) fn post_with(self, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        self.request("POST", path, headers, body.to_string().as_bytes())
    }

    /// Any request; panics when no answer comes.
    pub(crate) fn request(self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.attempt(method, path, headers, body).expect("the relay answers")
    }

    /// Any request; an error when the connection ends before the answer's head.
    pub(crate) fn attempt(self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
        Ok(self.open(method, path, headers, body)?.finish())
    }

    /// POST of a JSON body whose answer is read piece by piece.
    pub(crate) fn stream(self, path: &str, body: &Value) -> Answering {
        self.open("POST", path, &[], body.to_string().as_bytes()).expect("the relay answers")
    }

    /// Any request whose answer is read piece by piece.
    pub(crate) fn open_stream(self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answering {
        self.open(method, path, headers, body).expect("the relay answers")
    }

    /// Sends the request and waits for the answer's head.
    fn open(self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answering> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str(&format!("host: {}\r\n", self.address));
        }
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut connection = Connection::open(self.address)?;
        connection.send(&[head.as_bytes(), body].concat())?;
        connection.answer(method == "HEAD")
    }
}

/// A connection for requests no library would send.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends these bytes and nothing else.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Waits for the peer to close, whatever it says before. `false` when it stays silent too long.
    pub(crate) fn is_closed_by_peer(&mut self) -> bool {
        loop {
            match self.fill() {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return !is_timeout(&error),
            }
        }
    }

    /// Waits for an answer's head. `bodiless`: the request was a HEAD.
    pub(crate) fn answer(mut self, bodiless: bool) -> io::Result<Answering> {
        loop {
            if let Some((head, end)) = Head::split(&self.buffer) {
                self.buffer.drain(..end);
                let status = head.start_line.split(' ').nth(1).and_then(|word| word.parse().ok());
                let status = status.ok_or(io::ErrorKind::InvalidData)?;
                let framing = match header(&head.headers, "content-length") {
                    _ if bodiless || status == 204 || status == 304 => Framing::Length(0),
                    Some(length) => Framing::Length(length.parse().map_err(|_| io::ErrorKind::InvalidData)?),
                    None if header(&head.headers, "transfer-encoding") == Some("chunked") => Framing::Chunked,
                    None => Framing::UntilClose,
                };
                return Ok(Answering { connection: self, status, headers: head.headers, framing, complete: None });
            }
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 16 * 1024];
        let read = self.stream.read(&mut bytes)?;
        self.buffer.extend_from_slice(&bytes[..read]);
        Ok(read)
    }
}

/// An answer whose head has come. Dropping it closes the connection: the client has gone away.
#[derive(Debug)]
pub(crate) struct Answering {
    connection: Connection,
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    framing: Framing,
    complete: Option<bool>,
}

impl Answering {
    /// The next piece of the body, as soon as it is there; `None` at its end, whether proper or not.
    pub(crate) fn next_piece(&mut self) -> Option<Vec<u8>> {
        while self.complete.is_none() {
            let buffer = &mut self.connection.buffer;
            match self.framing {
                Framing::Length(0) => self.complete = Some(true),
                Framing::Length(left) if !buffer.is_empty() => {
                    let piece: Vec<u8> = buffer.drain(..left.min(buffer.len())).collect();
                    self.framing = Framing::Length(left - piece.len());
                    return Some(piece);
                }
                Framing::UntilClose if !buffer.is_empty() => return Some(std::mem::take(buffer)),
                Framing::Chunked => match Chunk::read(buffer) {
                    Chunk::Data(piece, used) => {
                        buffer.drain(..used);
                        return Some(piece);
                    }
                    Chunk::Last(_) => self.complete = Some(true),
                    Chunk::Incomplete => self.read_more(),
                },
                Framing::Length(_) | Framing::UntilClose => self.read_more(),
            }
        }
        None
    }

    fn read_more(&mut self) {
        match self.connection.fill() {
            Ok(0) => self.complete = Some(matches!(self.framing, Framing::UntilClose)),
            Ok(_) => {}
            Err(error) if is_timeout(&error) => {
                panic!("the relay sent nothing for {PATIENCE:?}")
            }
            Err(_) => self.complete = Some(false),
        }
    }

    /// Reads until `text` was seen in what came; `false` when the body ended before.
    pub(crate) fn read_until(&mut self, text: &str) -> bool {
        let mut seen = String::new();
        while !seen.contains(text) {
            let Some(piece) = self.next_piece() else { return false };
            seen.push_str(&String::from_utf8_lossy(&piece));
        }
        true
    }

    /// Reads to the end.
    pub(crate) fn finish(mut self) -> Reply {
        let mut body = Vec::new();
        while let Some(piece) = self.next_piece() {
            body.extend(piece);
        }
        let complete = self.complete == Some(true);
        Reply { status: self.status, headers: self.headers, body, complete }
    }

    /// Goes away in the middle of the answer.
    pub(crate) fn abandon(self) {
        // The error of a connection that is gone already is the state we want.
        let _ = self.connection.stream.shutdown(Shutdown::Both);
    }
}

impl Reply {
    /// The value of a header, asked for in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is UTF-8")
    }

    /// The body as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in a body of status {}: {}", self.status, self.text()))
    }

    /// The body as NDJSON: every line must be a JSON value, as strict clients demand.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = self.text();
        let text = text.strip_suffix('\n').unwrap_or(&text);
        text.split('\n')
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in line {line:?}")))
            .collect()
    }

    /// The `data` of every server-sent event, in order. All three line ends of the standard are understood.
    pub(crate) fn events(&self) -> Vec<String> {
        let text = self.text();
        let lines = text.split(['\r', '\n']);
        lines.filter_map(|line| line.strip_prefix("data:")).map(|data| data.trim().to_owned()).collect()
    }

    /// The events that are JSON, which leaves out `[DONE]`.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let events = self.events();
        let chunks = events.iter().filter(|data| *data != "[DONE]");
        chunks.map(|data| serde_json::from_str(data).expect("an event is JSON")).collect()
    }
}

/// A read timeout, which systems report in two ways.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
