//! The composition root: builds every part once from values, owns the background tasks, stops everything in order.

mod admin_listener;
mod configuration;
mod discovery;
mod host_names;
mod lists;
mod playground;
mod retention;
mod tasks;
mod watch;
mod workbench;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::admin::{self, Instruments};
use crate::auth::{self, AuthMode};
use crate::catalog::{Catalog, ProviderOrigin};
use crate::clock::UnixMillis;
use crate::config::{self, Problem, ReasoningWord, Settings, Variables};
use crate::listener::{self, Limits};
use crate::log::RecentLog;
use crate::protocol::ReasoningField;
use crate::providers::{Timeouts, Transport};
use crate::relay::Relay;
use crate::secret::Secret;
use crate::server::{self, Policy, Shared};
use crate::store::history::Author;
use crate::store::{Store, keys};
use crate::tracking::{Journal, Recorder};
use admin_listener::AdminListener;
use configuration::{Configuration, Stored};
use lists::Lists;
use playground::Playground;
use tasks::Tasks;

pub use workbench::Workbench;

/// The transport, shared by requests and discovery.
type SharedTransport = Arc<Transport>;

/// How long background tasks get to end once told to.
const TASKS_STOP: Duration = Duration::from_secs(10);

/// Connections of the admin page served at once: a few browsers.
const ADMIN_CONNECTIONS: usize = 256;

/// A running relay.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    new_key: Option<Secret>,
    new_password: Option<Secret>,
    /// The listeners, which end before the other tasks do.
    serving: Tasks,
    drain: Duration,
    tasks: Tasks,
    /// Whoever watches it is let go when the relay stops.
    log: Arc<RecentLog>,
}

