//! Whoever leaves early: the client, or the relay itself.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Answer, Connection, Face, FakeUpstream, Format, Gate, TestRelay, call_admin, wait_until};

/// The longest an upstream call may outlive its client.
const DROPPED_WITHIN: Duration = Duration::from_millis(100);

fn relay_for(format: Format, gate: &Gate) -> (FakeUpstream, TestRelay) {
    let upstream = FakeUpstream::start(format).answer(Answer::text("one two three four").paced_by(gate));
    let relay = TestRelay::in_front_of(&[&upstream]);
    (upstream, relay)
}

fn assert_closed_soon(upstream: &FakeUpstream, left: Instant, what: &str) {
    let closed = upstream.closed_mid_answer(Duration::from_secs(5)).expect("the upstream call is dropped");
    let after = closed.saturating_duration_since(left);
    assert!(after <= DROPPED_WITHIN, "{what}: upstream closed {after:?} after the client left");
}

#[test]
fn a_client_that_leaves_mid_stream_takes_the_upstream_call_with_it() {
    for format in Format::ALL {
        for face in Face::ALL {
            let gate = Gate::closed();
            let (upstream, relay) = relay_for(format, &gate);
            // The relay answers once there is something to pass on.
            gate.release(1);
            let mut answering = relay.client().stream(face.path(), &face.ask(format.model(), "hi", true));
            assert!(answering.read_until("one"), "{face:?} {format:?}");
            let left = Instant::now();
            answering.abandon();
            assert_closed_soon(&upstream, left, &format!("{face:?} {format:?}"));

            let report = relay.report("provider", 1);
            assert_eq!(report["total"]["requests"], 1, "{report}");
            assert_eq!(report["total"]["errors"], 1, "{report}");
            // Gemini counts as it goes, so what it said last is known; of the others' answer there is an estimate.
            let estimated = u64::from(format != Format::Gemini);
            assert_eq!(report["total"]["estimated_requests"], estimated, "{format:?}: {report}");
        }
    }
}

#[test]
fn a_silent_stream_is_kept_alive_where_the_protocol_has_a_way() {
    for format in Format::ALL {
        let gate = Gate::closed();
        let upstream = FakeUpstream::start(format).answer(Answer::text("one two").paced_by(&gate));
        let relay = TestRelay::setup().upstreams(&[&upstream]).env("KEEP_ALIVE_SECONDS", "0.2").start();
        gate.release(1);
        let mut answering = relay.client().stream(Face::OpenAi.path(), &Face::OpenAi.ask(format.model(), "hi", true));
        assert!(answering.read_until("one"), "{format:?}");
        assert!(answering.read_until(": keep-alive\n\n"), "{format:?}");
        gate.release(100);
        let reply = answering.finish();
        assert!(reply.complete && reply.text().contains("[DONE]"), "{format:?}: {}", reply.text());
    }
}

#[test]
fn a_client_that_leaves_before_the_answer_begins_takes_the_upstream_call_with_it() {
    let gate = Gate::closed();
    let (upstream, relay) = relay_for(Format::OpenAi, &gate);
    let body = Face::OpenAi.ask(Format::OpenAi.model(), "hi", false).to_string();
    let mut connection = Connection::open(relay.client().address).expect("the relay listens");
    let head =
        format!("POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", Face::OpenAi.path(), body.len());
    connection.send(&[head.as_bytes(), body.as_bytes()].concat()).expect("the relay reads");
    upstream.wait_for_calls(1);
    let left = Instant::now();
    drop(connection);
    assert_closed_soon(&upstream, left, "before the head");
    assert_eq!(relay.report("provider", 1)["total"]["errors"], 1);
}

