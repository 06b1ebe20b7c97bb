//! What providers, and proxies on the way to them, see of the relay's connections.
//!
//! Both sides are played by hand, in turns: the client asks on a thread of its own, the test is the server.

mod compressed;
mod proxies;
mod reuse;

use std::thread::JoinHandle;

use serde_json::json;

use crate::support::{Accepted, Client, Face, Format, ManualServer, Reply, Setup, TestRelay};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// A relay whose only provider is at this address. Its models are listed, so nobody asks for them in between.
fn setup(base_url: &str) -> Setup {
    let model = Format::OpenAi.model().trim_start_matches("openai/");
    TestRelay::setup().relay_yaml(&format!(
        "providers:\n  openai: {{ protocol: openai, base_url: \"{base_url}\", api_key: test-key, models: [{model}] }}\n"
    ))
}

/// A relay in front of this server.
fn in_front_of(server: &ManualServer) -> TestRelay {
    setup(&format!("http://{}/v1", server.address())).start()
}

/// Asks in the background.
fn ask(client: Client, face: Face, stream: bool) -> Asking {
    let body = face.ask(Format::OpenAi.model(), "hi", stream);
    Asking(std::thread::spawn(move || client.post(face.path(), &body)))
}

/// A question under way.
struct Asking(JoinHandle<Reply>);

impl Asking {
    /// What the client got, when all of it is there.
    fn reply(self) -> Reply {
        self.0.join().expect("the client gets an answer")
    }
}

/// The head of a 200 with these header lines.
fn head(content_type: &str, more: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{more}\r\n")
}

/// A whole answer that says this.
fn whole(text: &str) -> String {
    let message = json!({ "role": "assistant", "content": text });
    json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-fake",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": message }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
    })
    .to_string()
}

/// A whole answer with its length.
fn with_length(body: &str) -> String {
    format!("{}{body}", head(JSON, &format!("content-length: {}\r\n", body.len())))
}

/// An event of a stream that says this.
fn event(text: &str) -> String {
    chunk_of(&json!({ "index": 0, "delta": { "content": text }, "finish_reason": null }))
}

/// The events that end a stream.
fn last_events() -> String {
    format!("{}data: [DONE]\n\n", chunk_of(&json!({ "index": 0, "delta": {}, "finish_reason": "stop" })))
}

fn chunk_of(choice: &serde_json::Value) -> String {
    let chunk = json!({
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-fake", "choices": [choice],
    });
    format!("data: {chunk}\n\n")
}

/// A piece of a chunked body.
fn chunked(data: impl AsRef<[u8]>) -> Vec<u8> {
    let data = data.as_ref();
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// What ends a chunked body.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Answers the next request on this connection, and checks what came of it.
fn serve(connection: &mut Accepted, asking: Asking, face: Face, answer: &[u8], text: &str) {
    let body = String::from_utf8(connection.request().body).expect("requests are text");
    assert!(body.contains("\"hi\""), "the question arrives whole: {body}");
    connection.send(answer);
    assert_says(face, &asking.reply(), text);
}

fn assert_says(face: Face, reply: &Reply, text: &str) {
    assert_eq!(reply.status, 200, "{face:?}: {}", reply.text());
    assert_eq!(face.text(reply), text, "{face:?}: {}", reply.text());
    assert!(reply.complete && face.end(reply).is_some(), "{face:?}: {}", reply.text());
}

/// A 502 in the client's own protocol; its message.
fn assert_bad_gateway(face: Face, reply: &Reply) -> String {
    assert_eq!(reply.status, 502, "{face:?}: {}", reply.text());
    face.error(reply).unwrap_or_else(|| panic!("{face:?}: not the protocol's own error: {}", reply.text()))
}
