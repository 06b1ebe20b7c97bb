//! Who may use the admin listener: settings (the password's hash among them), logins of browsers, tokens of scripts.

use super::StoreError;
use super::driver::{Conn, Row};
use crate::clock::UnixMillis;

/// A setting that is kept here because nobody has to write it anywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// The hash of the password that was made or chosen here.
    Password,
    /// The hash of the last `ADMIN_PASSWORD`, by which a new one is noticed.
    Variable,
    /// What session cookies are signed with, in hexadecimal digits.
    CookieKey,
}

impl Setting {
    fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Variable => "variable",
            Self::CookieKey => "cookie_key",
        }
    }
}

/// A browser that is logged in, known by the hash of its cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// SHA-256 of the cookie's random part, 64 hexadecimal digits.
    pub hash: String,
    /// When it logged in.
    pub created: UnixMillis,
    /// When it last asked for something, to the minute.
    pub seen: UnixMillis,
}

/// What a script shows instead of the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// What it is called; unique.
    pub name: String,
    /// SHA-256 of the token, 64 hexadecimal digits.
    pub hash: String,
    /// The first characters of the token, so that its owner recognises it.
    pub shown_prefix: String,
    /// When it was made.
    pub created: UnixMillis,
    /// From when on it is no longer accepted.
    pub expires: Option<UnixMillis>,
    /// When it was last used, to the minute.
    pub last_used: Option<UnixMillis>,
}

/// A setting's value, if it has one.
///
/// # Errors
/// When the database cannot be read.
pub fn setting(conn: &mut Conn<'_>, setting: Setting) -> Result<Option<String>, StoreError> {
    let values =
        conn.query("select value from admin_settings where name = $1", &[setting.word().into()], |row| row.text(0))?;
    Ok(values.into_iter().next())
}

/// Gives a setting a value; `None` takes it away.
///
/// # Errors
/// When the database cannot be written.
pub fn set(conn: &mut Conn<'_>, setting: Setting, value: Option<&str>) -> Result<(), StoreError> {
    match value {
        Some(value) => conn.execute(
            "insert into admin_settings (name, value) values ($1, $2)
             on conflict (name) do update set value = excluded.value",
            &[setting.word().into(), value.into()],
        )?,
        None => conn.execute("delete from admin_settings where name = $1", &[setting.word().into()])?,
    };
    Ok(())
}

/// Gives a setting a value unless it has one. `false`: it had.
///
/// # Errors
/// When the database cannot be written.
pub fn set_if_absent(conn: &mut Conn<'_>, setting: Setting, value: &str) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "insert into admin_settings (name, value) values ($1, $2) on conflict (name) do nothing",
        &[setting.word().into(), value.into()],
    )?;
    Ok(changed == 1)
}

/// All logins, those that have expired too.
///
/// # Errors
/// When the database cannot be read.
pub fn sessions(conn: &mut Conn<'_>) -> Result<Vec<StoredSession>, StoreError> {
    conn.query("select hash, created_ms, seen_ms from admin_sessions", &[], read_session)
}

/// The login with this hash.
///
/// # Errors
/// When the database cannot be read.
pub fn session(conn: &mut Conn<'_>, hash: &str) -> Result<Option<StoredSession>, StoreError> {
    let found = conn.query(
        "select hash, created_ms, seen_ms from admin_sessions where hash = $1",
        &[hash.into()],
        read_session,
    )?;
    Ok(found.into_iter().next())
}

/// Adds a login, and takes out those seen least lately beyond `most` of them.
///
/// # Errors
/// When the database cannot be written.
pub fn create_session(conn: &mut Conn<'_>, session: &StoredSession, most: u32) -> Result<(), StoreError> {
    conn.execute(
        "insert into admin_sessions (hash, created_ms, seen_ms) values ($1, $2, $3)",
        &[(&session.hash).into(), session.created.into(), session.seen.into()],
    )?;
    conn.execute(
        "delete from admin_sessions where hash not in
         (select hash from admin_sessions order by seen_ms desc, created_ms desc, hash limit $1)",
        &[most.into()],
    )?;
    Ok(())
}

/// Notes that a login was used; one that is gone stays gone.
///
/// # Errors
/// When the database cannot be written.
pub fn touch_session(conn: &mut Conn<'_>, hash: &str, at: UnixMillis) -> Result<(), StoreError> {
    conn.execute("update admin_sessions set seen_ms = $1 where hash = $2 and seen_ms < $1", &[at.into(), hash.into()])?;
    Ok(())
}

/// Ends a login.
///
/// # Errors
/// When the database cannot be written.
pub fn end_session(conn: &mut Conn<'_>, hash: &str) -> Result<(), StoreError> {
    conn.execute("delete from admin_sessions where hash = $1", &[hash.into()])?;
    Ok(())
}

