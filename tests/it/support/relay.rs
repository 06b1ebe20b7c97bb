//! The real binary as a child process, with a folder of its own and nothing inherited but `PATH`.
//!
//! `relay.yaml`, `overrides.yaml` and the data are where the binary looks by itself: in its working folder.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{Client, FakeUpstream};

/// How long a start or a condition may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A relay that is about to be started.
#[derive(Debug)]
pub(crate) struct Setup {
    folder: TempDir,
    command: &'static str,
    environment: Vec<(String, String)>,
}

/// A running relay. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub(crate) struct TestRelay {
    setup: Setup,
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

impl TestRelay {
    /// A relay without any provider, to be configured further.
    pub(crate) fn setup() -> Setup {
        let folder = TempDir::new().expect("a temporary folder can be made");
        Setup { folder, command: "serve", environment: Vec::new() }
    }

    /// Starts a relay in front of these upstreams, each under its format's name as provider id.
    pub(crate) fn in_front_of(upstreams: &[&FakeUpstream]) -> Self {
        Self::setup().upstreams(upstreams).start()
    }

    /// Speaks to the API port.
    pub(crate) fn client(&self) -> Client {
        Client { address: self.address }
    }

    /// Speaks to the admin port, which has to be switched on by the environment.
    pub(crate) fn admin(&self) -> Client {
        let mut address = None;
        wait_until("the admin page listens", || {
            address = self.log().iter().rev().find_map(|line| listening_address(line, "admin.address"));
            address.is_some()
        });
        Client { address: address.expect("it was found") }
    }

    /// Every line logged so far, over all starts.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("the log is not poisoned").clone()
    }

    /// Takes nothing of what the relay logs until `work` is done, as a terminal does that was stopped with Ctrl-S.
    pub(crate) fn while_nobody_reads_the_log(&self, work: impl FnOnce()) {
        // Whoever takes the lines needs this to put the next one away.
        let _held = self.log.lock().expect("the log is not poisoned");
        work();
    }

    /// Replaces `relay.yaml` as editors do: a new file moved over the old one.
    pub(crate) fn edit_relay_yaml(&self, text: &str) {
        let written = self.setup.path("relay.yaml.new");
        fs::write(&written, text).expect("the folder can be written to");
        fs::rename(written, self.setup.path("relay.yaml")).expect("files can be renamed");
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.memory_kib("VmRSS:")
    }

    /// The most memory that was ever resident at once, in KiB.
    pub(crate) fn peak_resident_kib(&self) -> u64 {
        self.memory_kib("VmHWM:")
    }

    fn memory_kib(&self, counter: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the relay runs");
        let line = status.lines().find(|line| line.starts_with(counter)).expect("the kernel counts memory");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("it counts in KiB")
    }

    /// The running process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Kills without warning and waits until the process is gone.
    pub(crate) fn kill_9(&mut self) {
        self.child.kill().expect("the relay runs");
        self.child.wait().expect("a killed child can be waited for");
    }

    /// Asks it to stop (SIGTERM).
    pub(crate) fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(killed.expect("kill can be run").success());
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        let mut ended = None;
        wait_until("the relay ends", || {
            ended = self.child.try_wait().expect("a child can be waited for");
            ended.is_some()
        });
        ended.expect("the relay has ended")
    }

    /// Starts it again in the same folder, on a new port.
    pub(crate) fn start_again(&mut self) {
        let (child, address) = self.setup.spawn(&self.log);
        self.child = child;
        self.address = address;
    }

    /// A file in the relay's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.setup.path(name)
    }

    /// What a command of the program prints, run in the relay's own folder while it serves.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.setup.program(arguments).output().expect("the program can be run");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the program prints text")
    }

    /// Runs a command in the relay's own folder, whatever becomes of it.
    pub(crate) fn run_to_end(&self, arguments: &[&str]) -> Output {
        self.setup.program(arguments).output().expect("the program can be run")
    }

    /// The report by a dimension, as soon as it counts at least `requests` requests.
    pub(crate) fn report(&self, by: &str, requests: u64) -> Value {
        let mut report = Value::Null;
        wait_until(&format!("the report counts {requests} requests"), || {
            let output = self.setup.program(&["report", "--by", by, "--format", "json"]).output();
            let output = output.expect("the program can be run");
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "report failed: {complaint}");
            report = serde_json::from_slice(&output.stdout).expect("the report is JSON");
            report["total"]["requests"].as_u64().is_some_and(|counted| counted >= requests)
        });
        report
    }
}