/// Why the relay does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is refused.
    #[error("{}", config::check(.0).trim_end())]
    Configuration(Vec<Problem>),
    /// Something else.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl App {
    /// Starts a relay: opens the store, reads the configuration, binds the address, begins to serve.
    ///
    /// # Errors
    /// [`StartError`], before anything is served.
    pub async fn start(variables: Variables, settings: Settings, log: Arc<RecentLog>) -> Result<Self, StartError> {
        let database = settings.store.database.clone();
        let store = Store::open(&database).with_context(|| format!("database {}", database.display()))?;
        let journal = Journal::open(&settings.store.data_dir.join("journal")).context("journal in DATA_DIR")?;
        let journal = Arc::new(journal);
        let stored = store.blocking(Stored::read).context("keys and routers in the database")?;
        let (configuration, warnings) =
            Configuration::load(variables, &settings, stored).map_err(StartError::Configuration)?;
        configuration::warn(&warnings);
        if !configuration.catalog().load().providers().iter().any(|provider| provider.is_ready()) {
            tracing::warn!(
                "no provider is ready: set a key such as OPENAI_API_KEY or ANTHROPIC_API_KEY, OLLAMA_BASE_URL for models of \
                 your own, or `providers` in relay.yaml; `llm-relay demo` needs none"
            );
        }
        let configuration = Arc::new(configuration);
        let auth_mode = match settings.auth.mode {
            config::AuthMode::Open => AuthMode::Open,
            config::AuthMode::Keys => AuthMode::Keys,
        };
        let listener = listener::bind(settings.api.address).await.with_context(|| in_use(settings.api.address))?;
        let address = listener.address();
        refuse_to_call_itself(&configuration, address)?;
        store.blocking(|conn| configuration.at_address(address, conn)).context("entries in the database")?;
        let admin = AdminListener::bind(&settings.admin).await?;
        let admin_address = admin.as_ref().map(AdminListener::address);
        // Not before the addresses are ours: a key that is stored but never told would be of no use to anybody.
        let new_key = if auth_mode == AuthMode::Keys { first_key(&store, &configuration)? } else { None };
        let needs_password = settings.admin.enabled && settings.admin.password.is_none();
        let new_password = if needs_password {
            store.blocking(admin::first_password).context("cannot store the first admin password")?
        } else {
            None
        };

        let transport = Arc::new(Transport::new(timeouts(&settings)));
        let policy = Policy {
            auth_mode,
            trusted_proxies: settings.api.trusted_proxies.clone(),
            allowed_origins: settings.api.allowed_origins.clone(),
            loopback_only: settings.api.address.ip().is_loopback(),
            max_body_bytes: settings.api.max_body_bytes,
            reasoning_field: match settings.reasoning_field {
                ReasoningWord::Auto => None,
                ReasoningWord::Reasoning => Some(ReasoningField::Reasoning),
                ReasoningWord::ReasoningContent => Some(ReasoningField::ReasoningContent),
                ReasoningWord::Both => Some(ReasoningField::Both),
            },
        };
        let relay = Arc::new(Relay::new(transport.clone(), journal.clone(), settings.api.keep_alive));
        let shared = Shared::new(
            configuration.catalog().clone(),
            configuration.keys().clone(),
            configuration.keeping().clone(),
            relay.clone(),
            policy,
        );
        let shared = Arc::new(shared);
        let instances_changed = shared.instances_changed.clone();

        let limits = Limits {
            max_connections: settings.api.max_connections,
            header_timeout: settings.api.header_timeout,
            drain: settings.api.drain,
        };
        let (serving, tasks) = (Tasks::default(), Tasks::default());
        if let Some(admin) = admin {
            let instruments = Instruments {
                log: log.clone(),
                journal: Some(journal.clone()),
                api_connections: listener.connections(),
                api_requests: listener.requests(),
                max_connections: settings.api.max_connections,
                admin_connections: admin.listener.connections(),
                database: database.clone(),
                data_dir: settings.store.data_dir.clone(),
            };
            let policy = admin::Policy {
                password: settings.admin.password.clone(),
                trusted_proxies: settings.api.trusted_proxies.clone(),
                loopback_only: settings.admin.address.ip().is_loopback(),
                api_address: address,
                fixed: settings.fixed.clone(),
                auth_mode,
            };
            let pages = admin::Shared::new(
                configuration.catalog().clone(),
                configuration.clone(),
                relay.clone(),
                Arc::new(Playground(shared.clone())),
                store.clone(),
                policy,
                instruments,
            )
            .with_lists(Arc::new(Lists {
                configuration: configuration.clone(),
                transport: transport.clone(),
                price_list: settings.price_list.clone(),
            }));
            let limits = Limits { max_connections: ADMIN_CONNECTIONS, ..limits };
            let pages = Arc::new(pages);
            let service = admin::service(pages.clone());
            tasks.start(|stop| watch::access(pages, stop));
            serving.start(|stop| async move { ended("admin", admin.listener.serve(service, limits, stop).await) });
        }
        let service = server::service(shared);
        serving.start(|stop| async move { ended("api", listener.serve(service, limits, stop).await) });

        tasks.start(|stop| Recorder::new(store.clone(), journal).run(stop));
        tasks.start(|stop| retention::run(store.clone(), configuration.clone(), stop));
        tasks.start(|stop| host_names::run(store.clone(), configuration.clone(), stop));
        tasks.start(|stop| watch::files(configuration.clone(), stop));
        tasks.start(|stop| watch::database(configuration.clone(), store, stop));
        tasks.start(|stop| discovery::run(configuration, transport, instances_changed, stop));
        tracing::info!(
            api.address = %address,
            admin.address = admin_address.map(tracing::field::display),
            auth.mode = ?auth_mode,
            version = env!("CARGO_PKG_VERSION"),
            "listening"
        );
        Ok(Self { address, admin_address, new_key, new_password, serving, drain: limits.drain, tasks, log })
    }

    /// The API's address, with the port the system chose if it was left to it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The admin page's address; `None` when it is switched off.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// The admin password that was made because there was none. It is told once.
    pub fn take_new_password(&mut self) -> Option<Secret> {
        self.new_password.take()
    }

    /// The key that was made because keys are needed and there was none. It is told once.
    pub fn take_new_key(&mut self) -> Option<Secret> {
        self.new_key.take()
    }

    /// Refuses new requests, lets those in flight finish within the drain time, then stores the last records.
    pub async fn stop(self) {
        self.log.close();
        if !self.serving.stop(self.drain + TASKS_STOP).await {
            tracing::error!("a listener did not end");
        }
        if !self.tasks.stop(TASKS_STOP).await {
            tracing::warn!("background tasks did not end in time; records wait in the journal");
        }
        tracing::info!("stopped");
    }
}