/// Ends all logins but one.
///
/// # Errors
/// When the database cannot be written.
pub fn end_sessions_but(conn: &mut Conn<'_>, kept: Option<&str>) -> Result<(), StoreError> {
    conn.execute("delete from admin_sessions where hash <> $1", &[kept.unwrap_or_default().into()])?;
    Ok(())
}

/// Adds a token. `false`: there is one of this name, and nothing was changed.
///
/// # Errors
/// When the database cannot be written.
pub fn create_token(conn: &mut Conn<'_>, token: &StoredToken) -> Result<bool, StoreError> {
    let changed = conn.execute(
        "insert into admin_tokens (name, hash, shown_prefix, created_ms, expires_ms) values ($1, $2, $3, $4, $5)
         on conflict (name) do nothing",
        &[
            (&token.name).into(),
            (&token.hash).into(),
            (&token.shown_prefix).into(),
            token.created.into(),
            token.expires.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// All tokens by name.
///
/// # Errors
/// When the database cannot be read.
pub fn tokens(conn: &mut Conn<'_>) -> Result<Vec<StoredToken>, StoreError> {
    conn.query(
        "select name, hash, shown_prefix, created_ms, expires_ms, last_used_ms from admin_tokens order by name",
        &[],
        |row| {
            Ok(StoredToken {
                name: row.text(0)?,
                hash: row.text(1)?,
                shown_prefix: row.text(2)?,
                created: UnixMillis(row.integer(3)?),
                expires: row.optional_integer(4)?.map(UnixMillis),
                last_used: row.optional_integer(5)?.map(UnixMillis),
            })
        },
    )
}

/// Notes that a token was used; one that is gone stays gone.
///
/// # Errors
/// When the database cannot be written.
pub fn touch_token(conn: &mut Conn<'_>, hash: &str, at: UnixMillis) -> Result<(), StoreError> {
    conn.execute(
        "update admin_tokens set last_used_ms = $1 where hash = $2 and (last_used_ms is null or last_used_ms < $1)",
        &[at.into(), hash.into()],
    )?;
    Ok(())
}

/// Takes a token back. `false`: there is none of this name.
///
/// # Errors
/// When the database cannot be written.
pub fn revoke_token(conn: &mut Conn<'_>, name: &str) -> Result<bool, StoreError> {
    Ok(conn.execute("delete from admin_tokens where name = $1", &[name.into()])? == 1)
}

fn read_session(row: &Row<'_>) -> Result<StoredSession, StoreError> {
    Ok(StoredSession { hash: row.text(0)?, created: UnixMillis(row.integer(1)?), seen: UnixMillis(row.integer(2)?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_login_is_touched_and_ended_and_never_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let new = |hash: &str, at| StoredSession { hash: hash.into(), created: UnixMillis(at), seen: UnixMillis(at) };
        store
            .blocking(|conn| {
                for (at, hash) in (1..).zip(["a", "b", "c"]) {
                    create_session(conn, &new(hash, at), 2)?;
                }
                assert_eq!(session(conn, "a")?, None, "the oldest gives way");
                touch_session(conn, "b", UnixMillis(9))?;
                touch_session(conn, "b", UnixMillis(5))?;
                assert_eq!(session(conn, "b")?.map(|found| found.seen), Some(UnixMillis(9)));
                end_sessions_but(conn, Some("b"))?;
                assert_eq!(sessions(conn)?.len(), 1);
                end_session(conn, "b")?;
                touch_session(conn, "b", UnixMillis(10))?;
                assert_eq!(sessions(conn)?, []);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn settings_have_one_value_and_tokens_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let token = |hash: &str| StoredToken {
            name: "ci".into(),
            hash: hash.into(),
            shown_prefix: "x".into(),
            created: UnixMillis(1),
            expires: Some(UnixMillis(9)),
            last_used: None,
        };
        store
            .blocking(|conn| {
                assert!(set_if_absent(conn, Setting::Password, "1")?);
                assert!(!set_if_absent(conn, Setting::Password, "2")?);
                assert_eq!(setting(conn, Setting::Password)?.as_deref(), Some("1"));
                set(conn, Setting::Password, Some("3"))?;
                assert_eq!(setting(conn, Setting::Password)?.as_deref(), Some("3"));
                set(conn, Setting::Password, None)?;
                assert_eq!(setting(conn, Setting::Password)?, None);

                assert!(create_token(conn, &token("h"))?);
                assert!(!create_token(conn, &token("i"))?);
                touch_token(conn, "h", UnixMillis(7))?;
                assert_eq!(tokens(conn)?, [StoredToken { last_used: Some(UnixMillis(7)), ..token("h") }]);
                assert!(revoke_token(conn, "ci")? && !revoke_token(conn, "ci")?);
                Ok(())
            })
            .unwrap();
    }
}
