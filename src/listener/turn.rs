//! One turn for what a connection tells itself.
//!
//! hyper reads a request's body into a channel, and the handler at its other end is a part of the same task. Each
//! message through such a channel wakes the task that is just running. tokio then lets it end its turn, puts it behind
//! all others, and wakes another thread to help with what is waiting: two system calls, and a thread that finds nothing
//! to do and takes over the watch of the sockets. A task that is woken while it runs simply goes on here.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// How often a task goes on before others get their turn.
const MOST_ROUNDS: usize = 4;

const WAITS: u8 = 0;
const RUNS: u8 = 1;
/// It was woken while it ran.
const RUNS_AGAIN: u8 = 2;

/// Drives a future that may wake itself while it is polled. It is taken by reference or boxed, because a future that is
/// handed from one to another has room in each of them.
pub(super) async fn in_one_turn<F: Future + Unpin>(mut future: F) -> F::Output {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    poll_fn(move |context| {
        bell.task.register(context.waker());
        for _ in 0..MOST_ROUNDS {
            bell.state.store(RUNS, Ordering::Release);
            if let Poll::Ready(output) = Pin::new(&mut future).poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(output);
            }
            if bell.has_nothing_to_say() {
                return Poll::Pending;
            }
        }
        bell.state.store(WAITS, Ordering::Release);
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Wakes the task, unless it runs: then it is told when it has run.
#[derive(Default)]
struct Bell {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Bell {
    /// Ends a round in which nobody woke the task. From here on the task itself is woken.
    fn has_nothing_to_say(&self) -> bool {
        self.state.compare_exchange(RUNS, WAITS, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let woken = self.state.compare_exchange(RUNS, RUNS_AGAIN, Ordering::AcqRel, Ordering::Acquire);
        if woken == Err(WAITS) {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls once a future that wakes itself in its first rounds; returns how often it was polled, what counts the
    /// task's wakings, and the waker it was given.
    fn polled(self_wakes: usize) -> (usize, Arc<Counted>, Waker) {
        let task = Arc::new(Counted::default());
        let (rounds, given) = (Cell::new(0), RefCell::new(Waker::noop().clone()));
        let mut future = pin!(in_one_turn(poll_fn(|context| {
            rounds.set(rounds.get() + 1);
            if rounds.get() <= self_wakes {
                context.waker().wake_by_ref();
            }
            given.borrow_mut().clone_from(context.waker());
            Poll::<()>::Pending
        })));
        assert!(future.as_mut().poll(&mut Context::from_waker(&Waker::from(task.clone()))).is_pending());
        (rounds.get(), task, given.borrow().clone())
    }

    #[test]
    fn who_wakes_itself_goes_on_and_is_woken_by_others_later() {
        let (rounds, woken, waker) = polled(2);
        assert_eq!((rounds, woken.0.load(Ordering::Relaxed)), (3, 0));
        waker.wake_by_ref();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn who_never_stops_lets_others_have_their_turn() {
        let (rounds, woken, _) = polled(usize::MAX);
        assert_eq!((rounds, woken.0.load(Ordering::Relaxed)), (MOST_ROUNDS, 1));
    }

    #[tokio::test]
    async fn messages_within_a_task_and_from_others_arrive() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let elsewhere = sender.clone();
        let other = std::thread::spawn(move || (0..100).for_each(|number| elsewhere.blocking_send(number).unwrap()));
        let inside = async {
            for number in 0..100 {
                sender.send(number).await.unwrap();
            }
            drop(sender);
        };
        let receiving = async {
            let mut sum = 0;
            while let Some(number) = receiver.recv().await {
                sum += number;
            }
            sum
        };
        let ((), sum) = in_one_turn(Box::pin(async { tokio::join!(inside, receiving) })).await;
        other.join().unwrap();
        assert_eq!(sum, 2 * 99 * 100 / 2);
    }
}
