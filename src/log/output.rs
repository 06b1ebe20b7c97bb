//! Where lines leave: a thread of its own writes them, so that nobody who logs waits for whoever reads the log.
//!
//! A terminal that was stopped with Ctrl-S or a pipe whose reader hangs would otherwise hold up every request. While that
//! lasts, lines wait in memory up to a bound; those beyond it are left out and counted.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Lines that wait for their reader take this much memory at most; a single one may be longer.
const MOST_BYTES: usize = 1 << 20;
/// How long the thread lets lines gather after it wrote some: busy times take one write for many of them. A line after a
/// quiet time is written at once.
const GATHER: Duration = Duration::from_millis(5);
/// What stays reserved for the lines of the next moment.
const KEPT_BYTES: usize = 64 << 10;
/// How long the end of the program waits for a reader that takes nothing.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// A thread that writes lines. Dropping it waits until they are written.
#[derive(Debug)]
pub struct Output {
    queue: Arc<Queue>,
}

impl Output {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has none to give.
    pub fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let lines = Arc::clone(&queue);
        thread::Builder::new().name("log".to_owned()).spawn(move || lines.write_until_closed(to))?;
        Ok(Self { queue })
    }

    /// What [`Lines`](super::Lines) hand their lines to.
    pub fn taker(&self) -> impl Fn(&[u8]) + use<> {
        let queue = Arc::clone(&self.queue);
        move |line| queue.push(line)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let mut waiting = self.queue.waiting();
        waiting.is_closed = true;
        self.queue.added.notify_one();
        let written = self.queue.written.wait_timeout_while(waiting, LAST_WAIT, |waiting| !waiting.is_over);
        drop(written.unwrap_or_else(PoisonError::into_inner));
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    added: Condvar,
    written: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    left_out: u64,
    /// The thread sleeps until it is told of a line.
    is_idle: bool,
    /// There will be no more lines.
    is_closed: bool,
    /// The thread has written what there was, and ended.
    is_over: bool,
}

impl Queue {
    fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if !waiting.lines.is_empty() && waiting.lines.len() + line.len() > MOST_BYTES {
            waiting.left_out += 1;
            return;
        }
        waiting.lines.extend_from_slice(line);
        if std::mem::take(&mut waiting.is_idle) {
            drop(waiting);
            self.added.notify_one();
        }
    }

    /// What the thread does.
    fn write_until_closed(&self, mut to: impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut waiting = self.waiting();
            while waiting.lines.is_empty() && !waiting.is_closed {
                waiting.is_idle = true;
                waiting = self.added.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut lines, &mut waiting.lines);
            let left_out = std::mem::take(&mut waiting.left_out);
            let is_closed = waiting.is_closed;
            drop(waiting);
            // A log that nobody takes is no reason to stop.
            let _ = to.write_all(&lines).and_then(|()| to.flush());
            lines.clear();
            lines.shrink_to(KEPT_BYTES);
            if left_out > 0 {
                tracing::warn!(lines = left_out, "lines of the log were left out, because nobody took them in time");
            }
            let mut waiting = self.waiting();
            if is_closed && waiting.lines.is_empty() {
                waiting.is_over = true;
                self.written.notify_one();
                return;
            }
            drop(waiting);
            if !is_closed {
                thread::sleep(GATHER);
            }
        }
    }

    /// Nothing in here is half-done when somebody panics.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Writes into memory, each time when it is told to.
    struct Held {
        go: Receiver<()>,
        begun: Sender<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // A test that has ended holds nothing any more.
            let _ = self.begun.send(());
            let _ = self.go.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_beyond_the_bound_are_left_out_while_nobody_takes_them_and_nobody_waits() {
        let ((tell, go), (begun, has_begun)) = (channel(), channel());
        let written = Arc::new(Mutex::new(Vec::new()));
        let output = Output::start(Held { go, begun, written: Arc::clone(&written) }).unwrap();
        let take = output.taker();
        take(b"first\n");
        has_begun.recv().unwrap();
        let line = [b'x'; 1 << 10];
        (0..=MOST_BYTES / line.len()).for_each(|_| take(&line));
        assert_eq!(output.queue.waiting().left_out, 1);
        tell.send(()).unwrap();
        tell.send(()).unwrap();
        drop(output);
        let written = written.lock().unwrap();
        assert_eq!(written.len(), "first\n".len() + MOST_BYTES);
        assert!(written.starts_with(b"first\nxxx"));
    }

    #[test]
    fn a_line_longer_than_the_bound_is_written_when_nothing_waits() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let ((tell, go), (begun, _has_begun)) = (channel(), channel());
        let output = Output::start(Held { go, begun, written: Arc::clone(&written) }).unwrap();
        tell.send(()).unwrap();
        output.taker()(&vec![b'x'; MOST_BYTES + 1]);
        drop(output);
        assert_eq!(written.lock().unwrap().len(), MOST_BYTES + 1);
    }

    #[test]
    fn every_line_of_many_threads_is_there_when_it_ends() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let ((tell, go), (begun, _has_begun)) = (channel(), channel());
        let output = Output::start(Held { go, begun, written: Arc::clone(&written) }).unwrap();
        (0..1_000).for_each(|_| tell.send(()).unwrap());
        thread::scope(|scope| {
            for of in 0..4 {
                let take = output.taker();
                scope.spawn(move || (0..100).for_each(|number| take(format!("{of}-{number}\n").as_bytes())));
            }
        });
        drop(output);
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        for of in 0..4 {
            let own = written.lines().filter_map(|line| line.strip_prefix(&format!("{of}-")));
            assert!(own.eq((0..100).map(|number| number.to_string())), "{written}");
        }
    }

    #[test]
    fn the_end_waits_only_so_long_for_who_takes_nothing() {
        let ((_tell, go), (begun, has_begun)) = (channel(), channel());
        let output = Output::start(Held { go, begun, written: Arc::default() }).unwrap();
        output.taker()(b"line\n");
        has_begun.recv().unwrap();
        // Would never return if it waited for the line.
        drop(output);
    }
}
