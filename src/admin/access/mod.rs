//! Who may use the admin listener: whoever knows the password, a browser that logged in with it, a script with a token.
//!
//! [`Access`] judges requests. What it knows of the database it keeps in memory and reads again once a second, so that
//! requests wait for the database only where a browser logs in, or one is seen that logged in at another process.
//! `password` hashes, `throttle` puts a price on guessing, `session` says when a login ends, `cookie` is how a browser
//! shows it, `token` makes API tokens.

pub(super) mod cookie;
mod memory;
mod password;
mod session;
mod throttle;
mod token;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::sync::{OnceCell, Semaphore};

use crate::auth::KeyHash;
use crate::clock::UnixMillis;
use crate::secret::Secret;
use crate::store::admin::{self, Setting, StoredSession, StoredToken};
use crate::store::history::Author;
use crate::store::{Conn, Store, StoreError};
use cookie::Ticket;
use memory::{Known, Memory};
use throttle::Throttle;
pub use token::{TokenError, create_token};

/// Browsers logged in at once; beyond that the one seen least lately has to log in again.
const MAX_SESSIONS: u32 = 256;

/// Who may use the admin listener.
pub(super) struct Access {
    store: Store,
    /// `ADMIN_PASSWORD`. Compared in constant time. It lives in memory only, so a fast hash gives nothing away.
    variable: Option<Secret>,
    throttle: Throttle,
    memory: Mutex<Memory>,
    settled: OnceCell<()>,
    /// One hash at a time: it takes a core and 7 MiB.
    hashing: Arc<Semaphore>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is somebody who may.
    Admitted(Who),
    /// Nothing was shown: what browsers do first.
    Unknown,
    /// The password or the token is wrong.
    Wrong,
    /// The token of this name was right until then.
    Expired { token: String, ended: UnixMillis },
    /// Too many wrong ones came from this address; whether this one is right is not said for so long.
    Throttled(Duration),
}

/// How somebody who may was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// By the password, with the request itself.
    Password,
    /// By the token of this name.
    Token(String),
    /// By the cookie of the session with this hash.
    Browser(String),
}

impl Who {
    /// Under which name this one changes something.
    pub(super) fn author(&self) -> Author {
        match self {
            Self::Password | Self::Browser(_) => Author::Admin,
            Self::Token(name) => Author::Token(name.clone()),
        }
    }
}

/// Why the password is not changed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// `ADMIN_PASSWORD` says what it is.
    Variable,
    /// The new one is too short or far too long.
    Length,
    /// The old one was not shown.
    Old(Verdict),
}

impl Access {
    pub(super) fn new(store: Store, variable: Option<Secret>) -> Self {
        Self {
            store,
            variable,
            throttle: Throttle::default(),
            memory: Mutex::new(Memory::new()),
            settled: OnceCell::new(),
            hashing: Arc::new(Semaphore::new(1)),
        }
    }

    /// Looks at the cookie and the `Authorization` header of a request.
    pub(super) async fn judge(
        self: &Arc<Self>,
        headers: &HeaderMap,
        over_tls: bool,
        client: IpAddr,
    ) -> Result<Verdict, StoreError> {
        if let Some(cookie) = cookie::of(headers, over_tls)
            && let Some(hash) = self.session(cookie, UnixMillis::now()).await?
        {
            return Ok(Verdict::Admitted(Who::Browser(hash)));
        }
        let Some(authorization) = headers.get(AUTHORIZATION) else { return Ok(Verdict::Unknown) };
        let (scheme, credentials) =
            authorization.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
        if scheme.eq_ignore_ascii_case("bearer") {
            self.settle().await?;
            let hash = KeyHash::of(credentials.trim()).to_hex();
            // Tokens cannot be guessed, so a wrong one is no failure: a forgotten script must not lock its neighbours out.
            return Ok(self.memory().use_token(&hash, UnixMillis::now()));
        }
        if scheme.eq_ignore_ascii_case("basic")
            && let Some(password) = password_of(credentials)
        {
            return self.prove(password, client).await;
        }
        Ok(self.throttle.fail(client, Instant::now()).map_or(Verdict::Wrong, Verdict::Throttled))
    }

