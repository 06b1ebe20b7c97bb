//! Programs the tests start beside the relay: the fake providers, the real model, the scripts of the clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long a program may take until it is ready. The real model is read from a cold disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program running in the background. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    output: Arc<Mutex<String>>,
}

impl Service {
    /// Starts a program and reads what it prints until `ready` finds in a line what the test waits for.
    ///
    /// Standard input stays open and empty while the program runs.
    pub(crate) fn start<T>(command: &mut Command, ready: impl Fn(&str) -> Option<T>) -> (Self, T) {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let output = Arc::default();
        let (lines, printed) = mpsc::channel();
        collect(child.stdout.take().expect("stdout is piped"), &output, lines.clone());
        collect(child.stderr.take().expect("stderr is piped"), &output, lines);
        let service = Self { child, output };
        while let Ok(line) = printed.recv_timeout(PATIENCE) {
            if let Some(found) = ready(&line) {
                return (service, found);
            }
        }
        panic!("{command:?} ended or was not ready in {PATIENCE:?}; it printed:\n{}", service.output());
    }

    /// Everything it has printed so far.
    pub(crate) fn output(&self) -> String {
        self.output.lock().expect("the output is not poisoned").clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(pipe: impl Read + Send + 'static, output: &Arc<Mutex<String>>, lines: Sender<String>) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut output = output.lock().expect("the output is not poisoned");
            output.push_str(&line);
            output.push('\n');
            // Nobody listens any more once the program is ready; the output is still worth keeping.
            let _ = lines.send(line);
        }
    });
}

/// Runs a program to its end and returns its standard output; fails the test, showing everything, when it fails.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("the program can be started");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout.into_owned()
}

/// A path of the checkout.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Python with the packages that `scripts/setup-tests` installs.
pub(crate) fn python() -> Command {
    let mut command = Command::new(path(".venv/bin/python"));
    // Nothing is written into the checkout.
    command.arg("-B");
    command
}

/// Whether what `scripts/setup-tests` installs at this path of the checkout is there.
///
/// Says aloud that a test is skipped when it is not; where `CI` is `true` the test fails instead.
pub(crate) fn is_set_up(name: &str) -> bool {
    if path(name).exists() {
        return true;
    }
    let is_ci = std::env::vars().any(|(key, value)| key == "CI" && value == "true");
    assert!(!is_ci, "{name} is missing: run scripts/setup-tests");
    // Straight to the process's stderr: the test harness would swallow the macro's output of a passing test.
    writeln!(std::io::stderr(), "skipped: {name} is missing, scripts/setup-tests installs it")
        .expect("stderr can be written to");
    false
}
