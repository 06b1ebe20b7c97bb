//! What the operating system says about a target: CPU time and memory of a process and its children.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// How long nothing must happen in a target for it to count as idle. The relay copies records to its database up to
/// 100 ms after they are made, and that work belongs to the requests.
const QUIET: Duration = Duration::from_millis(250);
/// CPU time that background work of an idle process may take within [`QUIET`].
const QUIET_CPU_NS: u64 = 1_000_000;
/// Longest wait for it.
const MAX_SETTLE: Duration = Duration::from_secs(10);

/// A process and everything it started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree(Vec<Pid>);

impl Tree {
    /// The processes as they are now.
    pub(crate) fn of(root: Pid) -> anyhow::Result<Self> {
        let mut parents = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            // A process that has just ended has no parent any more.
            if let Some(parent) = fs::read_to_string(format!("/proc/{pid}/stat")).ok().as_deref().and_then(parent_in) {
                parents.push((pid, parent));
            }
        }
        let mut tree = vec![root.as_raw()];
        let mut next = 0;
        while let Some(&pid) = tree.get(next) {
            tree.extend(parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
            next += 1;
        }
        Ok(Self(tree.into_iter().map(Pid::from_raw).collect()))
    }

    /// CPU time used so far, in nanoseconds: all threads, also those that have ended.
    pub(crate) fn cpu_ns(&self) -> anyhow::Result<u64> {
        let mut total = 0;
        for pid in &self.0 {
            let clock = clock_getcpuclockid(*pid).with_context(|| format!("process {pid} has ended"))?;
            let time = clock.now().with_context(|| format!("process {pid} has ended"))?;
            total += u64::try_from(time.tv_sec())? * 1_000_000_000 + u64::try_from(time.tv_nsec())?;
        }
        Ok(total)
    }

    /// CPU time once the target has come to rest, so that what it put off is in it.
    pub(crate) fn settled_cpu_ns(&self) -> anyhow::Result<u64> {
        let start = Instant::now();
        let mut last = self.cpu_ns()?;
        loop {
            std::thread::sleep(QUIET);
            let now = self.cpu_ns()?;
            if now - last < QUIET_CPU_NS || start.elapsed() > MAX_SETTLE {
                return Ok(now);
            }
            last = now;
        }
    }

    /// Resident memory now, in bytes.
    pub(crate) fn rss_bytes(&self) -> anyhow::Result<u64> {
        self.sum_status("VmRSS:")
    }

    /// The most resident memory there was since the start, in bytes.
    pub(crate) fn peak_rss_bytes(&self) -> anyhow::Result<u64> {
        self.sum_status("VmHWM:")
    }

    fn sum_status(&self, key: &str) -> anyhow::Result<u64> {
        let mut total = 0;
        for pid in &self.0 {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid}"))?;
            total += status_bytes(&status, key).with_context(|| format!("process {pid} has no {key}"))?;
        }
        Ok(total)
    }
}

/// The parent in `/proc/PID/stat`. The command's name before it may hold spaces and brackets.
fn parent_in(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn status_bytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_brackets_and_spaces_does_not_confuse() {
        assert_eq!(parent_in("12 (a) b (c)) S 7 12 12 0"), Some(7));
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(status_bytes("VmPeak:\t 9 kB\nVmRSS:\t  5124 kB\n", "VmRSS:"), Some(5124 * 1024));
        assert_eq!(status_bytes("VmPeak:\t 9 kB\n", "VmRSS:"), None);
    }

    #[test]
    fn cpu_time_and_memory_of_this_process_are_seen_and_its_children_found() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let tree = Tree::of(Pid::this()).unwrap();
        assert!(tree.0.contains(&Pid::from_raw(i32::try_from(child.id()).unwrap())));
        let before = tree.cpu_ns().unwrap();
        let mut sum = 0_u64;
        while tree.cpu_ns().unwrap() - before < 1_000_000 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(tree.peak_rss_bytes().unwrap() >= tree.rss_bytes().unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