    /// Whether this is the password. One that was proven lately is known again without argon2.
    async fn prove(self: &Arc<Self>, password: Secret, client: IpAddr) -> Result<Verdict, StoreError> {
        self.settle().await?;
        if let Some(wait) = self.throttle.wait(client, Instant::now()) {
            return Ok(Verdict::Throttled(wait));
        }
        let shown = KeyHash::of(password.expose());
        if let Some(variable) = &self.variable {
            if KeyHash::of(variable.expose()) == shown {
                return Ok(Verdict::Admitted(Who::Password));
            }
            return Ok(self.throttle.fail(client, Instant::now()).map_or(Verdict::Wrong, Verdict::Throttled));
        }
        if self.memory().is_proven(shown) {
            return Ok(Verdict::Admitted(Who::Password));
        }
        let access = self.clone();
        self.hashed(move || {
            // Others may have failed while this attempt waited for its turn.
            if let Some(wait) = access.throttle.wait(client, Instant::now()) {
                return Verdict::Throttled(wait);
            }
            let hash = access.memory().password().map(ToOwned::to_owned);
            if let Some(hash) = hash.filter(|hash| password::is_right(&password, hash)) {
                access.memory().proven(&hash, shown);
                return Verdict::Admitted(Who::Password);
            }
            access.throttle.fail(client, Instant::now()).map_or(Verdict::Wrong, Verdict::Throttled)
        })
        .await
    }

    /// Does what hashes. It ends and counts even if whoever asked goes away.
    async fn hashed<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
        let turn = self.hashing.clone().acquire_owned().await.expect("the semaphore is never closed");
        #[expect(clippy::disallowed_methods, reason = "a hash takes a core for a while, but no database connection")]
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        task.await.map_err(StoreError::CutShort)
    }

    /// The session of a cookie that is logged in, and the note that it was seen.
    async fn session(&self, cookie: &str, now: UnixMillis) -> Result<Option<String>, StoreError> {
        self.settle().await?;
        let (hash, generation) = {
            let mut memory = self.memory();
            let Some(hash) = memory.check(cookie) else { return Ok(None) };
            if let Some(is_live) = memory.see(&hash, now) {
                return Ok(is_live.then_some(hash));
            }
            (hash, memory.generation())
        };
        let asked = hash.clone();
        let Some(stored) = self.store.run(move |conn| admin::session(conn, &asked)).await? else { return Ok(None) };
        Ok(self.memory().meet(&stored, generation, now).then_some(hash))
    }

    /// Logs a browser in: its cookie, or why not.
    pub(super) async fn login(
        self: &Arc<Self>,
        password: Secret,
        client: IpAddr,
    ) -> Result<Result<String, Verdict>, StoreError> {
        self.settle().await?;
        let proven_against = self.memory().password().map(ToOwned::to_owned);
        match self.prove(password, client).await? {
            Verdict::Admitted(_) => {}
            verdict => return Ok(Err(verdict)),
        }
        let Ticket { value, hash } = self.memory().ticket();
        let now = UnixMillis::now();
        let stored = StoredSession { hash, created: now, seen: now };
        let (row, is_variable) = (stored.clone(), self.variable.is_some());
        let is_created = self
            .store
            .run(move |conn| {
                conn.transaction(|tx| {
                    // A password that was changed meanwhile, here or at another process, opens nothing any more.
                    if !is_variable && admin::setting(tx, Setting::Password)? != proven_against {
                        return Ok(false);
                    }
                    admin::create_session(tx, &row, MAX_SESSIONS)?;
                    Ok(true)
                })
            })
            .await?;
        if !is_created {
            return Ok(Err(Verdict::Wrong));
        }
        self.memory().logged_in(&stored);
        Ok(Ok(value))
    }

    /// Logs a browser out.
    pub(super) async fn logout(&self, hash: String) -> Result<(), StoreError> {
        let ended = hash.clone();
        self.store.run(move |conn| admin::end_session(conn, &ended)).await?;
        self.memory().logged_out(&hash);
        Ok(())
    }

    /// Changes the password. All logins end but the one that did it.
    pub(super) async fn change_password(
        self: &Arc<Self>,
        old: Secret,
        new: Secret,
        who: &Who,
        client: IpAddr,
    ) -> Result<Result<(), Refusal>, StoreError> {
        if self.variable.is_some() {
            return Ok(Err(Refusal::Variable));
        }
        if new.expose().chars().count() < password::MIN_CHARACTERS || new.expose().len() > password::MAX_BYTES {
            return Ok(Err(Refusal::Length));
        }
        match self.prove(old, client).await? {
            Verdict::Admitted(_) => {}
            verdict => return Ok(Err(Refusal::Old(verdict))),
        }
        let shown = KeyHash::of(new.expose());
        let hash = self.hashed(move || password::hash(&new)).await?;
        let kept = match who {
            Who::Browser(session) => Some(session.clone()),
            Who::Password | Who::Token(_) => None,
        };
        let (row, but) = (hash.clone(), kept.clone());
        self.store.run(move |conn| keep_password(conn, &row, but.as_deref())).await?;
        self.memory().changed_password(hash, shown, kept.as_deref());
        Ok(Ok(()))
    }

    /// Makes a token that holds until it `expires`, or else for good.
    pub(super) async fn create_token(
        &self,
        name: String,
        expires: Option<UnixMillis>,
    ) -> Result<(Secret, StoredToken), TokenError> {
        let made = self.store.run(move |conn| Ok(create_token(conn, &name, expires, UnixMillis::now()))).await?;
        if let Ok((_, stored)) = &made {
            self.memory().made_token(stored);
        }
        made
    }

    /// Takes a token back. `false`: there is none of this name.
    pub(super) async fn revoke_token(&self, name: String) -> Result<bool, StoreError> {
        let revoked = name.clone();
        let existed = self.store.run(move |conn| admin::revoke_token(conn, &revoked)).await?;
        self.memory().revoked_token(&name);
        Ok(existed)
    }

    /// Writes down who was seen, and reads again what other processes may have changed.
    pub(super) async fn follow(&self) -> Result<(), StoreError> {
        self.settle().await?;
        let (generation, unwritten) = {
            let memory = self.memory();
            (memory.generation(), memory.unwritten())
        };
        let known = self
            .store
            .run(move |conn| {
                if !unwritten.is_empty() {
                    conn.transaction(|tx| unwritten.write(tx))?;
                }
                conn.read(Known::read)
            })
            .await?;
        self.memory().adopt(known, generation);
        Ok(())
    }

    /// Does once what has to come before any judgement: notices a new `ADMIN_PASSWORD`, and reads what there is.
    async fn settle(&self) -> Result<(), StoreError> {
        let settle = async || {
            let variable = self.variable.clone();
            let known = self.store.run(move |conn| settle(conn, variable.as_ref())).await?;
            let mut memory = self.memory();
            let generation = memory.generation();
            memory.adopt(known, generation);
            Ok(())
        };
        self.settled.get_or_try_init(settle).await.copied()
    }

    /// Held for a moment only.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A password for the database, if it has none. It is told once.
