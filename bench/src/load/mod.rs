//! The load generator: many clients in one thread, closed loop or open loop.

mod connection;
mod events;
mod metrics;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use self::connection::{Client, End};
use crate::clock::now_ns;
use crate::http1::{Progress, Reader, Side};

pub(crate) use self::connection::Expected;
pub(crate) use self::events::Framing;
pub(crate) use self::metrics::{Metrics, Times, TimesSummary};

/// After so many errors a slice is given up.
const MAX_ERRORS: u64 = 200;

/// What is asked of whom, and what a right answer looks like.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    /// Head and body.
    pub(crate) request: Vec<u8>,
    pub(crate) framing: Framing,
    pub(crate) expected: Expected,
    /// Tokens carry the time at which they were sent.
    pub(crate) stamped: bool,
    /// Of so many requests one is left by its client.
    pub(crate) leave_every: Option<u64>,
}

impl Plan {
    fn is_stream(&self) -> bool {
        self.framing != Framing::None
    }
}

/// How requests follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Each client asks again when its answer has ended, for this long.
    Closed { n_clients: usize, duration: Duration },
    /// Each client asks so often; the clients begin one after another within `ramp`.
    Each { n_clients: usize, n_requests: usize, ramp: Duration },
    /// Requests at a fixed rate per second, whether earlier ones have ended or not.
    Open { rate: u32, duration: Duration },
}

/// Loads a target until the shape is through and all answers have ended.
pub(crate) async fn run(plan: &Rc<Plan>, shape: Shape) -> Metrics {
    let metrics = Rc::new(RefCell::new(Metrics::default()));
    let local = LocalSet::new();
    match shape {
        Shape::Closed { n_clients, duration } => {
            let end_ns = now_ns() + nanos(duration);
            closed(&local, plan, &metrics, n_clients, Duration::ZERO, move |_| now_ns() < end_ns);
            local.await;
        }
        Shape::Each { n_clients, n_requests, ramp } => {
            closed(&local, plan, &metrics, n_clients, ramp, move |n_asked| n_asked < n_requests);
            local.await;
        }
        Shape::Open { rate, duration } => {
            local.run_until(open(plan, &metrics, rate, duration)).await;
            local.await;
        }
    }
    Rc::into_inner(metrics).expect("all clients have ended").into_inner()
}

/// Starts clients that ask one request after the other, while `go_on` says so about the number they asked.
fn closed(
    local: &LocalSet,
    plan: &Rc<Plan>,
    metrics: &Rc<RefCell<Metrics>>,
    n_clients: usize,
    ramp: Duration,
    go_on: impl Fn(usize) -> bool + Copy + 'static,
) {
    let n_started = Rc::new(Cell::new(0));
    for index in 0..n_clients {
        let (plan, metrics, n_started) = (Rc::clone(plan), Rc::clone(metrics), Rc::clone(&n_started));
        let delay = ramp.mul_f64(fraction(index, n_clients));
        local.spawn_local(async move {
            tokio::time::sleep(delay).await;
            let mut client = Client::new(Rc::clone(&plan));
            let mut n_asked = 0;
            while go_on(n_asked) && metrics.borrow().n_errors < MAX_ERRORS {
                n_started.set(n_started.get() + 1);
                n_asked += 1;
                client.ask(now_ns(), end_of(&plan, n_started.get()), &metrics).await;
            }
        });
    }
}

/// Asks at a fixed rate. Clients that are free are used again; if all are busy, there is one more.
async fn open(plan: &Rc<Plan>, metrics: &Rc<RefCell<Metrics>>, rate: u32, duration: Duration) {
    let mut times = pacer(rate, duration);
    let free: Rc<RefCell<Vec<Client>>> = Rc::default();
    let mut n_started = 0;
    while let Some(intended_ns) = times.recv().await {
        if metrics.borrow().n_errors >= MAX_ERRORS {
            break;
        }
        n_started += 1;
        let end = end_of(plan, n_started);
        let (plan, metrics, free) = (Rc::clone(plan), Rc::clone(metrics), Rc::clone(&free));
        tokio::task::spawn_local(async move {
            let waiting = free.borrow_mut().pop();
            let mut client = waiting.unwrap_or_else(|| Client::new(plan));
            client.ask(intended_ns, end, &metrics).await;
            free.borrow_mut().push(client);
        });
    }
}

/// The intended times, each announced when it has come. A thread of its own, because the runtime's timers are only exact
/// to the millisecond.
fn pacer(rate: u32, duration: Duration) -> tokio::sync::mpsc::UnboundedReceiver<u64> {
    let (announce, times) = tokio::sync::mpsc::unbounded_channel();
    let start_ns = now_ns();
    std::thread::spawn(move || {
        for intended_ns in schedule(start_ns, rate, duration) {
            std::thread::sleep(Duration::from_nanos(intended_ns.saturating_sub(now_ns())));
            if announce.send(intended_ns).is_err() {
                return;
            }
        }
    });
    times
}

