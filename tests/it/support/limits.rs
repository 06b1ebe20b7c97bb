//! How many files a process may open.

use std::fs;
use std::process::{Command, Stdio};

/// Raises a process's soft limit on open files to `wanted` if it is lower, and returns the limit that holds then.
/// It stays below what was wanted where `prlimit` is absent or the hard limit is lower.
pub(crate) fn raise_open_files(process: u32, wanted: u64) -> u64 {
    let limit = open_files(process);
    if limit >= wanted {
        return limit;
    }
    let argument = format!("--nofile={wanted}:");
    // A refusal shows in the limit read below.
    let _ = Command::new("prlimit").args(["--pid", &process.to_string(), &argument]).stderr(Stdio::null()).status();
    open_files(process)
}

fn open_files(process: u32) -> u64 {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).expect("the kernel tells limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("files are limited");
    // The word `unlimited` is no number.
    line.split_whitespace().nth(3).and_then(|number| number.parse().ok()).unwrap_or(u64::MAX)
}
