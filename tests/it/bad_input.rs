//! Input no client should send gets the right status, costs little memory, and harms nobody else.

use std::io::ErrorKind;

use serde_json::json;

use crate::support::{Connection, Face, FakeUpstream, Format, TestRelay, raise_open_files, skip_aloud};

/// More than any of this may take: an unoptimised binary, five thousand connections, and room to breathe.
const MEMORY_KIB: u64 = 256 * 1024;

fn relay() -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::openai();
    let relay = TestRelay::in_front_of(&[&upstream]);
    (upstream, relay)
}

/// The relay is well: it answers and has not grown.
fn assert_well(relay: &TestRelay) {
    let health = relay.client().get("/health");
    assert_eq!((health.status, health.json()), (200, json!({ "status": "ok" })));
    let memory = relay.resident_kib();
    assert!(memory < MEMORY_KIB, "{memory} KiB resident");
}

#[test]
fn what_is_not_a_request_is_a_400_in_the_clients_protocol() {
    let (upstream, relay) = relay();
    let model = Format::OpenAi.model();
    let deep = format!(r#"{{"model":"{model}","messages":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [(&str, Vec<u8>); 10] = [
        ("cut off", b"{\"model\":".to_vec()),
        ("not JSON", b"model=gpt&messages=hi".to_vec()),
        ("a list", b"[]".to_vec()),
        ("a string", b"\"hi\"".to_vec()),
        ("no model", br#"{"messages":[{"role":"user","content":"hi"}]}"#.to_vec()),
        ("model is a number", br#"{"model":1,"messages":[{"role":"user","content":"hi"}]}"#.to_vec()),
        ("messages are a string", format!(r#"{{"model":"{model}","messages":"hi"}}"#).into_bytes()),
        ("a message is a number", format!(r#"{{"model":"{model}","messages":[1]}}"#).into_bytes()),
        ("nested 10,000 deep", deep.into_bytes()),
        (
            "not UTF-8",
            [br#"{"model":"openai/gpt-fake","messages":[{"role":"user","content":""#, &b"\xff\xfe"[..], b"\"}]}"]
                .concat(),
        ),
    ];
    for face in Face::ALL {
        for (what, body) in &bodies {
            let reply = relay.client().request("POST", face.path(), &[], body);
            assert_eq!(reply.status, 400, "{face:?}, {what}: {}", reply.text());
            assert!(face.error(&reply).is_some(), "{face:?}, {what}: {}", reply.text());
        }
    }
    assert!(upstream.calls().is_empty(), "nonsense was sent on: {:#?}", upstream.calls());
    assert_well(&relay);
}

#[test]
fn a_body_of_100_megabytes_is_a_413() {
    const MEGABYTE: usize = 1024 * 1024;
    let (_upstream, relay) = relay();
    let piece = vec![b' '; MEGABYTE];
    for face in Face::ALL {
        for chunked in [false, true] {
            let mut connection = Connection::open(relay.client().address).expect("the relay listens");
            let framing = if chunked {
                "transfer-encoding: chunked".to_owned()
            } else {
                format!("content-length: {}", 100 * MEGABYTE)
            };
            let head = format!("POST {} HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n", face.path());
            connection.send(head.as_bytes()).expect("the relay reads heads");
            for _ in 0..100 {
                let sent = if chunked {
                    let size = format!("{MEGABYTE:x}\r\n");
                    connection.send(&[size.as_bytes(), &piece, b"\r\n"].concat())
                } else {
                    connection.send(&piece)
                };
                // The relay need not read what it has refused; its answer waits in the socket.
                if sent.is_err() {
                    break;
                }
            }
            let reply = connection.answer(false).expect("the refusal can be read").finish();
            assert_eq!(reply.status, 413, "{face:?}, chunked: {chunked}");
            assert!(face.error(&reply).is_some(), "{face:?}: {}", reply.text());
            assert_well(&relay);
        }
    }
}

/// RFC 9112 §6.1: a request with both framings is read by its chunks or refused, and the connection is closed either way,
/// because whoever stands between may have read it differently.
#[test]
fn both_framings_get_one_answer_and_a_closed_connection() {
    let (_upstream, relay) = relay();
    let body = Face::OpenAi.ask(Format::OpenAi.model(), "hi", false).to_string();
    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let (length, chunked) = (format!("content-length: {}", body.len()), "transfer-encoding: chunked");
    for headers in [format!("{length}\r\n{chunked}"), format!("{chunked}\r\n{length}")] {
        let mut connection = Connection::open(relay.client().address).expect("the relay listens");
        let head = format!("POST {} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n\r\n", Face::OpenAi.path());
        let smuggled = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
        connection.send([&head, &chunk, smuggled].concat().as_bytes()).expect("the relay reads");
        let reply = connection.answer(false).expect("the relay answers").finish();
        assert!(reply.status == 200 || reply.status == 400, "{headers}: {}", reply.text());
        assert_eq!(reply.header("connection"), Some("close"), "{headers}");
    }
    assert_well(&relay);
}

#[test]
fn contradicting_lengths_are_refused() {
    let (upstream, relay) = relay();
    let body = Face::OpenAi.ask(Format::OpenAi.model(), "hi", false).to_string();
    for (what, headers) in [
        ("two lengths", format!("content-length: {}\r\ncontent-length: 3", body.len())),
        ("a length that is no number", "content-length: many".to_owned()),
        ("a length below zero", "content-length: -1".to_owned()),
    ] {
        let mut connection = Connection::open(relay.client().address).expect("the relay listens");
        let head = format!("POST {} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n\r\n", Face::OpenAi.path());
        connection.send(&[head.as_bytes(), body.as_bytes()].concat()).expect("the relay reads");
        let reply = connection.answer(false).expect("the relay answers").finish();
        assert_eq!(reply.status, 400, "{what}: {}", reply.text());
    }
    assert!(upstream.calls().is_empty());
    assert_well(&relay);
}

#[test]
fn a_half_sent_head_is_given_up_after_the_header_timeout() {
    let upstream = FakeUpstream::openai();
    let relay = TestRelay::setup().upstreams(&[&upstream]).env("HEADER_TIMEOUT_SECONDS", "1").start();
    let mut connections: Vec<Connection> =
        ["", "P", "POST /api/chat HTTP/1.1\r\nhost:", "GET / HTTP/1.1\r\nhost: localhost\r\n"]
            .iter()
            .map(|part| {
                let mut connection = Connection::open(relay.client().address).expect("the relay listens");
                connection.send(part.as_bytes()).expect("the relay reads");
                connection
            })
            .collect();
    assert_well(&relay);
    for connection in &mut connections {
        assert!(connection.is_closed_by_peer());
    }
}

#[test]
fn a_head_without_end_is_refused() {
    let (_upstream, relay) = relay();
    let mut connection = Connection::open(relay.client().address).expect("the relay listens");
    connection.send(b"GET /health HTTP/1.1\r\nhost: localhost\r\n").expect("the relay reads");
    let line = format!("x-filler: {}\r\n", "a".repeat(1000));
    for _ in 0..2_000 {
        if connection.send(line.as_bytes()).is_err() {
            break;
        }
    }
    // Whether the answer survives the reset is up to the network; that there is an end to it is not.
    match connection.answer(false) {
        Ok(answering) => assert_eq!(answering.status, 431),
        Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock, "the relay still reads"),
    }
    assert_well(&relay);
}

#[test]
fn thousands_of_idle_connections_do_no_harm() {
    const WANTED: u64 = 5_000;
    const NEEDED: u64 = 1_000;
    // Descriptors for everything else this process has open: other tests run beside this one.
    const SPARE: u64 = 500;
    let (_upstream, relay) = relay();
    let limit = [std::process::id(), relay.process()].map(|process| raise_open_files(process, WANTED + SPARE));
    let possible = limit[0].min(limit[1]).saturating_sub(SPARE).min(WANTED);
    if possible < NEEDED {
        return skip_aloud(&format!("only {possible} connections can be opened (see `ulimit -n`)"));
    }
    let mut connections = Vec::new();
    for _ in 0..possible {
        connections.push(Connection::open(relay.client().address).expect("the relay accepts"));
    }
    assert_well(&relay);
    let reply = relay.client().post(Face::Ollama.path(), &Face::Ollama.ask(Format::OpenAi.model(), "hi", true));
    assert!(Face::Ollama.end(&reply).is_some(), "{}", reply.text());
}
