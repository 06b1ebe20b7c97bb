//! Background tasks and who owns them.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Every background task of the program: one token stops them, one tracker knows when they have ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks {
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Tasks {
    /// Starts a task. It gets a token that tells it to stop.
    pub(super) fn start<F: Future<Output = ()> + Send + 'static>(&self, task: impl FnOnce(CancellationToken) -> F) {
        self.tracker.spawn(task(self.stop.clone()));
    }

    /// Tells all tasks to stop and waits for them; returns whether they ended within `limit`.
    pub(super) async fn stop(&self, limit: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait()).await.is_ok()
    }
}
