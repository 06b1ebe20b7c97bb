//! How many threads the relay works with, and how they share the allocator.

use std::fs;

use crate::support::TestRelay;

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
