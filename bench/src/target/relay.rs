//! The relay with everything on: keys, tags, prices, journal, database, log, admin page.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use super::child::{Process, free_address};
use crate::fake::Format;
use crate::workload::{Chat, PRICE_NANO_USD, Router, provider_id};

/// The quirks and prices that are built into the relay; ours are added to a copy.
const OVERRIDES: &str = include_str!("../../../overrides.yaml");
/// The router that histories went through: one that reports are read by.
pub(crate) const ROUTED: &str = "pinned";
/// The tag of the key.
const TAG: &str = "team-bench";

/// How long the designators of [`Router::Stalled`] may take, each and together. The second one is cut off by the latter.
const STALLED_BUDGET_MS: u32 = 80;
pub(crate) const STALLED_LIMIT_MS: u32 = 150;

/// What a configuration holds besides the providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    Nothing,
    /// A provider that is asked for its models and lists so many.
    Models(usize),
    /// Every [`Router`].
    Routers,
}

/// A relay that can be started: its program, and a folder with its configuration and its data.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    program: PathBuf,
    folder: PathBuf,
    key: String,
}

impl Setup {
    /// Writes a configuration and makes a key, in a folder that is empty or holds the data of an earlier run.
    pub(crate) fn new(program: &Path, folder: &Path, provider: SocketAddr, extra: Extra) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("relay.yaml"), configuration(provider, extra))?;
        fs::write(folder.join("overrides.yaml"), overrides())?;
        let mut setup = Self { program: program.to_owned(), folder: folder.to_owned(), key: String::new() };
        let key_file = folder.join("key");
        if !key_file.exists() {
            let key = setup.output(&["keys", "create", "bench", "--tag", TAG])?;
            fs::write(&key_file, key.trim())?;
        }
        setup.key = fs::read_to_string(&key_file)?;
        Ok(setup)
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Forgets everything, its key included.
    pub(crate) fn delete_data(&self) -> anyhow::Result<()> {
        let data = self.folder.join("data");
        fs::remove_dir_all(&data).with_context(|| format!("cannot delete {}", data.display()))
    }

    /// What `llm-relay --version` says.
    pub(crate) fn version(program: &Path) -> anyhow::Result<String> {
        let output = Command::new(program).arg("--version").output();
        let output = output.with_context(|| format!("cannot run {}", program.display()))?;
        ensure!(output.status.success(), "{} --version failed", program.display());
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Starts it; it may not listen yet. The addresses are the API's and the admin listener's.
    pub(super) fn start(&self) -> anyhow::Result<(Process, [SocketAddr; 2])> {
        let (address, admin) = (free_address()?, free_address()?);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("relay.log"))?;
        let mut command = self.command();
        command.env("PORT", address.port().to_string()).env("ADMIN_PORT", admin.port().to_string());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok((Process::spawn(&mut command)?, [address, admin]))
    }

    /// The sums of all records in the database. Only while no relay runs on it is nothing missing.
    pub(crate) fn report(&self) -> anyhow::Result<Report> {
        let json = self.output(&["report", "--by", "router", "--format", "json", "--from", "2020-01-01"])?;
        serde_json::from_str(&json).with_context(|| format!("not a report: {json}"))
    }

    /// The end of the log, for messages.
    pub(super) fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.folder.join("relay.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // Nothing of the caller's environment: a provider's key there would add its models. What is not set here is at
        // its default, the log among it.
        command.env_clear().current_dir(&self.folder).envs([
            ("HOST", "127.0.0.1"),
            ("AUTH_MODE", "keys"),
            ("ADMIN_ENABLED", "true"),
            ("ADMIN_PASSWORD", "not-a-secret"),
            ("DATA_DIR", "data"),
            ("CONFIG", "relay.yaml"),
            ("OVERRIDES", "overrides.yaml"),
        ]);
        command
    }

    fn output(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command().args(arguments).output();
        let output = output.with_context(|| format!("cannot run {}", self.program.display()))?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            bail!("{} {}: {message}", self.program.display(), arguments.join(" "));
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// A relay's report.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Report {
    rows: Vec<Row>,
    pub(crate) total: Sums,
}

#[derive(Debug, Clone, Deserialize)]
struct Row {
    /// A router; empty: the client named a model.
    key: String,
    #[serde(flatten)]
    sums: Sums,
}

impl Report {
    /// The sums of what went through a router, or through none.
    pub(super) fn of(&self, router: Option<Router>) -> Sums {
        let key = router.map_or("", Router::name);
        self.rows.iter().find(|row| row.key == key).map_or_else(Sums::default, |row| row.sums)
    }
}

/// Sums of a report.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Sums {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) cost_nano_usd: u64,
    pub(crate) unpriced_requests: u64,
    pub(crate) estimated_requests: u64,
}

