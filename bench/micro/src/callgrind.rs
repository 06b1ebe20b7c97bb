//! Runs a case under valgrind's callgrind and reads what it counted.

use std::io;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::case::TIMES;

/// What one operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Instructions executed outside the kernel.
    pub(crate) instructions: u64,
    /// Blocks of memory taken from the allocator, grown or moved ones included.
    pub(crate) allocations: u64,
}

/// The function to count, see [`crate::case`].
const COUNTED: &str = "*::case::repeat_counted";

/// The allocator's entries that hand out memory.
const ALLOCATING: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

/// Compiler and valgrind, as a baseline names them.
pub(crate) fn tools() -> anyhow::Result<String> {
    Ok(format!("{}, {}", version("rustc")?, version("valgrind")?))
}

fn version(program: &str) -> anyhow::Result<String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.with_context(|| missing(program))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn missing(program: &str) -> String {
    match program {
        "valgrind" => "valgrind is missing: apt install valgrind".to_owned(),
        other => format!("{other} cannot be started"),
    }
}

/// Counts one case in a process of its own, so that no case depends on those before it.
/// The profile is left in `folder`.
pub(crate) fn count(case: &str, folder: &Path) -> anyhow::Result<Counts> {
    let name: String = case.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let whole = folder.join(format!("callgrind.out.{name}"));
    let program = std::env::current_exe().context("this program does not know where it lies")?;
    let mut out_file = std::ffi::OsString::from("--callgrind-out-file=");
    out_file.push(&whole);
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--compress-strings=no"])
        // Not `--toggle-collect`: it would leave the calls made before among the calls counted.
        .args([format!("--zero-before={COUNTED}"), format!("--dump-after={COUNTED}")])
        .arg(out_file)
        .arg(program)
        .args(["--execute", case])
        // Symbols are looked up before anything is counted.
        .env("LD_BIND_NOW", "1")
        .output()
        .with_context(|| missing("valgrind"))?;
    if !output.status.success() {
        bail!("case `{case}` failed under valgrind:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    // The first part is the one of the counted function, what is left is the end of the process.
    let counted = folder.join(format!("callgrind.out.{name}.1"));
    std::fs::rename(&counted, &whole).context("callgrind has not seen the function that is to be counted")?;
    let profile = std::fs::read_to_string(&whole).with_context(|| format!("cannot read {}", whole.display()))?;
    std::fs::write(&whole, without_callers(&profile))?;
    read(&profile).with_context(|| format!("in the profile of case `{case}`"))
}

/// The profile without the functions around the counted one. They were called before it was zeroed, zero times
/// therefore, and `callgrind_annotate` takes what a call cost that never was for the caller's own.
fn without_callers(profile: &str) -> String {
    let mut text = String::with_capacity(profile.len());
    let mut lines = profile.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("calls=0 ") {
            lines.next();
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Reads a profile (format: valgrind manual, "Callgrind Format Specification").
fn read(profile: &str) -> io::Result<Counts> {
    let mut instructions = None;
    let mut allocations = 0;
    let mut callee = "";
    for line in profile.lines() {
        // Not `totals:`, which has what ran between zeroing and the counted function too.
        if let Some(sum) = line.strip_prefix("summary:") {
            instructions = sum.trim().parse().ok();
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = name;
        } else if let Some(calls) = line.strip_prefix("calls=")
            && ALLOCATING.contains(&callee)
        {
            let count = calls.split(' ').next().and_then(|count| count.parse::<u64>().ok());
            allocations += count.ok_or_else(|| io::Error::other(format!("odd line `{line}`")))?;
        }
    }
    match instructions {
        Some(instructions) if instructions > 0 => {
            let per_operation = |count: u64| (count + u64::from(TIMES) / 2) / u64::from(TIMES);
            Ok(Counts { instructions: per_operation(instructions), allocations: per_operation(allocations) })
        }
        _ => Err(io::Error::other("nothing was counted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_the_allocator_are_allocations() {
        let profile = "events: Ir\nfn=f\n0 10\ncfn=malloc\ncalls=16 0 \n0 90\ncfn=free\ncalls=16 0\n0 9\n\
                       cfn=realloc\ncalls=8 0\n* 9\nsummary: 8004\ntotals: 9999\n";
        assert_eq!(read(profile).unwrap(), Counts { instructions: 1001, allocations: 3 });
    }

    #[test]
    fn calls_that_never_were_are_left_out_with_their_cost() {
        let profile = "fn=main\ncfn=f\ncalls=0 0\n0 90\nfn=f\n0 10\ncfn=g\ncalls=1 0\n0 80\n";
        assert_eq!(without_callers(profile), "fn=main\ncfn=f\nfn=f\n0 10\ncfn=g\ncalls=1 0\n0 80\n");
    }

    #[test]
    fn a_profile_of_nothing_is_an_error() {
        assert!(read("events: Ir\nsummary: 0\n").is_err());
        assert!(read("events: Ir\n").is_err());
        assert!(read("cfn=malloc\ncalls=x\nsummary: 8\n").is_err());
    }
}
