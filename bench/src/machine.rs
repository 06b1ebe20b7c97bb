//! What a run ran on.

use std::fs;

use serde::Serialize;

/// The machine and the programs.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) n_cores: usize,
    pub(crate) memory_mib: u64,
    pub(crate) kernel: String,
    pub(crate) nginx: String,
    pub(crate) relay: String,
    pub(crate) baseline: Option<String>,
    /// Before the run: what else the machine was doing.
    pub(crate) load_average_before: String,
    pub(crate) load_average_after: String,
}

impl Machine {
    /// Looks around.
    pub(crate) fn look() -> Self {
        let cpuinfo = read("/proc/cpuinfo");
        let meminfo = read("/proc/meminfo");
        let memory_kib = value(&meminfo, "MemTotal").trim_end_matches("kB").trim().parse().unwrap_or(0);
        Self {
            cpu: value(&cpuinfo, "model name"),
            n_cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mib: memory_kib / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_average_before: load_average(),
            ..Self::default()
        }
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        format!(
            "{}, {} cores, {} MiB, Linux {}; {}; {}; load average before {}, after {}",
            self.cpu,
            self.n_cores,
            self.memory_mib,
            self.kernel,
            self.nginx,
            self.relay,
            self.load_average_before,
            self.load_average_after
        )
    }
}

/// Runnable tasks over 1, 5 and 15 minutes.
pub(crate) fn load_average() -> String {
    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn value(text: &str, key: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}
