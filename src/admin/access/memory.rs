//! What is known of passwords, logins and tokens without asking the database.

use std::collections::HashMap;

use super::cookie::{self, CookieKey, Ticket};
use super::session::{Session, is_worth_writing};
use super::{Verdict, Who};
use crate::auth::KeyHash;
use crate::clock::UnixMillis;
use crate::store::admin::{self, Setting, StoredSession, StoredToken};
use crate::store::{Conn, StoreError};

/// What the database says at a moment.
pub(super) struct Known {
    cookie_key: String,
    password: Option<String>,
    sessions: Vec<StoredSession>,
    tokens: Vec<StoredToken>,
}

impl Known {
    pub(super) fn read(conn: &mut Conn<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            cookie_key: admin::setting(conn, Setting::CookieKey)?.unwrap_or_default(),
            password: admin::setting(conn, Setting::Password)?,
            sessions: admin::sessions(conn)?,
            tokens: admin::tokens(conn)?,
        })
    }
}

/// Uses the database does not know of yet.
#[derive(Default)]
pub(super) struct Unwritten {
    sessions: Vec<(String, UnixMillis)>,
    tokens: Vec<(String, UnixMillis)>,
}

impl Unwritten {
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.tokens.is_empty()
    }

    pub(super) fn write(&self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        for (hash, at) in &self.sessions {
            admin::touch_session(conn, hash, *at)?;
        }
        for (hash, at) in &self.tokens {
            admin::touch_token(conn, hash, *at)?;
        }
        Ok(())
    }
}

/// The copy in memory. There are as many sessions in it as the database holds, which is bounded there.
pub(super) struct Memory {
    /// Counts our own changes: what was read before one of them is not adopted after it.
    generation: u64,
    cookie_key: CookieKey,
    /// The argon2id hash in the database.
    password: Option<String>,
    /// A password that fits it.
    proven: Option<KeyHash>,
    /// By the hash of the cookie. Whoever does not know the cookie cannot choose its hash, so comparing hashes tells
    /// nothing by its time. The same holds for tokens.
    sessions: HashMap<String, Session>,
    tokens: HashMap<String, TokenUse>,
}

struct TokenUse {
    name: String,
    expires: Option<UnixMillis>,
    written: Option<UnixMillis>,
    used: Option<UnixMillis>,
}

impl Memory {
    /// Knows nothing yet: its key has signed no cookie.
    pub(super) fn new() -> Self {
        Self {
            generation: 0,
            cookie_key: CookieKey::of(&cookie::new_key()),
            password: None,
            proven: None,
            sessions: HashMap::new(),
            tokens: HashMap::new(),
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    pub(super) fn is_proven(&self, shown: KeyHash) -> bool {
        self.proven == Some(shown)
    }

    /// Remembers that a password fits a hash, if that is still the one.
    pub(super) fn proven(&mut self, hash: &str, shown: KeyHash) {
        if self.password.as_deref() == Some(hash) {
            self.proven = Some(shown);
        }
    }

    pub(super) fn changed_password(&mut self, hash: String, shown: KeyHash, kept: Option<&str>) {
        self.generation += 1;
        (self.password, self.proven) = (Some(hash), Some(shown));
        self.sessions.retain(|session, _| kept == Some(session));
    }

    /// The session's hash, if we signed the cookie.
    pub(super) fn check(&self, cookie: &str) -> Option<String> {
        self.cookie_key.check(cookie)
    }

    pub(super) fn ticket(&self) -> Ticket {
        self.cookie_key.ticket()
    }

    /// Whether a session is live, and the note that it was seen; `None`: there is none that is known here.
    pub(super) fn see(&mut self, hash: &str, now: UnixMillis) -> Option<bool> {
        let session = self.sessions.get_mut(hash)?;
        let is_live = session.is_live(now);
        if is_live {
            session.seen = session.seen.max(now);
        }
        Some(is_live)
    }

    /// Gets to know a session that another process made. `false`: it is not live.
    pub(super) fn meet(&mut self, stored: &StoredSession, generation: u64, now: UnixMillis) -> bool {
        let session = Session::new(stored);
        let is_live = session.is_live(now);
        if is_live && generation == self.generation {
            self.sessions.insert(stored.hash.clone(), session);
        }
        is_live
    }

    pub(super) fn logged_in(&mut self, stored: &StoredSession) {
        self.generation += 1;
        self.sessions.insert(stored.hash.clone(), Session::new(stored));
    }

    pub(super) fn logged_out(&mut self, hash: &str) {
        self.generation += 1;
        self.sessions.remove(hash);
    }

    /// What becomes of whoever shows the token of this hash, and the note that it was used.
    pub(super) fn use_token(&mut self, hash: &str, now: UnixMillis) -> Verdict {
        let Some(token) = self.tokens.get_mut(hash) else { return Verdict::Wrong };
        if let Some(ended) = token.expires.filter(|at| *at <= now) {
            return Verdict::Expired { token: token.name.clone(), ended };
        }
        token.used = token.used.max(Some(now));
        Verdict::Admitted(Who::Token(token.name.clone()))
    }

    pub(super) fn made_token(&mut self, stored: &StoredToken) {
        self.generation += 1;
        let token = TokenUse { name: stored.name.clone(), expires: stored.expires, written: None, used: None };
        self.tokens.insert(stored.hash.clone(), token);
    }

    pub(super) fn revoked_token(&mut self, name: &str) {
        self.generation += 1;
        self.tokens.retain(|_, token| token.name != name);
    }

    /// Uses that are worth a write.
    pub(super) fn unwritten(&self) -> Unwritten {
        let sessions = self.sessions.iter().filter(|(_, session)| session.is_unwritten());
        let tokens = self.tokens.iter().filter_map(|(hash, token)| {
            let used = token.used?;
            is_worth_writing(token.written, used).then(|| (hash.clone(), used))
        });
        Unwritten {
            sessions: sessions.map(|(hash, session)| (hash.clone(), session.seen)).collect(),
            tokens: tokens.collect(),
        }
    }

    /// Takes over what the database says, unless it was read before a change of ours.
    pub(super) fn adopt(&mut self, known: Known, generation: u64) {
        if generation != self.generation {
            return;
        }
        self.cookie_key = CookieKey::of(&known.cookie_key);
        if self.password != known.password {
            (self.password, self.proven) = (known.password, None);
        }
        let seen = std::mem::take(&mut self.sessions);
        let sessions = known.sessions.into_iter().map(|stored| {
            let mut session = Session::new(&stored);
            session.seen = seen.get(&stored.hash).map_or(session.seen, |before| before.seen.max(session.seen));
            (stored.hash, session)
        });
        self.sessions = sessions.collect();
        let used = std::mem::take(&mut self.tokens);
        let tokens = known.tokens.into_iter().map(|stored| {
            let before = used.get(&stored.hash).and_then(|before| before.used);
            let used = before.max(stored.last_used);
            let token = TokenUse { name: stored.name, expires: stored.expires, written: stored.last_used, used };
            (stored.hash, token)
        });
        self.tokens = tokens.collect();
    }
}