const FORMATS: [Format; 4] = [Format::OpenAi, Format::Anthropic, Format::Gemini, Format::Ollama];

fn configuration(provider: SocketAddr, extra: Extra) -> String {
    let mut yaml = "providers:\n".to_owned();
    for format in FORMATS {
        let (protocol, path) = match format {
            Format::OpenAi => ("openai", "/v1"),
            Format::Anthropic => ("anthropic", "/v1"),
            Format::Gemini => ("gemini", "/v1beta"),
            Format::Ollama => ("ollama", ""),
        };
        let id = provider_id(format);
        // Routers choose among models their provider is known to have.
        let models = if extra == Extra::Routers && format == Format::OpenAi {
            format!(", models: [{}]", candidates().join(", "))
        } else {
            String::new()
        };
        writeln!(
            yaml,
            "  {id}: {{ protocol: {protocol}, base_url: \"http://{provider}{path}\", api_key: sk-fake, local: false, \
             discover: false{models} }}"
        )
        .expect("writing to memory does not fail");
    }
    match extra {
        Extra::Nothing => {}
        Extra::Models(n_models) => {
            let url = format!("http://{provider}/list-{n_models}/v1");
            writeln!(yaml, "  fake-many: {{ protocol: openai, base_url: \"{url}\", api_key: sk-fake }}")
                .expect("writing to memory does not fail");
        }
        Extra::Routers => {
            yaml.push_str("routers:\n");
            yaml.extend(Router::ALL.map(router));
        }
    }
    yaml
}

/// Three models that all give the answer of [`Chat::WHOLE`]; what stands before the last `/` means nothing to the fake
/// provider.
fn candidates() -> [String; 3] {
    let script = Chat::WHOLE.script;
    [script.to_string(), format!("second/{script}"), format!("third/{script}")]
}

/// A router over the three candidates.
fn router(router: Router) -> String {
    let provider = provider_id(Format::OpenAi);
    let (name, designator) = (router.name(), router.designator());
    let [first, second, third] = candidates();
    // What must be remembered is so for the whole run, and every designator is asked as if it had never failed.
    let settings = match router {
        Router::Pinned => "strategy: per_session, session_ttl: 1h, cache_ttl: 0s".to_owned(),
        Router::Cached => "cache_ttl: 1h".to_owned(),
        Router::Asking => "cache_ttl: 0s".to_owned(),
        Router::Stalled => format!(
            "cache_ttl: 0s, second_designator: {provider}/second/{designator}, budget: {STALLED_BUDGET_MS}ms, \
             hard_limit: {STALLED_LIMIT_MS}ms, breaker_time: 1ms"
        ),
    };
    format!(
        "  {name}:
    {{ purpose: the questions of a small team, designator: {provider}/{designator}, {settings},
      fallback: {provider}/{first}, candidates: [
        {{ model: {provider}/{first}, notes: short everyday questions }},
        {{ model: {provider}/{second}, notes: long analysis and code }},
        {{ model: {provider}/{third}, notes: anything about pictures }}] }}\n"
    )
}

/// The built-in quirks and prices, and a price for whatever our providers are asked for.
fn overrides() -> String {
    let (input, output) = PRICE_NANO_USD;
    let mut yaml = OVERRIDES.to_owned();
    for format in FORMATS {
        let id = provider_id(format);
        // A nano-USD per token is a thousandth of a USD per million tokens.
        let price = format!("{{ input: {}, output: {} }}", input / 1_000, output / 1_000);
        writeln!(yaml, "  {id}:\n    defaults: {{ price: {price} }}").expect("writing to memory does not fail");
    }
    yaml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_by_router() {
        let sums = r#""errors":0,"cost_nano_usd":5,"unpriced_requests":0,"estimated_requests":0"#;
        let row = |key: &str, requests| format!(r#"{{"key":"{key}","requests":{requests},{sums}}}"#);
        let json = format!(r#"{{"rows":[{},{}],"total":{}}}"#, row("", 1), row("pinned", 2), row("", 3));
        let report: Report = serde_json::from_str(&json).unwrap();
        let routers = [None, Some(Router::Pinned), Some(Router::Cached)];
        assert_eq!(routers.map(|router| report.of(router).requests), [1, 2, 0]);
    }

    #[test]
    fn our_prices_are_whole_dollars_per_million_and_the_file_ends_in_its_providers() {
        assert_eq!((PRICE_NANO_USD.0 % 1_000, PRICE_NANO_USD.1 % 1_000), (0, 0));
        let top_level = OVERRIDES.lines().rfind(|line| line.starts_with(|first: char| first.is_ascii_alphabetic()));
        assert_eq!(top_level, Some("providers:"));
        assert!(overrides().ends_with("  fake-ollama:\n    defaults: { price: { input: 1, output: 2 } }\n"));
    }
}
