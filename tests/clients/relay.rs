//! The relay as a child process, with a folder of its own and nothing inherited but `PATH`.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::service::{self, Service};

/// How long a condition may take to come true before the test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running relay. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub(crate) struct Relay {
    service: Service,
    address: SocketAddr,
    folder: TempDir,
}

impl Relay {
    /// Starts a relay with this `relay.yaml` and these variables, and waits until it listens.
    pub(crate) fn start(relay_yaml: &str, environment: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        fs::write(folder.path().join("relay.yaml"), relay_yaml).expect("the folder can be written to");
        let mut command = program(&folder);
        command.env("PORT", "0").envs(environment.iter().copied());
        let (service, address) = Service::start(&mut command, listening_address);
        Self { service, address, folder }
    }

    /// Where its API is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the list of models, which is gathered in the background, names all of these.
    pub(crate) fn wait_for_models(&self, models: &[&str]) {
        wait_until(|| {
            let list = self.get("/v1/models");
            match models.iter().find(|model| !list.contains(**model)) {
                Some(missing) => Err(format!("{missing} is not in {list}\n{}", self.service.output())),
                None => Ok(()),
            }
        });
    }

    /// The report by a dimension, as soon as it counts at least this many requests.
    pub(crate) fn report_by(&self, dimension: &str, requests: u64) -> Value {
        wait_until(|| {
            let mut command = program(&self.folder);
            let text = service::run(command.args(["report", "--by", dimension, "--format", "json"]));
            let report: Value = serde_json::from_str(&text).expect("the report is JSON");
            let counted = report["total"]["requests"].as_u64().unwrap_or_default();
            if counted >= requests { Ok(report) } else { Err(format!("counts {counted} of {requests} requests")) }
        })
    }

    /// An answer with its head, as text.
    fn get(&self, path: &str) -> String {
        let mut connection = TcpStream::connect(self.address).expect("the relay listens");
        write!(connection, "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address)
            .expect("the relay reads");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("the answer is text");
        answer
    }
}

fn program(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-relay"));
    let path = std::env::vars_os().find(|(key, _)| key == "PATH").map(|(_, path)| path).unwrap_or_default();
    command
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", path)
        .env("ADMIN_ENABLED", "false")
        .env("LOG_FORMAT", "json");
    command
}

/// The address in the log line that announces the API listener.
fn listening_address(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["message"] == "listening").then(|| line["api.address"].as_str()?.parse().ok())?
}

/// Asks again and again until the answer is good; fails the test with the last complaint when that takes too long.
fn wait_until<T>(mut condition: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match condition() {
            Ok(value) => return value,
            Err(complaint) => assert!(Instant::now() < deadline, "not in {PATIENCE:?}: {complaint}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
