//! The threads the relay works with: how many there are, how they share the allocator, and that none waits for its log.

use std::fs;

use crate::support::{Answer, Face, FakeUpstream, Format, TestRelay, wait_until};

/// The runtime gives the threads that wait for the database and for name lookups the same name; there are few of them.
const OTHERS: usize = 8;

/// Threads of the relay's runtime.
fn runtime_threads(relay: &TestRelay) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", relay.process())).expect("the relay runs");
    // A thread may end while it is looked at.
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "tokio-rt-worker").count()
}

#[test]
fn as_many_threads_serve_requests_as_the_operator_says() {
    // Two numbers, because one of them may be the number of cores.
    for wanted in [3, 3 + 2 * OTHERS] {
        let relay = TestRelay::setup().env("WORKER_THREADS", &wanted.to_string()).start();
        let threads = runtime_threads(&relay);
        assert!((wanted..wanted + OTHERS).contains(&threads), "{threads} threads with WORKER_THREADS={wanted}");
    }
}

/// What the process was started with, and the name `ps` has for it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn arenas(relay: &TestRelay) -> (Option<String>, String) {
    let about = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", relay.process())).expect("the relay runs");
    let variables = about("environ");
    let arenas = variables.split('\0').find_map(|variable| variable.strip_prefix("MALLOC_ARENA_MAX="));
    (arenas.map(str::to_owned), about("comm").trim_end().to_owned())
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn the_threads_of_four_cores_share_an_arena_unless_the_operator_says_otherwise() {
    let cores = std::thread::available_parallelism().expect("there are cores").get();
    let usual = cores.div_ceil(4).to_string();
    assert_eq!(arenas(&TestRelay::setup().start()), (Some(usual), "llm-relay".to_owned()));
    let told = TestRelay::setup().env("MALLOC_ARENA_MAX", "7").start();
    assert_eq!(arenas(&told), (Some("7".to_owned()), "llm-relay".to_owned()));
}

/// A pipe takes 64 KiB, and a line of the log has some 300 bytes.
const MORE_THAN_A_PIPE_TAKES: usize = 500;

#[test]
fn a_log_that_nobody_reads_holds_up_no_request() {
    let upstream = FakeUpstream::start(Format::OpenAi).answer(Answer::text("hello"));
    let relay = TestRelay::in_front_of(&[&upstream]);
    let ask = || relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask(Format::OpenAi.model(), "hi", false));
    let answered = |relay: &TestRelay| relay.log().iter().filter(|line| line.contains("answered")).count();
    relay.while_nobody_reads_the_log(|| (0..MORE_THAN_A_PIPE_TAKES).for_each(|_| assert_eq!(ask().status, 200)));
    wait_until("all lines arrive", || answered(&relay) == MORE_THAN_A_PIPE_TAKES);
}

#[test]
fn lines_beyond_what_is_held_for_a_log_that_nobody_reads_are_left_out_and_counted() {
    let upstream = FakeUpstream::start(Format::OpenAi).answer(Answer::text("hello"));
    let relay = TestRelay::in_front_of(&[&upstream]);
    // A line names the model twice; together they are more than twice the mebibyte that is held.
    let (requests, long) = (300, "x".repeat(4_000));
    let model = format!("{}{long}", Format::OpenAi.model());
    let ask = || relay.client().post(Face::OpenAi.path(), &Face::OpenAi.ask(&model, "hi", false));
    relay.while_nobody_reads_the_log(|| (0..requests).for_each(|_| assert_eq!(ask().status, 200)));
    let left_out = |line: &String| serde_json::from_str::<serde_json::Value>(line).ok()?["lines"].as_u64();
    wait_until("all lines are there or counted", || {
        let log = relay.log();
        let there = log.iter().filter(|line| line.contains("answered")).count() as u64;
        let counted: u64 = log.iter().filter(|line| line.contains("left out")).filter_map(left_out).sum();
        counted > 0 && there + counted == requests
    });
}
