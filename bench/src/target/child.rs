//! A process of ours that ends when we are done with it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, ChildStdout, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a process gets to end by itself.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// A running process; dropping it ends it.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    pub(super) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self(child))
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).expect("Linux has no larger process ids"))
    }

    /// What it prints, if that is piped.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Asks it to end, and waits.
    pub(super) fn stop(&mut self) -> anyhow::Result<()> {
        if self.has_ended() {
            return Ok(());
        }
        kill(self.pid(), Signal::SIGTERM)?;
        let asked = Instant::now();
        while !self.has_ended() {
            if asked.elapsed() > STOP_WITHIN {
                self.0.kill()?;
                self.0.wait()?;
                bail!("it did not stop within {} s", STOP_WITHIN.as_secs());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.stop();
    }
}

/// An address nobody listens on. Somebody else could take it before we do; the start fails then, and says so.
pub(super) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
