//! A provider to play against: the four wire formats on a real socket, with answers that can be scripted, paced,
//! cut, stalled and garbled.
//!
//! Start at [`FakeUpstream`] and [`Answer`]. It writes HTTP by hand on a thread of its own, because no server library
//! lets go of a connection in the middle of a chunk.

mod answer;
mod anthropic;
mod format;
mod gemini;
mod models;
mod ollama;
mod openai;
mod play;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use answer::{Answer, Fault, Gate};
pub(crate) use format::Format;

use super::wire::{Chunk, Framing, Head, Headers, header};
use super::{Client, wait_until};
use answer::{Says, Spoken};
use models::OllamaModels;
use play::{End, play};

/// A fake provider on a loopback port. Dropping it closes the port and every connection.
#[derive(Debug)]
pub(crate) struct FakeUpstream {
    format: Format,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    gone: Receiver<Instant>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Headers,
    /// Null when it is not JSON.
    pub(crate) body: Value,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Answer>,
    standing: Answer,
    models: OllamaModels,
    requests: Vec<Recorded>,
}

impl FakeUpstream {
    /// Speaks OpenAI.
    pub(crate) fn openai() -> Self {
        Self::start(Format::OpenAi)
    }

    /// Speaks Ollama.
    pub(crate) fn ollama() -> Self {
        Self::start(Format::Ollama)
    }

    /// Speaks this format, and says `Hello there, friend.` until told otherwise.
    pub(crate) fn start(format: Format) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        listener.set_nonblocking(true).expect("sockets can be non-blocking");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(Mutex::new(State {
            queue: VecDeque::new(),
            standing: Answer::text("Hello there, friend."),
            models: OllamaModels::default(),
            requests: Vec::new(),
        }));
        let (report_gone, gone) = mpsc::channel();
        let stop = CancellationToken::new();
        let serving = serve(listener, format, Arc::clone(&state), report_gone, stop.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let thread = std::thread::spawn(move || runtime.block_on(serving));
        Self { format, address, state, gone, stop, thread: Some(thread) }
    }

    /// Gives this answer to every request from now on.
    pub(crate) fn answer(self, answer: Answer) -> Self {
        self.state().standing = answer;
        self
    }

    /// Gives these answers to the next requests, before the standing one.
    pub(crate) fn then(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state().queue.extend(answers);
    }

    /// Speaks to it directly.
    pub(crate) fn client(&self) -> Client {
        Client { address: self.address }
    }

    /// Its entry under `providers:` in `relay.yaml`.
    pub(crate) fn provider_yaml(&self) -> String {
        let name = self.format.name();
        let base = self.format.base_path();
        // Ollama needs no key; the others would count as not configured without one.
        let key = if self.format == Format::Ollama { "" } else { ", api_key: \"test-key\"" };
        format!("  {name}: {{ protocol: {name}, base_url: \"http://{}{base}\"{key} }}\n", self.address)
    }

    /// The requests that asked for text or embeddings; the relay's own questions about models are left out.
    pub(crate) fn calls(&self) -> Vec<Recorded> {
        self.state().requests.iter().filter(|request| request.is_call()).cloned().collect()
    }

    /// The only call so far.
    pub(crate) fn only_call(&self) -> Recorded {
        let mut calls = self.calls();
        assert_eq!(calls.len(), 1, "one call is expected, these came: {calls:#?}");
        calls.remove(0)
    }

    /// Waits until so many calls have come.
    pub(crate) fn wait_for_calls(&self, count: usize) {
        wait_until(&format!("{count} calls arrive upstream"), || self.calls().len() >= count);
    }

    /// When the relay closed a connection whose answer was not complete; `None` when it does not within `patience`.
    pub(crate) fn closed_mid_answer(&self, patience: Duration) -> Option<Instant> {
        self.gone.recv_timeout(patience).ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the state is not poisoned")
    }
}

impl Drop for FakeUpstream {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic in there was printed already, and the test that caused it fails on its own.
            let _ = thread.join();
        }
    }
}

impl Recorded {
    /// The value of a header, asked for in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    fn is_call(&self) -> bool {
        const CALLS: [&str; 7] =
            ["completions", "embeddings", "messages", "Content", "Contents", "/api/chat", "/api/generate"];
        self.method == "POST" && (CALLS.iter().any(|call| self.path.ends_with(call)) || self.path == "/api/embed")
    }
}

async fn serve(
    listener: std::net::TcpListener,
    format: Format,
    state: Arc<Mutex<State>>,
    gone: Sender<Instant>,
    stop: CancellationToken,
) {
    let listener = TcpListener::from_std(listener).expect("the socket is non-blocking");
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("connections can be accepted");
                connections.spawn(converse(stream, format, Arc::clone(&state), gone.clone()));
            }
            // Ended connections are collected, so that a long test does not pile them up.
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, request after request. I/O errors end it: the peer is gone.
async fn converse(mut stream: TcpStream, format: Format, state: Arc<Mutex<State>>, gone: Sender<Instant>) {
    // Pieces must leave as they are written, or the pace the test asked for is lost.
    stream.set_nodelay(true).expect("a fresh socket takes options");
    let mut buffer = Vec::new();
    while let Ok(Some(request)) = read_request(&mut stream, &mut buffer).await {
        let (answer, outcome) = {
            let mut state = state.lock().expect("the state is not poisoned");
            let is_call = request.is_call();
            state.requests.push(request.clone());
            let scripted = if is_call { state.queue.pop_front() } else { None };
            let answer = scripted.unwrap_or_else(|| state.standing.clone());
            let spoken = match &answer.says {
                Says::Spoken(spoken) => spoken.clone(),
                Says::Response(_) => Spoken::default(),
            };
            let outcome = format.outcome(&request, &spoken, &mut state.models);
            (answer, outcome)
        };
        match play(&mut stream, &answer, outcome).await {
            Ok(End::KeepAlive) => {}
            Ok(End::Close) => return,
            Ok(End::Reset) => {
                stream.set_zero_linger().expect("an open socket takes options");
                return;
            }
            Ok(End::PeerClosed) | Err(_) => {
                // Nobody listens when the test does not care.
                let _ = gone.send(Instant::now());
                return;
            }
        }
    }
}

/// The next request; `None` when the peer has no more.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Recorded>> {
    let (head, start) = loop {
        if let Some(found) = Head::split(buffer) {
            break found;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    buffer.drain(..start);
    let length = header(&head.headers, "content-length").and_then(|length| length.parse().ok());
    let framing = match length {
        Some(length) => Framing::Length(length),
        None if header(&head.headers, "transfer-encoding").is_some() => Framing::Chunked,
        None => Framing::Length(0),
    };
    let body = read_body(stream, buffer, framing).await?;
    let mut words = head.start_line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(Some(Recorded {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }))
}

async fn read_body(stream: &mut TcpStream, buffer: &mut Vec<u8>, framing: Framing) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        match framing {
            Framing::Length(length) if buffer.len() >= length => return Ok(buffer.drain(..length).collect()),
            Framing::Chunked => match Chunk::read(buffer) {
                Chunk::Data(data, used) => {
                    buffer.drain(..used);
                    body.extend(data);
                    continue;
                }
                Chunk::Last(used) => {
                    buffer.drain(..used);
                    return Ok(body);
                }
                Chunk::Incomplete => {}
            },
            Framing::Length(_) | Framing::UntilClose => {}
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
