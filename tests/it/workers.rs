//! How many threads the relay works with.

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