#[test]
fn a_killed_relay_loses_no_completed_answer_and_counts_none_twice() {
    const REQUESTS: usize = 1000;
    const CLIENTS: usize = 8;
    let upstream = FakeUpstream::openai();
    let mut relay = TestRelay::in_front_of(&[&upstream]);
    let client = relay.client();
    let next = AtomicUsize::new(0);
    let completed = Mutex::new(Vec::new());

    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= REQUESTS {
                        return;
                    }
                    let face = Face::ALL[number % 2];
                    let body = face.ask(Format::OpenAi.model(), "hi", number % 4 < 2).to_string();
                    let tag = format!("request-{number}");
                    let reply = client.attempt("POST", face.path(), &[("x-proxy-tag", &tag)], body.as_bytes());
                    // Requests after the kill are refused; those it hit are cut.
                    if let Ok(reply) = reply
                        && reply.complete
                        && reply.status == 200
                    {
                        completed.lock().expect("the list is not poisoned").push(tag);
                    }
                }
            });
        }
        wait_until("half of the requests are answered", || {
            completed.lock().expect("the list is not poisoned").len() >= REQUESTS / 2
        });
        relay.kill_9();
    });

    relay.start_again();
    let completed = completed.into_inner().expect("the list is not poisoned");
    assert!(completed.len() < REQUESTS, "the kill came too late to prove anything");
    let report = relay.report("tag", completed.len() as u64);
    let rows = report["rows"].as_array().expect("the report has rows");
    let counted: HashMap<&str, u64> =
        rows.iter().filter_map(|row| Some((row["key"].as_str()?, row["requests"].as_u64()?))).collect();
    for tag in &completed {
        assert_eq!(counted.get(tag.as_str()), Some(&1), "{tag} was answered");
    }
    let doubled: Vec<_> = counted.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "counted more than once: {doubled:?}");
}

#[test]
fn a_relay_asked_to_stop_finishes_what_it_is_saying() {
    let gate = Gate::closed();
    let (upstream, mut relay) = relay_for(Format::OpenAi, &gate);
    let mut answering =
        relay.client().stream(Face::Ollama.path(), &Face::Ollama.ask(Format::OpenAi.model(), "hi", true));
    gate.release(1);
    assert!(answering.read_until("one"));
    relay.terminate();
    wait_until("the stopping relay refuses connections", || Connection::open(relay.client().address).is_err());
    gate.release(100);
    let rest = answering.finish();
    assert!(rest.complete && rest.text().contains("\"done\":true"), "{}", rest.text());
    assert!(relay.wait_for_exit().success());
    drop(upstream);
    let report = relay.report("provider", 1);
    assert_eq!(report["total"]["errors"], 0, "{report}");
}

#[test]
fn requests_under_way_are_counted_until_they_end_however_they_do() {
    let gate = Gate::closed();
    let upstream = FakeUpstream::openai().answer(Answer::text("one two three four").paced_by(&gate));
    let relay = TestRelay::setup().upstreams(&[&upstream]).with_admin().start();
    let system = || call_admin(relay.admin(), "GET", "/admin/api/system", &[], "").json();
    let under_way = || system()["api_requests"].as_u64().expect("a number");
    assert_eq!(under_way(), 0);

    // One that leaves in the middle, and one that stays to the end.
    let ask = |stream| Face::OpenAi.ask(Format::OpenAi.model(), "hi", stream);
    let begun = || {
        gate.release(1);
        let mut answering = relay.client().stream(Face::OpenAi.path(), &ask(true));
        assert!(answering.read_until("one"), "it has begun");
        assert_eq!(under_way(), 1);
        answering
    };
    begun().abandon();
    wait_until("the one that left is no longer counted", || under_way() == 0);
    let stays = begun();
    assert!(call_admin(relay.admin(), "GET", "/settings", &[], "").text().contains("1 under way"));
    // The overview has numbers once there is a record, here of the one that left.
    wait_until("the overview says so", || {
        call_admin(relay.admin(), "GET", "/", &[], "").text().contains("1 under way now")
    });
    gate.release(100);
    assert!(stays.finish().text().contains("four"));
    wait_until("the one that ended is no longer counted", || under_way() == 0);

    // Whoever leaves before there is any answer.
    let closed = Gate::closed();
    let upstream = FakeUpstream::openai().answer(Answer::text("one").paced_by(&closed));
    let relay = TestRelay::setup().upstreams(&[&upstream]).with_admin().start();
    let system = || call_admin(relay.admin(), "GET", "/admin/api/system", &[], "").json();
    let body = ask(false).to_string();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        Face::OpenAi.path(),
        body.len()
    );
    let mut waiting = Vec::new();
    for count in 1..=3 {
        let mut connection = Connection::open(relay.client().address).expect("it connects");
        connection.send(head.as_bytes()).expect("it is sent");
        waiting.push(connection);
        wait_until("it is counted", || system()["api_requests"] == count);
    }
    while waiting.pop().is_some() {
        wait_until("it is no longer counted", || system()["api_requests"] == waiting.len());
    }

    // A connection that is kept open for the next request is no request.
    let mut idle = Connection::open(relay.client().address).expect("it connects");
    idle.send(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("it is sent");
    wait_until("it is open, and idle", || system()["api_connections"] == 1 && system()["api_requests"] == 0);
}