impl Drop for TestRelay {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log.lock().map(|lines| lines.join("\n")).unwrap_or_default();
            let _ = Write::write_all(&mut std::io::stderr(), format!("relay log:\n{log}\n").as_bytes());
        }
    }
}

impl Setup {
    /// One more variable in its environment.
    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The subcommand to run instead of `serve`.
    pub(crate) fn command(mut self, command: &'static str) -> Self {
        self.command = command;
        self
    }

    /// What stands in `relay.yaml`.
    pub(crate) fn relay_yaml(self, text: &str) -> Self {
        fs::write(self.path("relay.yaml"), text).expect("the folder can be written to");
        self
    }

    /// What stands in `overrides.yaml`.
    pub(crate) fn overrides_yaml(self, text: &str) -> Self {
        fs::write(self.path("overrides.yaml"), text).expect("the folder can be written to");
        self
    }

    /// Any other file in its folder.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.file_ref(name, text);
        self
    }

    /// The same for a setup that is used again.
    pub(crate) fn file_ref(&self, name: &str, text: &str) -> &Self {
        fs::write(self.path(name), text).expect("the folder can be written to");
        self
    }

    /// Runs a command of the program in the folder, without a relay that serves.
    pub(crate) fn call(&self, arguments: &[&str]) -> Output {
        self.call_with(arguments, "")
    }

    /// The same with this text as standard input.
    pub(crate) fn call_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.program(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        // One that does not read it closes it.
        let _ = child.stdin.take().expect("stdin is piped").write_all(input.as_bytes());
        child.wait_with_output().expect("a child can be waited for")
    }

    /// Providers in `relay.yaml` for these upstreams, each under its format's name.
    pub(crate) fn upstreams(self, upstreams: &[&FakeUpstream]) -> Self {
        let providers: String = upstreams.iter().map(|upstream| upstream.provider_yaml()).collect();
        self.relay_yaml(&format!("providers:\n{providers}"))
    }

    /// Runs it where it is expected to end by itself: it must not be able to start.
    pub(crate) fn run(self) -> Output {
        self.program(&[self.command]).output().expect("the program can be run")
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(self) -> TestRelay {
        let log = Arc::default();
        let (child, address) = self.spawn(&log);
        TestRelay { setup: self, child, address, log }
    }

    fn spawn(&self, log: &Arc<Mutex<Vec<String>>>) -> (Child, SocketAddr) {
        let mut child = self
            .program(&[self.command])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (found, listening) = mpsc::channel();
        let lines = Arc::clone(log);
        std::thread::spawn(move || collect_log(stderr, &lines, &found));
        if let Ok(address) = listening.recv_timeout(PATIENCE) {
            return (child, address);
        }
        // Not worth keeping: the failure below says what it logged.
        let _ = child.kill();
        let _ = child.wait();
        panic!("the relay did not listen; it logged:\n{}", log.lock().expect("the log is not poisoned").join("\n"));
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-relay"));
        let path = std::env::vars_os().find(|(key, _)| key == "PATH").map(|(_, path)| path).unwrap_or_default();
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", path)
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("ADMIN_ENABLED", "false")
            .env("LOG_FORMAT", "json")
            .envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn collect_log(stderr: ChildStderr, log: &Mutex<Vec<String>>, found: &Sender<SocketAddr>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let address = listening_address(&line, "api.address");
        // First into the log: whoever is told of the start looks there for the other address.
        log.lock().expect("the log is not poisoned").push(line);
        if let Some(address) = address {
            // Nobody waits any more when a start took too long; the lines are still worth keeping.
            let _ = found.send(address);
        }
    }
}

/// The address in the line that announces the listeners. Fields may stand at the top or under `fields`.
fn listening_address(line: &str, field: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = if line["fields"].is_object() { &line["fields"] } else { &line };
    (fields["message"] == "listening").then(|| fields[field].as_str()?.parse().ok())?
}

/// Asks again and again until the condition holds; fails the test when it does not in time.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
