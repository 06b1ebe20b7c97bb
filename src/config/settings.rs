//! Settings of the environment, typed and checked. Every problem is found in one go.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::reader::Reader;
use super::{KeepPrompts, Problem, Setting, Variables};
use crate::secret::Secret;

/// Characters of `SECRET_KEY` at least.
const SECRET_KEY_CHARACTERS: usize = 32;

/// Everything the environment says, one struct per area.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The API listener.
    pub api: ApiSettings,
    /// The admin listener.
    pub admin: AdminSettings,
    /// Who may call the API.
    pub auth: AuthSettings,
    /// How long providers are waited for.
    pub upstream: UpstreamSettings,
    /// Where records and the database live.
    pub store: StoreSettings,
    /// Logging.
    pub log: LogSettings,
    /// Where `relay.yaml` and `overrides.yaml` are.
    pub files: FileSettings,
    /// Under which name thinking is written on the OpenAI face.
    pub reasoning_field: ReasoningWord,
    /// `PRICE_LIST_URL`: the public list of prices that a sync fetches.
    pub price_list: Url,
    /// `KEEP_PROMPTS` and the like: what could be set on the admin listener, and cannot where the environment says it.
    pub fixed: Vec<Setting>,
}

/// LiteLLM's list, which the built-in prices were taken from.
const PRICE_LIST: &str = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json";

/// The API listener.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// `HOST` and `PORT`; 127.0.0.1:11434, where Ollama clients look.
    pub address: SocketAddr,
    /// `TRUSTED_PROXIES`: peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `ALLOWED_ORIGINS`: browser origins that may call, besides the loopback ones; `*` is any.
    pub allowed_origins: Vec<String>,
    /// `MAX_BODY_BYTES`; 32 MiB.
    pub max_body_bytes: usize,
    /// `MAX_CONNECTIONS` open at once; 10,000.
    pub max_connections: usize,
    /// `WORKER_THREADS` that serve requests; as many as there are cores.
    pub worker_threads: usize,
    /// `HEADER_TIMEOUT_SECONDS` until a request's head must be complete; 75.
    pub header_timeout: Duration,
    /// `KEEP_ALIVE_SECONDS` of silence within a stream after which a comment is sent, where the protocol has comments; 15.
    pub keep_alive: Duration,
    /// `DRAIN_SECONDS` running requests get when the relay stops; 30.
    pub drain: Duration,
}

/// The admin listener.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// `ADMIN_ENABLED`; true.
    pub enabled: bool,
    /// `ADMIN_HOST` and `ADMIN_PORT`; 127.0.0.1:8080.
    pub address: SocketAddr,
    /// `ADMIN_PASSWORD`; absent: a random one is made and printed once.
    pub password: Option<Secret>,
}

/// Who may call the API.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// `AUTH_MODE`; open when `HOST` is a loopback address, else keys.
    pub mode: AuthMode,
    /// `API_KEYS`: keys that are always valid.
    pub keys: Vec<Secret>,
}

/// Whether callers need a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Anybody may call; a bearer token is only an attribution tag.
    Open,
    /// A valid key is required.
    Keys,
}

/// How long providers are waited for.
#[derive(Debug, Clone, Copy)]
pub struct UpstreamSettings {
    /// `CONNECT_TIMEOUT_SECONDS` until the connection stands; 10.
    pub connect_timeout: Duration,
    /// `FIRST_BYTE_TIMEOUT_SECONDS` until the answer begins; 300, as models may think for minutes.
    pub first_byte_timeout: Duration,
    /// `IDLE_TIMEOUT_SECONDS` between two reads of an answer; 120.
    pub idle_timeout: Duration,
}

/// Where records and the database live.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// `DATA_DIR`; `./data`.
    pub data_dir: PathBuf,
    /// `DATABASE_URL`: the SQLite file; `relay.db` in the data folder.
    pub database: PathBuf,
    /// `SECRET_KEY`: what keys of providers are encrypted with; without it, a file in the data folder.
    pub secret_key: Option<Secret>,
}

/// Logging.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// `LOG_FORMAT`; text.
    pub format: LogFormat,
    /// `LOG_LEVEL`: a level, or directives such as `info,llm_relay::relay=debug`; info.
    pub level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Where the two configuration files are.
#[derive(Debug, Clone)]
pub struct FileSettings {
    /// `CONFIG`; `relay.yaml`.
    pub relay: ConfiguredPath,
    /// `OVERRIDES`; `overrides.yaml`.
    pub overrides: ConfiguredPath,
}

