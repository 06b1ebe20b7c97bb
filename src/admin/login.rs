//! Where browsers log in and out: one form, and where it leads.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use super::access::{Verdict, Who, cookie};
use super::origin::is_foreign;
use super::reply::{self, Reply};
use super::{Request, Shared};
use crate::listener::{BodyError, collect};
use crate::secret::Secret;
use crate::store::StoreError;

/// Largest form, bytes.
const MAX_FORM_BYTES: usize = 8 << 10;
/// How long a form may take to arrive: whoever sends it has shown nothing yet.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest way back, bytes.
const MAX_NEXT_BYTES: usize = 2048;

#[derive(Template)]
#[template(path = "login.html")]
struct Login<'a> {
    /// What was wrong with the last attempt; empty: there was none.
    problem: &'a str,
    /// Where to go afterwards.
    next: &'a str,
    /// `ADMIN_PASSWORD` says what the password is.
    is_variable: bool,
}

/// Sends a browser to the form, and from there back to what it asked for.
pub(super) fn ask(request: &Request) -> Reply {
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let asked = format!("{}{query}", request.path);
    match local(&asked) {
        "/" => reply::see_other("/login"),
        next => reply::see_other(&format!("/login?next={}", utf8_percent_encode(next, NON_ALPHANUMERIC))),
    }
}

/// The form, or what it was sent for.
pub(super) async fn page(shared: &Arc<Shared>, request: Request) -> Reply {
    let answer = match request.method {
        Method::GET | Method::HEAD => show(shared, &request).await,
        Method::POST => log_in(shared, request).await,
        _ => Ok(reply::not_allowed("GET, HEAD, POST")),
    };
    answer.unwrap_or_else(|error| reply::no_database(&error))
}

/// Ends the login of a browser and sends it to the form.
pub(super) async fn logout(shared: &Arc<Shared>, request: Request) -> Reply {
    if request.method != Method::POST {
        return reply::not_allowed("POST");
    }
    if is_foreign(&request.headers) {
        return foreign();
    }
    match end_login(shared, &request).await {
        Ok(()) => {
            let mut reply = reply::see_other("/login");
            let cookie = cookie::clear(request.is_over_tls(&shared.policy));
            reply.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
            reply
        }
        Err(error) => reply::no_database(&error),
    }
}

async fn end_login(shared: &Shared, request: &Request) -> Result<(), StoreError> {
    match request.judge(shared).await? {
        Verdict::Admitted(Who::Browser(session)) => shared.access.logout(session).await,
        Verdict::Admitted(Who::Password | Who::Token(_))
        | Verdict::Unknown
        | Verdict::Wrong
        | Verdict::Expired { .. }
        | Verdict::Throttled(_) => Ok(()),
    }
}

async fn show(shared: &Shared, request: &Request) -> Result<Reply, StoreError> {
    let next = value(request.query.as_bytes(), "next").unwrap_or_default();
    let next = local(&next);
    Ok(match request.judge(shared).await? {
        Verdict::Admitted(_) => reply::see_other(next),
        Verdict::Unknown | Verdict::Wrong | Verdict::Expired { .. } | Verdict::Throttled(_) => {
            form(shared, 200, "", next)
        }
    })
}

async fn log_in(shared: &Shared, request: Request) -> Result<Reply, StoreError> {
    if is_foreign(&request.headers) {
        return Ok(foreign());
    }
    let (client, over_tls) = (request.client(&shared.policy), request.is_over_tls(&shared.policy));
    let body = tokio::time::timeout(FORM_TIMEOUT, collect(&request.headers, request.body, MAX_FORM_BYTES)).await;
    let body = match body {
        Ok(Ok(body)) => body,
        Ok(Err(BodyError::TooLarge { .. })) => return Ok(reply::text(413, "This is more than a password.\n")),
        Ok(Err(BodyError::BrokenOff)) | Err(_) => return Ok(reply::text(400, "The form did not arrive in full.\n")),
    };
    let next = value(&body, "next").unwrap_or_default();
    let next = local(&next);
    let password = Secret::new(value(&body, "password").unwrap_or_default());
    let refused = match shared.access.login(password, client).await? {
        Ok(value) => {
            let mut reply = reply::see_other(next);
            reply.headers_mut().extend(cookie::set(&value, over_tls).map(|cookie| (SET_COOKIE, cookie)));
            tracing::info!(client.address = %client, "logged in to the admin page");
            return Ok(reply);
        }
        Err(refused) => refused,
    };
    if let Verdict::Throttled(wait) = refused {
        let mut reply = form(shared, 429, "Too many wrong passwords. Wait a minute, then try again.", next);
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        return Ok(reply);
    }
    tracing::warn!(client.address = %client, "wrong admin password");
    // A 401 would have to name a way to log in by header, and browsers would open their own dialog for it.
    Ok(form(shared, 403, "This is not the password.", next))
}

fn form(shared: &Shared, status: u16, problem: &str, next: &str) -> Reply {
    reply::page(status, &Login { problem, next, is_variable: shared.policy.password.is_some() })
}

fn foreign() -> Reply {
    reply::text(403, "Pages of other sites cannot log anybody in or out here.\n")
}

/// A value of a form or a query.
fn value<'a>(text: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    form_urlencoded::parse(text).find_map(|(key, value)| (key == name).then_some(value))
}

/// A path of ours, or the first page. Browsers take `//host` for another site and `\` for `/`, and pass over control
/// characters; what is written in one of these ways leads nowhere else.
fn local(next: &str) -> &str {
    let is_local = next.starts_with('/')
        && !next.contains("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic())
        && next.len() <= MAX_NEXT_BYTES;
    if is_local { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_never_leads_elsewhere() {
        for next in ["/", "/?period=7d", "/a/b?c=%2F%2Fevil.example", "/@evil.example"] {
            assert_eq!(local(next), next);
        }
        for next in [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/a\r\nset-cookie: x",
            " /",
            "https://evil.example/",
            "javascript:alert(1)",
            "evil.example",
            "/.//evil.example",
            "/\u{2215}evil.example",
            "/\0",
        ] {
            assert_eq!(local(next), "/", "{next:?}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(MAX_NEXT_BYTES))), "/");
    }
}
