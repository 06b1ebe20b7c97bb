//! A server whose every byte is the test's: who connects is accepted by hand, read from and written to step by step.
//!
//! It can be a provider, a proxy, or one after the other on the same connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::wait_until;
use super::wire::{Head, Headers, header};

/// No test waits longer than this for bytes; a relay that sends none becomes a failing test.
const PATIENCE: Duration = Duration::from_secs(10);

/// A listening socket on a loopback port.
#[derive(Debug)]
pub(crate) struct ManualServer {
    listener: TcpListener,
}

/// A connection somebody made to a [`ManualServer`]. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Accepted {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A request as it was sent.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Method, target and version.
    pub(crate) line: String,
    headers: Headers,
    /// The body, as long as its `content-length`.
    pub(crate) body: Vec<u8>,
}

impl ManualServer {
    /// Listens; connections wait until they are accepted.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        listener.set_nonblocking(true).expect("sockets can be non-blocking");
        Self { listener }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound socket has an address")
    }

    /// Waits for the next connection.
    pub(crate) fn accept(&self) -> Accepted {
        let mut accepted = None;
        wait_until("somebody connects", || {
            accepted = self.waiting();
            accepted.is_some()
        });
        accepted.expect("somebody has connected")
    }

    /// A connection that was made already.
    pub(crate) fn waiting(&self) -> Option<Accepted> {
        match self.listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).expect("sockets can be blocking");
                stream.set_read_timeout(Some(PATIENCE)).expect("sockets take timeouts");
                stream.set_write_timeout(Some(PATIENCE)).expect("sockets take timeouts");
                stream.set_nodelay(true).expect("a fresh socket takes options");
                Some(Accepted { stream, buffer: Vec::new() })
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("connections can be accepted: {error}"),
        }
    }
}

impl Accepted {
    /// Waits for a request on this connection.
    pub(crate) fn request(&mut self) -> Asked {
        let (head, start) = loop {
            match Head::split(&self.buffer) {
                Some(found) => break found,
                None => self.read_more("a request"),
            }
        };
        self.buffer.drain(..start);
        let length = header(&head.headers, "content-length").map_or(0, |length| length.parse().expect("a length"));
        let body = self.bytes(length);
        Asked { line: head.start_line, headers: head.headers, body }
    }

    /// Waits for so many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            self.read_more("more bytes");
        }
        self.buffer.drain(..count).collect()
    }

    /// Sends these bytes.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the relay keeps its connection");
    }

    /// Sends these bytes as far as the peer wants them.
    pub(crate) fn offer(&mut self, bytes: &[u8]) {
        // A peer that has seen enough closes: that is what the test is about.
        let _ = self.stream.write_all(bytes);
    }

    fn read_more(&mut self, what: &str) {
        let mut bytes = [0; 16 * 1024];
        let read = self.stream.read(&mut bytes).unwrap_or_else(|error| panic!("{what} is expected here: {error}"));
        assert!(read > 0, "{what} is expected here, but the connection was closed");
        self.buffer.extend_from_slice(&bytes[..read]);
    }
}

impl Asked {
    /// The value of a header, asked for in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}