/// A file that may be absent unless somebody named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredPath {
    /// The path.
    pub path: PathBuf,
    /// It was named by a setting, so it must exist.
    pub required: bool,
}

/// Under which name thinking is written on the OpenAI face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasoningWord {
    /// As fits the client.
    Auto,
    /// `reasoning`.
    Reasoning,
    /// `reasoning_content`.
    ReasoningContent,
    /// Both.
    Both,
}

impl Settings {
    /// Reads every setting.
    ///
    /// # Errors
    /// All that is wrong, each with the setting's name.
    pub fn load(variables: &Variables) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(variables);
        let settings = Self {
            api: api(&mut reader),
            admin: admin(&mut reader),
            auth: auth(&mut reader),
            upstream: UpstreamSettings {
                connect_timeout: reader.seconds("CONNECT_TIMEOUT_SECONDS", 10),
                first_byte_timeout: reader.seconds("FIRST_BYTE_TIMEOUT_SECONDS", 300),
                idle_timeout: reader.seconds("IDLE_TIMEOUT_SECONDS", 120),
            },
            store: store(&mut reader),
            fixed: fixed(&mut reader),
            log: log(&mut reader),
            files: FileSettings {
                relay: file(&mut reader, "CONFIG", "relay.yaml"),
                overrides: file(&mut reader, "OVERRIDES", "overrides.yaml"),
            },
            reasoning_field: reader.word(
                "REASONING_FIELD",
                &[
                    ("auto", ReasoningWord::Auto),
                    ("reasoning", ReasoningWord::Reasoning),
                    ("reasoning_content", ReasoningWord::ReasoningContent),
                    ("both", ReasoningWord::Both),
                ],
            ),
            price_list: reader.parsed("PRICE_LIST_URL", web_address).unwrap_or_else(default_price_list),
        };
        reader.finish(settings)
    }
}

fn api(reader: &mut Reader<'_>) -> ApiSettings {
    ApiSettings {
        address: SocketAddr::new(host(reader, "HOST"), reader.port("PORT", 11434)),
        trusted_proxies: reader.list("TRUSTED_PROXIES", network),
        allowed_origins: reader.list("ALLOWED_ORIGINS", origin),
        max_body_bytes: reader.positive("MAX_BODY_BYTES", 32 * 1024 * 1024),
        max_connections: reader.positive("MAX_CONNECTIONS", 10_000),
        worker_threads: reader.positive("WORKER_THREADS", cores()),
        header_timeout: reader.seconds("HEADER_TIMEOUT_SECONDS", 75),
        keep_alive: reader.seconds("KEEP_ALIVE_SECONDS", 15),
        drain: reader.seconds("DRAIN_SECONDS", 30),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn admin(reader: &mut Reader<'_>) -> AdminSettings {
    AdminSettings {
        enabled: reader.word(
            "ADMIN_ENABLED",
            &[("true", true), ("false", false), ("1", true), ("0", false), ("yes", true), ("no", false)],
        ),
        address: SocketAddr::new(host(reader, "ADMIN_HOST"), reader.port("ADMIN_PORT", 8080)),
        password: reader.text("ADMIN_PASSWORD").map(Secret::new),
    }
}

fn auth(reader: &mut Reader<'_>) -> AuthSettings {
    // A relay that others can reach would let them spend the operator's money.
    let words = if host(reader, "HOST").is_loopback() {
        [("open", AuthMode::Open), ("keys", AuthMode::Keys)]
    } else {
        [("keys", AuthMode::Keys), ("open", AuthMode::Open)]
    };
    AuthSettings { mode: reader.word("AUTH_MODE", &words), keys: reader.list("API_KEYS", |key| Ok(Secret::new(key))) }
}

fn store(reader: &mut Reader<'_>) -> StoreSettings {
    let data_dir = PathBuf::from(reader.text("DATA_DIR").unwrap_or_else(|| "./data".to_owned()));
    let database = reader.parsed("DATABASE_URL", database).unwrap_or_else(|| data_dir.join("relay.db"));
    StoreSettings { data_dir, database, secret_key: reader.parsed("SECRET_KEY", secret_key) }
}

/// What the environment says of what could be set on the admin listener.
fn fixed(reader: &mut Reader<'_>) -> Vec<Setting> {
    let mut fixed = Vec::new();
    let mut take = |name: &str, parse: &dyn Fn(&str) -> Result<Setting, String>| {
        let checked = |text: &str| {
            let setting = parse(text)?;
            setting.problems().pop().map_or(Ok(setting), Err)
        };
        fixed.extend(reader.parsed(name, checked));
    };
    take("KEEP_PROMPTS", &|text| match text.to_ascii_lowercase().as_str() {
        "off" => Ok(Setting::KeepPrompts(KeepPrompts::Off)),
        "routed" => Ok(Setting::KeepPrompts(KeepPrompts::Routed)),
        "all" => Ok(Setting::KeepPrompts(KeepPrompts::All)),
        _ => Err(format!("`{text}` is not one of off, routed, all")),
    });
    take("KEEP_PROMPTS_DAYS", &|text| days(text).map(Setting::KeepPromptsDays));
    take("KEEP_REQUESTS_DAYS", &|text| days_or_ever(text).map(Setting::KeepRequestsDays));
    take("KEEP_DECISIONS_DAYS", &|text| days_or_ever(text).map(Setting::KeepDecisionsDays));
    take("REVERSE_DNS", &|text| match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(Setting::ReverseDns(true)),
        "false" | "0" | "no" => Ok(Setting::ReverseDns(false)),
        _ => Err(format!("`{text}` is not one of true, false")),
    });
    fixed
}

fn days(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("`{text}` is not a whole number of days above zero"))
}