///
/// # Errors
/// When the database cannot be used.
pub fn first_password(conn: &mut Conn<'_>) -> Result<Option<Secret>, StoreError> {
    if admin::setting(conn, Setting::Password)?.is_some() {
        return Ok(None);
    }
    let password = password::new();
    Ok(admin::set_if_absent(conn, Setting::Password, &password::hash(&password))?.then_some(password))
}

/// Makes a new password in place of the one in the database. All logins end.
///
/// # Errors
/// When the database cannot be used.
pub fn reset_password(conn: &mut Conn<'_>) -> Result<Secret, StoreError> {
    let password = password::new();
    keep_password(conn, &password::hash(&password), None)?;
    Ok(password)
}

fn keep_password(conn: &mut Conn<'_>, hash: &str, kept: Option<&str>) -> Result<(), StoreError> {
    conn.transaction(|tx| {
        admin::set(tx, Setting::Password, Some(hash))?;
        admin::end_sessions_but(tx, kept)
    })
}

/// Logins made with another `ADMIN_PASSWORD` end, and so do those made with one where there is none any more and the
/// other way round.
fn settle(conn: &mut Conn<'_>, variable: Option<&Secret>) -> Result<Known, StoreError> {
    let before = admin::setting(conn, Setting::Variable)?;
    let is_the_same = match (variable, &before) {
        (Some(variable), Some(hash)) => password::is_right(variable, hash),
        (None, None) => true,
        _ => false,
    };
    if !is_the_same {
        let hash = variable.map(password::hash);
        conn.transaction(|tx| {
            admin::set(tx, Setting::Variable, hash.as_deref())?;
            admin::end_sessions_but(tx, None)
        })?;
    }
    admin::set_if_absent(conn, Setting::CookieKey, &cookie::new_key())?;
    conn.read(Known::read)
}

/// The password of `Basic` credentials (RFC 7617: base64 of `user:password`), whoever the user is.
fn password_of(credentials: &str) -> Option<Secret> {
    let decoded = STANDARD.decode(credentials.trim()).ok()?;
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Secret::new(password))
}

#[cfg(test)]
mod tests;