/// When requests at a fixed rate are due.
fn schedule(start_ns: u64, rate: u32, duration: Duration) -> impl Iterator<Item = u64> {
    let rate = u64::from(rate.max(1));
    let n_requests = nanos(duration) * rate / 1_000_000_000;
    (0..n_requests).map(move |index| start_ns + index * 1_000_000_000 / rate)
}

/// Whether this request is one that its client leaves.
fn end_of(plan: &Plan, number: u64) -> End {
    match plan.leave_every {
        Some(every) if number.is_multiple_of(every) => End::Leave,
        _ => End::Answer,
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "nobody starts 2^52 clients")]
fn fraction(index: usize, of: usize) -> f64 {
    index as f64 / of.max(1) as f64
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) status: u16,
    /// Why a smart router chose as it did.
    pub(crate) cause: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// One request on a connection of its own; the whole answer.
pub(crate) async fn fetch(address: SocketAddr, request: &[u8]) -> anyhow::Result<Fetched> {
    let mut stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
    stream.write_all(request).await?;
    let mut reader = Reader::new(Side::Response);
    let (mut body, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let n_read = stream.read(&mut buffer).await?;
        let progress = reader.push(&buffer[..n_read], |bytes| body.extend_from_slice(bytes))?;
        if n_read == 0 {
            ensure!(reader.may_end_here(), "the answer broke off: {}", String::from_utf8_lossy(&body));
        }
        if n_read == 0 || progress != Progress::Pending {
            let status = reader.head().status().context("the answer has no status")?;
            return Ok(Fetched { status, cause: reader.head().cause.clone(), body });
        }
    }
}

/// What an answer that was found right teaches about the next ones.
pub(crate) fn learn(framing: Framing, body: &[u8], cause: Option<&'static str>) -> Expected {
    let mut counter = events::Counter::new(framing);
    counter.push(body);
    Expected { n_bytes: body.len(), n_events: counter.n_events(), cause }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

    fn plan(address: SocketAddr) -> Rc<Plan> {
        let request = b"GET / HTTP/1.1\r\n\r\n".to_vec();
        let expected = learn(Framing::None, b"{}", None);
        Rc::new(Plan { address, request, framing: Framing::None, expected, stamped: false, leave_every: None })
    }

    /// A server that reads and answers one request after another.
    async fn serve(listener: TcpListener) {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while stream.read(&mut buffer).await.is_ok_and(|n_read| n_read > 0) {
                    if stream.write_all(ANSWER).await.is_err() {
                        return;
                    }
                }
            });
        }
    }

    #[test]
    fn a_rate_says_when_requests_are_due_whatever_became_of_earlier_ones() {
        let due: Vec<u64> = schedule(7, 4, Duration::from_secs(1)).collect();
        assert_eq!(due, [7, 250_000_007, 500_000_007, 750_000_007]);
    }

    #[tokio::test]
    async fn every_client_asks_as_often_as_it_shall() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let plan = plan(listener.local_addr().unwrap());
        let server = tokio::spawn(serve(listener));
        let shape = Shape::Each { n_clients: 3, n_requests: 4, ramp: Duration::from_millis(1) };
        let metrics = run(&plan, shape).await;
        server.abort();
        assert_eq!((metrics.n_answers, metrics.n_errors, metrics.errors), (12, 0, Vec::new()));
        assert_eq!(metrics.latency.summary().map(|_| ()), Some(()));
    }

    #[tokio::test]
    async fn what_a_late_start_makes_others_wait_counts_as_their_latency() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let plan = plan(listener.local_addr().unwrap());
        let server = tokio::spawn(serve(listener));
        let metrics = RefCell::default();
        // Due a second ago, sent now.
        let due_ns = now_ns() - 1_000_000_000;
        Client::new(Rc::clone(&plan)).ask(due_ns, End::Answer, &metrics).await;
        server.abort();
        let metrics = metrics.into_inner();
        assert_eq!(metrics.n_answers, 1, "{:?}", metrics.errors);
        assert!(metrics.latency.percentile_ms(50.0) >= 1000.0);
    }

    #[tokio::test]
    async fn a_target_that_is_not_there_is_an_error_and_does_not_hold_up() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let plan = plan(listener.local_addr().unwrap());
        drop(listener);
        let metrics = run(&plan, Shape::Closed { n_clients: 2, duration: Duration::from_secs(60) }).await;
        assert_eq!(metrics.n_answers, 0);
        assert!(metrics.n_errors >= MAX_ERRORS);
        assert!(!metrics.errors.is_empty());
    }
}