fn days_or_ever(text: &str) -> Result<Option<u32>, String> {
    if text.eq_ignore_ascii_case("forever") { Ok(None) } else { days(text).map(Some) }
}

/// Whoever copies the database may try out short ones.
fn secret_key(text: &str) -> Result<Secret, String> {
    if text.chars().count() < SECRET_KEY_CHARACTERS {
        return Err(format!("has fewer than {SECRET_KEY_CHARACTERS} characters; make one with `openssl rand -hex 32`"));
    }
    Ok(Secret::new(text))
}

fn log(reader: &mut Reader<'_>) -> LogSettings {
    LogSettings {
        format: reader.word("LOG_FORMAT", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
        level: reader.parsed("LOG_LEVEL", log_level).unwrap_or_else(|| "info".to_owned()),
    }
}

fn file(reader: &mut Reader<'_>, name: &str, default: &str) -> ConfiguredPath {
    match reader.text(name) {
        Some(path) => ConfiguredPath { path: path.into(), required: true },
        None => ConfiguredPath { path: Path::new(default).to_owned(), required: false },
    }
}

fn host(reader: &mut Reader<'_>, name: &str) -> IpAddr {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let parse = |text: &str| match text {
        "localhost" => Ok(loopback),
        address => address
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .map_err(|_| "expected an address to listen on, such as 127.0.0.1 or 0.0.0.0".to_owned()),
    };
    reader.parsed(name, parse).unwrap_or(loopback)
}

fn network(text: &str) -> Result<IpNet, String> {
    let single = text.parse::<IpAddr>().map(IpNet::from);
    single
        .or_else(|_| text.parse())
        .map_err(|_| format!("`{text}` is neither an address nor a network like 10.0.0.0/8"))
}

fn origin(text: &str) -> Result<String, String> {
    let refused = || format!("`{text}` is not an origin like https://chat.example.org");
    if text == "*" {
        return Ok(text.to_owned());
    }
    let url = Url::parse(text).map_err(|_| refused())?;
    let origin = url.origin();
    // Browser extensions and desktop shells have origins of their own (`app://…`), which the URL standard calls opaque.
    if origin.is_tuple() { Ok(origin.ascii_serialization()) } else { Ok(text.trim_end_matches('/').to_owned()) }
}

fn default_price_list() -> Url {
    Url::parse(PRICE_LIST).expect("a test reads this address")
}

fn web_address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| "expected an address like https://host/prices.json".to_owned())
}

fn database(url: &str) -> Result<PathBuf, String> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Err("PostgreSQL is not built in yet; leave it out, or use sqlite://path".to_owned());
    }
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
    if path.is_empty() || path.contains("://") {
        return Err("expected sqlite://path or a path".to_owned());
    }
    Ok(path.into())
}

fn log_level(text: &str) -> Result<String, String> {
    // The filter itself takes any word for the name of a module.
    let is_level = |part: &str| part.contains('=') || part.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
    let is_filter = text.parse::<tracing_subscriber::filter::Targets>().is_ok();
    if is_filter && text.split(',').all(|part| is_level(part.trim())) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is none of error, warn, info, debug, trace, nor a list like info,llm_relay::relay=debug"))
    }
}

#[cfg(test)]
mod tests;
