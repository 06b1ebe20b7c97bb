//! How many arenas glibc's allocator keeps.
//!
//! glibc gives each thread an arena of its own, and what lies free in one is no use to another thread. With one arena for
//! four cores the relay needs some megabytes less under load, and a little more time, because threads wait for each other
//! (BENCHMARKS.md has the figures). The limit is an environment variable that glibc reads when a program starts and never
//! again, so the program starts itself once more; telling it by a call would need `unsafe`. Other systems, and other C
//! libraries, are left alone.

/// Cores whose threads share an arena.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const CORES_PER_ARENA: usize = 4;

/// Starts the program anew, in this process, with few arenas; returns when it has, or when the operator has said how
/// many there shall be. To be called before anything else is done.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn limit() {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    const VARIABLE: &str = "MALLOC_ARENA_MAX";
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut arguments = std::env::args_os();
    // Its real name, which `ps` and `pgrep` show, and not `/proc/self/exe`.
    let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next()) else { return };
    // Comes back only if it could not be done: then there is more memory to pay, and nothing else is different.
    let _ = Command::new(program)
        .arg0(name)
        .args(arguments)
        .env(VARIABLE, cores.div_ceil(CORES_PER_ARENA).to_string())
        .exec();
}

/// Nothing to be done here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn limit() {}
