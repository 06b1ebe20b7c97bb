//! Which requests share a connection, and which never do.

use super::{
    EVENTS, JSON, LAST_CHUNK, ask, assert_bad_gateway, assert_says, chunked, event, head, in_front_of, last_events,
    serve, whole, with_length,
};
use crate::support::{Accepted, Face, ManualServer, TestRelay};

/// A relay that has had one answer, and its connection to the provider.
fn after_an_answer(server: &ManualServer) -> (TestRelay, Accepted) {
    let relay = in_front_of(server);
    let asking = ask(relay.client(), Face::OpenAi, false);
    let mut connection = server.accept();
    serve(&mut connection, asking, Face::OpenAi, with_length(&whole("first")).as_bytes(), "first");
    (relay, connection)
}

/// The next request opens a connection of its own and is answered there.
fn assert_served_anew(relay: &TestRelay, server: &ManualServer) {
    let asking = ask(relay.client(), Face::OpenAi, false);
    serve(&mut server.accept(), asking, Face::OpenAi, with_length(&whole("anew")).as_bytes(), "anew");
}

fn assert_one_connection(stream: bool, answer: &[u8]) {
    let server = ManualServer::start();
    let relay = in_front_of(&server);
    let mut connection = None;
    for face in [Face::OpenAi, Face::Ollama, Face::OpenAi] {
        let asking = ask(relay.client(), face, stream);
        serve(connection.get_or_insert_with(|| server.accept()), asking, face, answer, "hello");
    }
    assert!(server.waiting().is_none(), "another connection was opened");
}

#[test]
fn whole_answers_of_known_length_share_a_connection() {
    assert_one_connection(false, with_length(&whole("hello")).as_bytes());
}

#[test]
fn whole_answers_in_chunks_share_a_connection() {
    let body = whole("hello");
    let (left, right) = body.split_at(body.len() / 2);
    let head = head(JSON, "transfer-encoding: chunked\r\n");
    assert_one_connection(false, &[head.as_bytes(), &chunked(left), &chunked(right), LAST_CHUNK].concat());
}

#[test]
fn streams_share_a_connection() {
    let head = head(EVENTS, "transfer-encoding: chunked\r\n");
    let events = [chunked(event("hel")), chunked(event("lo")), chunked(last_events())].concat();
    assert_one_connection(true, &[head.as_bytes(), &events, LAST_CHUNK].concat());
}

/// Sends a stream but for the end of its HTTP message; the client has it complete.
fn stream_without_last_chunk(relay: &TestRelay, server: &ManualServer) -> Accepted {
    let asking = ask(relay.client(), Face::OpenAi, true);
    let mut connection = server.accept();
    let head = head(EVENTS, "transfer-encoding: chunked\r\n");
    let answer = [head.as_bytes(), &chunked(event("hello")), &chunked(last_events())].concat();
    serve(&mut connection, asking, Face::OpenAi, &answer, "hello");
    connection
}

#[test]
fn a_stream_whose_last_chunk_comes_late_leaves_its_connection_to_the_next_request() {
    let server = ManualServer::start();
    let relay = in_front_of(&server);
    let mut connection = stream_without_last_chunk(&relay, &server);
    connection.send(LAST_CHUNK);
    let asking = ask(relay.client(), Face::OpenAi, false);
    serve(&mut connection, asking, Face::OpenAi, with_length(&whole("next")).as_bytes(), "next");
    assert!(server.waiting().is_none(), "another connection was opened");
}

#[test]
fn a_stream_whose_last_chunk_never_comes_keeps_nobody_waiting() {
    let server = ManualServer::start();
    let relay = in_front_of(&server);
    let _connection = stream_without_last_chunk(&relay, &server);
    assert_served_anew(&relay, &server);
}

#[test]
fn a_connection_the_provider_has_closed_is_replaced() {
    let server = ManualServer::start();
    let (relay, connection) = after_an_answer(&server);
    drop(connection);
    assert_served_anew(&relay, &server);
}

#[test]
fn a_connection_the_provider_wants_closed_is_not_used_again() {
    let server = ManualServer::start();
    let relay = in_front_of(&server);
    let body = whole("last");
    let answer = format!("{}{body}", head(JSON, &format!("connection: close\r\ncontent-length: {}\r\n", body.len())));
    let asking = ask(relay.client(), Face::OpenAi, false);
    // Held open, so that it is the header that counts.
    let mut connection = server.accept();
    serve(&mut connection, asking, Face::OpenAi, answer.as_bytes(), "last");
    assert_served_anew(&relay, &server);
}

#[test]
fn an_answer_nobody_asked_for_reaches_nobody() {
    let server = ManualServer::start();
    let (relay, mut connection) = after_an_answer(&server);
    connection.send(with_length(&whole("for somebody else")));
    assert_served_anew(&relay, &server);
}

#[test]
fn a_request_the_provider_has_read_is_not_sent_again() {
    for face in Face::ALL {
        let server = ManualServer::start();
        let (relay, mut connection) = after_an_answer(&server);
        let asking = ask(relay.client(), face, false);
        connection.request();
        drop(connection);
        // It may have been carried out, and paid for.
        let message = assert_bad_gateway(face, &asking.reply());
        assert!(message.contains("openai"), "{message}");
        assert!(server.waiting().is_none(), "{face:?}: the request was sent twice");
        assert_served_anew(&relay, &server);
    }
}

#[test]
fn requests_at_the_same_time_have_connections_of_their_own_and_leave_them_to_the_next_ones() {
    let server = ManualServer::start();
    let relay = in_front_of(&server);
    let mut connections = Vec::new();
    for _ in 0..2 {
        let asking = [(); 3].map(|()| ask(relay.client(), Face::OpenAi, false));
        connections.resize_with(3, || server.accept());
        for connection in &mut connections {
            connection.request();
        }
        for connection in &mut connections {
            connection.send(with_length(&whole("at once")));
        }
        for asking in asking {
            assert_says(Face::OpenAi, &asking.reply(), "at once");
        }
    }
    assert!(server.waiting().is_none(), "another connection was opened");
}
