//! The one clock of a run: monotonic nanoseconds that mean the same in every process of this machine.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine started.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Linux has a monotonic clock");
    let seconds = u64::try_from(now.tv_sec()).expect("monotonic time is positive");
    let nanos = u64::try_from(now.tv_nsec()).expect("monotonic time is positive");
    seconds * 1_000_000_000 + nanos
}