/// Everything wrong with the configuration, without starting anything.
pub fn check(variables: &Variables, settings: &Settings) -> Vec<Problem> {
    let (stored, unreadable) = match stored(settings) {
        Ok(stored) => (stored, None),
        Err(error) => (Stored::default(), Some(Problem::error("DATABASE_URL", format!("{error:#}")))),
    };
    let mut problems = match Configuration::load(variables.clone(), settings, stored) {
        Ok((_, problems)) | Err(problems) => problems,
    };
    problems.extend(unreadable);
    problems
}

/// What the database says, if there is one.
fn stored(settings: &Settings) -> anyhow::Result<Stored> {
    let database = &settings.store.database;
    if !database.exists() {
        return Ok(Stored::default());
    }
    let store = Store::open(database).with_context(|| format!("database {}", database.display()))?;
    Ok(store.blocking(Stored::read)?)
}

/// The catalog a relay with this configuration would have, after asking each provider for its models once.
///
/// # Errors
/// [`StartError::Configuration`] when the configuration is refused.
pub async fn current_catalog(variables: Variables, settings: &Settings) -> Result<Arc<Catalog>, StartError> {
    let (configuration, _) =
        Configuration::load(variables, settings, stored(settings)?).map_err(StartError::Configuration)?;
    let transport = Arc::new(Transport::new(timeouts(settings)));
    discovery::ask_all(&configuration, &transport, true).await;
    Ok(configuration.catalog().load_full())
}

/// Says so when a listener had to leave answers behind.
fn ended(listener: &str, all_answered: bool) {
    if !all_answered {
        tracing::warn!(listener, "some answers were still running at the end of the drain time");
    }
}

fn timeouts(settings: &Settings) -> Timeouts {
    Timeouts {
        connect: settings.upstream.connect_timeout,
        first_byte: settings.upstream.first_byte_timeout,
        idle: settings.upstream.idle_timeout,
    }
}

/// A key, when there is none at all.
fn first_key(store: &Store, configuration: &Configuration) -> anyhow::Result<Option<Secret>> {
    if !configuration.keys().load().is_empty() {
        return Ok(None);
    }
    let minted = auth::new_key();
    let row = minted.to_stored("first", Vec::new(), Vec::new(), None, UnixMillis::now());
    store
        .blocking(|conn| {
            conn.transaction(|tx| keys::create(tx, &row, &Author::FirstStart))?;
            configuration.follow_stored_keys(conn)
        })
        .context("cannot store the first API key")?;
    Ok(Some(minted.key))
}

/// A provider at the relay's own address would have every request go round until a timeout ends it: the usual way to
/// get there is an `OLLAMA_BASE_URL` that was right before the relay took Ollama's port. One of the database is merely
/// kept out, because the page on which it could be put right has to start.
fn refuse_to_call_itself(configuration: &Configuration, own: SocketAddr) -> anyhow::Result<()> {
    for provider in configuration.catalog().load().providers().iter().filter(|provider| provider.is_ready()) {
        anyhow::ensure!(
            provider.origin == ProviderOrigin::Database || !configuration::is_own_address(&provider.base_url, own),
            "provider `{}` is configured at {}, which is the relay's own address; give the relay another PORT, or the \
             provider its real address",
            provider.id,
            provider.base_url
        );
    }
    Ok(())
}

/// What to say when an address cannot be used; the usual reason is a real Ollama.
fn in_use(address: SocketAddr) -> String {
    let who = if ollama_answers(address) { " (an Ollama server answers there)" } else { "" };
    format!(
        "cannot listen on {address}{who}; set PORT to another port, or move Ollama with OLLAMA_HOST and point \
         OLLAMA_BASE_URL at it"
    )
}

/// Whether an Ollama server holds the address. Asked only when the relay cannot start anyway.
fn ollama_answers(address: SocketAddr) -> bool {
    use std::io::{Read, Write};
    let short = Duration::from_millis(300);
    let ask = || -> std::io::Result<bool> {
        let mut stream = std::net::TcpStream::connect_timeout(&address, short)?;
        stream.set_read_timeout(Some(short))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut answer = [0; 2048];
        let mut length = 0;
        while let Ok(more @ 1..) = stream.read(&mut answer[length..]) {
            length += more;
        }
        Ok(memchr::memmem::find(&answer[..length], b"Ollama is running").is_some())
    };
    ask().unwrap_or(false)
}
