//! One client: a connection that asks, and reads the answer to its end.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::events::{Counter, stamps};
use super::{Metrics, Plan};
use crate::clock::now_ns;
use crate::http1::{Progress, Reader, Side};

/// How a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With the complete answer.
    Answer,
    /// The client goes away: within a stream after its first event, else before the answer.
    Leave,
}

/// A connection that may have to be made again.
pub(super) struct Client {
    plan: Rc<Plan>,
    open: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What an answer brought.
struct Seen {
    status: u16,
    cause: Option<String>,
    n_bytes: usize,
    n_events: usize,
}

impl Client {
    pub(super) fn new(plan: Rc<Plan>) -> Self {
        Self { plan, open: None, buffer: vec![0; 64 * 1024] }
    }

    /// Connects, unless connected.
    pub(super) async fn connect(&mut self) -> anyhow::Result<()> {
        if self.open.is_none() {
            let stream = TcpStream::connect(self.plan.address).await.context("cannot connect")?;
            stream.set_nodelay(true)?;
            self.open = Some(stream);
        }
        Ok(())
    }

    /// Asks once and writes down what was seen. `intended_ns` is when the request should have been sent: what a client
    /// waits because others are slow counts.
    pub(super) async fn ask(&mut self, intended_ns: u64, end: End, metrics: &RefCell<Metrics>) {
        match self.exchange(intended_ns, end, metrics).await {
            Ok(None) => metrics.borrow_mut().n_left += 1,
            Ok(Some(seen)) => match self.plan.expected.check(&seen) {
                Ok(()) => {
                    let mut metrics = metrics.borrow_mut();
                    metrics.n_answers += 1;
                    metrics.latency.record(now_ns().saturating_sub(intended_ns));
                }
                Err(error) => metrics.borrow_mut().fail(&error),
            },
            Err(error) => {
                self.open = None;
                metrics.borrow_mut().fail(&error);
            }
        }
    }

    async fn exchange(
        &mut self,
        intended_ns: u64,
        end: End,
        metrics: &RefCell<Metrics>,
    ) -> anyhow::Result<Option<Seen>> {
        self.connect().await?;
        let stream = self.open.as_mut().expect("connected right above");
        stream.write_all(&self.plan.request).await.context("cannot send the request")?;
        if end == End::Leave && !self.plan.is_stream() {
            self.open = None;
            return Ok(None);
        }
        let mut reader = Reader::new(Side::Response);
        let mut events = Counter::new(self.plan.framing);
        let mut n_bytes = 0;
        let mut last_event_ns = None;
        loop {
            let n_read = stream.read(&mut self.buffer).await.context("cannot read the answer")?;
            if n_read == 0 {
                ensure!(reader.may_end_here(), "the answer broke off after {n_bytes} bytes of its body");
                self.open = None;
                break;
            }
            let read_ns = now_ns();
            let before = events.n_events();
            let progress = reader.push(&self.buffer[..n_read], |bytes| {
                n_bytes += bytes.len();
                events.push(bytes);
                if self.plan.stamped {
                    let mut metrics = metrics.borrow_mut();
                    stamps(bytes).for_each(|sent_ns| metrics.token_delay.record(read_ns.saturating_sub(sent_ns)));
                }
            })?;
            if events.n_events() > before {
                let mut metrics = metrics.borrow_mut();
                match last_event_ns.replace(read_ns) {
                    None => metrics.first_event.record(read_ns.saturating_sub(intended_ns)),
                    Some(last_ns) => metrics.gap.record(read_ns - last_ns),
                }
                if end == End::Leave {
                    self.open = None;
                    return Ok(None);
                }
            }
            match progress {
                Progress::Pending => {}
                Progress::Complete(taken) => {
                    if taken != n_read {
                        bail!("{} bytes came after the end of the answer", n_read - taken);
                    }
                    if reader.head().close {
                        self.open = None;
                    }
                    break;
                }
            }
        }
        let status = reader.head().status().context("the answer has no status")?;
        let cause = reader.head().cause.clone();
        Ok(Some(Seen { status, cause, n_bytes, n_events: events.n_events() }))
    }
}

/// What a right answer looks like, learned from one that was read and compared in full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(super) n_bytes: usize,
    pub(super) n_events: usize,
    /// What a smart router must give as its cause; `None`: no router chooses.
    pub(super) cause: Option<&'static str>,
}

impl Expected {
    fn check(self, seen: &Seen) -> anyhow::Result<()> {
        ensure!(seen.status == 200, "the status is {}", seen.status);
        let cause = seen.cause.as_deref();
        ensure!(cause == self.cause, "the router's cause is {cause:?} instead of {:?}", self.cause);
        ensure!(seen.n_events == self.n_events, "{} events instead of {}", seen.n_events, self.n_events);
        // Ids and durations in an answer may differ in length from one to the next.
        let tolerance = 64 + self.n_events * 16;
        let difference = seen.n_bytes.abs_diff(self.n_bytes);
        ensure!(difference <= tolerance, "{} bytes instead of {}", seen.n_bytes, self.n_bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_the_expected_one_is_an_error() {
        let expected = Expected { n_bytes: 5000, n_events: 10, cause: None };
        let seen = |status, n_bytes, n_events| Seen { status, cause: None, n_bytes, n_events };
        let check = |status, n_bytes, n_events| expected.check(&seen(status, n_bytes, n_events)).is_ok();
        assert!(check(200, 5010, 10));
        assert!(!check(500, 5000, 10));
        assert!(!check(200, 5000, 9));
        assert!(!check(200, 4000, 10));
        let caused = |cause: &str| Seen { cause: Some(cause.to_owned()), ..seen(200, 5000, 10) };
        let expected = Expected { cause: Some("pin"), ..expected };
        assert!(expected.check(&caused("pin")).is_ok());
        assert!(expected.check(&caused("cache")).is_err());
        assert!(expected.check(&seen(200, 5000, 10)).is_err());
    }
}
