//! Who may use the admin listener: browsers that log in, scripts with tokens, and how both lose their way in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Client, Reply, Setup, TestRelay, wait_until};

const API: &str = "/admin/api/routers";
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

fn setup() -> Setup {
    TestRelay::setup().env("ADMIN_ENABLED", "true").env("ADMIN_PORT", "0")
}

/// A relay and the password that the command line made for it.
fn world() -> (TestRelay, String) {
    let setup = setup();
    let made = setup.call(&["admin", "password"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let password = String::from_utf8(made.stdout).expect("a password is text").trim().to_owned();
    (setup.start(), password)
}

fn basic(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("admin:{password}")))
}

fn with(admin: Client, method: &str, path: &str, headers: &[(&str, String)]) -> Reply {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    admin.request(method, path, &headers, b"")
}

fn log_in_with(admin: Client, password: &str, next: &str, headers: &[(&str, &str)]) -> Reply {
    let escaped: String = next.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let form = format!("username=admin&password={password}&next={escaped}");
    let headers = [headers, &[("content-type", "application/x-www-form-urlencoded")]].concat();
    admin.request("POST", "/login", &headers, form.as_bytes())
}

/// Logs in and gives the cookie as a browser would send it.
fn log_in(admin: Client, password: &str) -> String {
    let reply = log_in_with(admin, password, "/", &[]);
    assert_eq!((reply.status, reply.header("location")), (303, Some("/")), "{}", reply.text());
    cookie(&reply)
}

fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie").expect("a cookie is set");
    set.split(';').next().expect("it has a value").to_owned()
}

fn status(admin: Client, path: &str, cookie: &str) -> u16 {
    admin.request("GET", path, &[("cookie", cookie)], b"").status
}

fn post(admin: Client, path: &str, cookie: &str, body: &Value) -> Reply {
    admin.post_with(path, &[("cookie", cookie), ("content-type", "application/json")], body)
}

#[test]
fn a_browser_is_shown_the_form_and_comes_back_to_what_it_asked_for() {
    let relay = setup().env("ADMIN_PASSWORD", "sesame").start();
    let admin = relay.admin();
    let asked = admin.request("GET", "/?period=7d", &[HTML], b"");
    assert_eq!((asked.status, asked.header("location")), (303, Some("/login?next=%2F%3Fperiod%3D7d")));
    let form = admin.request("GET", "/login?next=%2F%3Fperiod%3D7d", &[HTML], b"");
    assert_eq!(form.status, 200);
    assert!(form.text().contains("<form method=\"post\">"), "{}", form.text());
    assert!(form.text().contains("name=\"next\" value=\"/?period=7d\""), "{}", form.text());
    assert_eq!(admin.get("/static/css/base.css").status, 200, "the form has its style");

    let reply = log_in_with(admin, "sesame", "/?period=7d", &[]);
    assert_eq!((reply.status, reply.header("location")), (303, Some("/?period=7d")));
    let set = reply.header("set-cookie").expect("a cookie is set").to_owned();
    assert!(set.starts_with("llm-relay-session=") && set.ends_with("; HttpOnly; SameSite=Lax"), "{set}");
    assert!(set.contains("; Path=/;") && set.contains("; Max-Age=1209600;") && !set.contains("Domain"), "{set}");
    let cookie = cookie(&reply);
    let page = admin.request("GET", "/", &[("cookie", &cookie)], b"");
    assert!(page.status == 200 && page.text().contains("action=\"/logout\""), "{}", page.text());
    let again = admin.request("GET", "/login?next=%2Fx", &[("cookie", &cookie)], b"");
    assert_eq!((again.status, again.header("location")), (303, Some("/x")), "it is logged in");
    let api = admin.request("GET", API, &[("cookie", &cookie)], b"");
    assert_eq!((api.status, api.header("set-cookie")), (200, None));
    assert!(relay.log().iter().all(|line| !line.contains("sesame") && !line.contains(&cookie)));
}

#[test]
fn a_wrong_password_sets_nothing_and_too_many_have_to_wait() {
    let relay = setup().env("ADMIN_PASSWORD", "sesame").start();
    let admin = relay.admin();
    for _ in 0..5 {
        let reply = log_in_with(admin, "guess", "/", &[]);
        assert_eq!((reply.status, reply.header("set-cookie")), (403, None));
        assert!(reply.text().contains("This is not the password"), "{}", reply.text());
    }
    let reply = log_in_with(admin, "sesame", "/", &[]);
    assert_eq!((reply.status, reply.header("set-cookie")), (429, None));
    assert!(reply.header("retry-after").is_some() && reply.text().contains("Wait a minute"), "{}", reply.text());
    let large = admin.request("POST", "/login", &[], &[b'a'; 8193]);
    assert_eq!(large.status, 413);
    let by_header = with(admin, "GET", API, &[("authorization", basic("sesame"))]);
    assert_eq!(by_header.status, 429, "both ways in count together");
}

#[test]
fn logging_out_ends_the_login_whoever_kept_the_cookie() {
    let relay = setup().env("ADMIN_PASSWORD", "sesame").start();
    let admin = relay.admin();
    let (one, other) = (log_in(admin, "sesame"), log_in(admin, "sesame"));
    assert_ne!(one, other);
    let reply = admin.request("POST", "/logout", &[("cookie", &one)], b"");
    assert_eq!((reply.status, reply.header("location")), (303, Some("/login")));
    assert!(reply.header("set-cookie").is_some_and(|set| set.starts_with("llm-relay-session=; Path=/; Max-Age=0;")));
    assert_eq!((status(admin, API, &one), status(admin, API, &other)), (401, 200));
    assert_eq!(admin.request("GET", "/logout", &[("cookie", &other)], b"").status, 405, "a link logs nobody out");
    assert_eq!(status(admin, API, &other), 200);
}

#[test]
fn a_login_and_a_made_password_outlive_a_restart() {
    let (mut relay, password) = world();
    let cookie = log_in(relay.admin(), &password);
    relay.kill_9();
    let before = relay.log().len();
    relay.start_again();
    wait_until("it listens", || relay.log()[before..].iter().any(|line| line.contains("admin.address")));
    let admin = relay.admin();
    assert_eq!(status(admin, "/", &cookie), 200);
    log_in(admin, &password);
}

#[test]
fn a_password_that_is_made_is_kept_as_a_hash() {
    let setup = setup();
    let first = setup.call(&["serve", "--config", "missing.yaml"]);
    assert!(!first.status.success() && first.stdout.is_empty(), "what does not start makes no password");
    let relay = setup.start();
    let database = rusqlite::Connection::open(relay.path("data/relay.db")).expect("the database is there");
    let hash: String = database
        .query_row("select value from admin_settings where name = 'password'", [], |row| row.get(0))
        .expect("there is a password");
    assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
}

#[test]
fn a_cookie_that_is_not_ours_opens_nothing() {
    let relay = setup().env("ADMIN_PASSWORD", "sesame").start();
    let admin = relay.admin();
    let good = log_in(admin, "sesame");
    let value = good.strip_prefix("llm-relay-session=").expect("it is called so");
    let mut tampered = value.as_bytes().to_vec();
    tampered[3] = if tampered[3] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).expect("it is text");
    let (long, forged) = ("A".repeat(4000), "A".repeat(value.len()));
    for value in ["", "x", &value[..20], &tampered, &forged, &long, "ü"] {
        assert_eq!(status(admin, API, &format!("llm-relay-session={value}")), 401, "{value}");
    }
    assert_eq!(status(admin, API, &format!("session={value}")), 401);
    // Nothing in the database opens anything either.
    let database = rusqlite::Connection::open(relay.path("data/relay.db")).expect("the database is there");
    let hash: String =
        database.query_row("select hash from admin_sessions", [], |row| row.get(0)).expect("there is a login");
    assert_eq!(status(admin, API, &format!("llm-relay-session={hash}")), 401);
    assert!(!value.contains(&hash));
    // One whose time is over.
    database.execute("update admin_sessions set created_ms = 1, seen_ms = 1", []).expect("it can be written");
    wait_until("the login has ended", || status(admin, API, &good) == 401);
}

#[test]
fn another_password_ends_other_logins() {
    let (relay, password) = world();
    let admin = relay.admin();
    let (mine, other) = (log_in(admin, &password), log_in(admin, &password));
    let change = |old: &str, new: &str| {
        let reply = post(admin, "/admin/api/password", &mine, &json!({"old": old, "new": new}));
        (reply.status, if reply.status == 204 { Value::Null } else { reply.json()["error"]["code"].clone() })
    };
    assert_eq!(change("wrong", "long enough"), (403, json!("wrong_password")));
    assert_eq!(change(&password, "too short"), (422, json!("password_length")));
    assert_eq!(status(admin, API, &other), 200);
    assert_eq!(change(&password, "long+enough"), (204, Value::Null));
    assert_eq!((status(admin, API, &mine), status(admin, API, &other)), (200, 401));
    assert_eq!(log_in_with(admin, &password, "/", &[]).status, 403);
    assert_eq!(with(admin, "GET", API, &[("authorization", basic(&password))]).status, 401);
    assert_eq!(with(admin, "GET", API, &[("authorization", basic("long+enough"))]).status, 200);
    log_in(admin, "long%2Benough");

    // Whoever has lost it makes a new one beside the running relay.
    let reset = relay.run(&["admin", "password"]).trim().to_owned();
    wait_until("the login has ended", || status(admin, API, &mine) == 401);
    log_in(admin, &reset);
}

#[test]
fn the_environment_says_what_the_password_is() {
    let relay = setup().env("ADMIN_PASSWORD", "sesame").start();
    let admin = relay.admin();
    let cookie = log_in(admin, "sesame");
    let reply = post(admin, "/admin/api/password", &cookie, &json!({"old": "sesame", "new": "long enough"}));
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (409, &json!("managed_by_environment")));
    assert!(reply.text().contains("ADMIN_PASSWORD"), "{}", reply.text());
    let output = relay.run_to_end(&["admin", "password"]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("ADMIN_PASSWORD"));
    assert_eq!(status(admin, API, &cookie), 200);
}

#[test]
fn pages_of_other_sites_log_nobody_in_or_out() {
    let relay = setup().env("ADMIN_PASSWORD", "sesame").start();
    let admin = relay.admin();
    let cookie = log_in(admin, "sesame");
    for foreign in [
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:1"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let reply = log_in_with(admin, "sesame", "/", &[foreign]);
        assert_eq!((reply.status, reply.header("set-cookie")), (403, None), "{foreign:?}");
        let reply = admin.request("POST", "/logout", &[foreign, ("cookie", &cookie)], b"");
        assert_eq!((reply.status, reply.header("set-cookie")), (403, None), "{foreign:?}");
        let headers = [foreign, ("cookie", cookie.as_str()), ("content-type", "application/json")];
        let change = json!({"old": "sesame", "new": "long enough"});
        assert_eq!(admin.post_with("/admin/api/password", &headers, &change).status, 403, "{foreign:?}");
    }
    let form = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(admin.request("POST", "/admin/api/tokens", &form, b"name=x").status, 415);
    assert_eq!(status(admin, API, &cookie), 200, "it is still logged in");
    let own = format!("http://{}", admin.address);
    assert_eq!(log_in_with(admin, "sesame", "/", &[("origin", &own), ("sec-fetch-site", "same-origin")]).status, 303);
}

#[test]
fn a_login_leads_nowhere_else() {
    let relay = setup().env("ADMIN_PASSWORD", "sesame").start();
    let admin = relay.admin();
    let cookie = log_in(admin, "sesame");
    for next in
        ["//evil.example", "/\\evil.example", "https://evil.example/", "/\t/evil.example", "/a\r\nx: y", "x", ""]
    {
        let reply = log_in_with(admin, "sesame", next, &[]);
        assert_eq!((reply.status, reply.header("location")), (303, Some("/")), "{next:?}");
        let escaped: String = next.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let reply = admin.request("GET", &format!("/login?next={escaped}"), &[("cookie", &cookie)], b"");
        assert_eq!((reply.status, reply.header("location")), (303, Some("/")), "{next:?}");
        let form = admin.get(&format!("/login?next={escaped}")).text();
        assert!(form.contains("name=\"next\" value=\"/\""), "{next:?}: {form}");
    }
    let asked = admin.request("GET", "//evil.example/", &[HTML], b"");
    assert_eq!((asked.status, asked.header("location")), (303, Some("/login")));
}

#[test]
fn over_tls_the_cookie_is_secure_where_a_trusted_proxy_says_so() {
    let https = ("x-forwarded-proto", "https");
    let relay = setup().env("ADMIN_PASSWORD", "sesame").env("TRUSTED_PROXIES", "127.0.0.1").start();
    let reply = log_in_with(relay.admin(), "sesame", "/", &[https]);
    let set = reply.header("set-cookie").expect("a cookie is set").to_owned();
    assert!(set.starts_with("__Host-llm-relay-session=") && set.ends_with("; Secure"), "{set}");
    let cookie = cookie(&reply);
    assert_eq!(relay.admin().request("GET", API, &[https, ("cookie", &cookie)], b"").status, 200);
    let plain = cookie.replace("__Host-", "");
    assert_eq!(relay.admin().request("GET", API, &[https, ("cookie", &plain)], b"").status, 401);

    let stranger = setup().env("ADMIN_PASSWORD", "sesame").start();
    let set = log_in_with(stranger.admin(), "sesame", "/", &[https]);
    assert!(set.header("set-cookie").is_some_and(|set| set.starts_with("llm-relay-session=")), "nobody is trusted");
}

#[test]
fn a_token_that_has_expired_is_refused_and_told_so() {
    let relay = setup().env("ADMIN_PASSWORD", "sesame").start();
    let admin = relay.admin();
    let cookie = log_in(admin, "sesame");
    let make = |body: Value| post(admin, "/admin/api/tokens", &cookie, &body);
    let clock = make(json!({"name": "clock"})).json()["created_ms"].as_i64().expect("a time");
    for wrong in [0, clock, i64::MAX] {
        let refused = make(json!({"name": "ci", "expires_ms": wrong}));
        let error = &refused.json()["error"];
        assert_eq!((refused.status, &error["problems"][0]["place"]), (422, &json!("expires_ms")), "{error}");
    }
    let ends = clock + 4000;
    let made = make(json!({"name": "ci", "expires_ms": ends})).json();
    assert_eq!(made["expires_ms"], ends, "{made}");
    let bearer = [("authorization", format!("Bearer {}", made["token"].as_str().expect("it is shown")))];
    assert_eq!(with(admin, "GET", API, &bearer).status, 200);
    let page = admin.request("GET", "/settings", &[("cookie", &cookie)], b"").text();
    assert!(page.contains("expires soon"), "{page}");

    wait_until("it has expired", || with(admin, "GET", API, &bearer).status == 401);
    let refused = with(admin, "GET", API, &bearer);
    let error = refused.json()["error"].clone();
    assert_eq!(error["code"], "token_expired");
    let message = error["message"].as_str().expect("a message");
    assert!(message.starts_with("The token `ci` expired on ") && message.ends_with("make another one."), "{message}");
    assert!(refused.header("www-authenticate").is_some_and(|asked| asked.contains("error=\"invalid_token\"")));
    assert_eq!(with(admin, "GET", "/keys", &bearer).status, 401, "nor does it open a page");
    let list = admin.request("GET", "/admin/api/tokens", &[("cookie", &cookie)], b"").json();
    assert_eq!(list["tokens"][0]["expires_ms"], ends, "{list}");
    assert_eq!(list["tokens"][1]["expires_ms"], Value::Null, "{list}");
    let page = admin.request("GET", "/settings", &[("cookie", &cookie)], b"").text();
    assert!(page.contains("<span class=\"badge bad\">expired</span>"), "{page}");

    let token = relay.run(&["admin", "token", "create", "nightly", "--expires-in-days", "30"]).trim().to_owned();
    let bearer = [("authorization", format!("Bearer {token}"))];
    wait_until("the running relay follows", || with(admin, "GET", API, &bearer).status == 200);
    let listed = relay.run(&["admin", "token", "list"]);
    assert!(listed.contains("EXPIRES") && listed.lines().count() == 4, "{listed}");
    assert!(!relay.run_to_end(&["admin", "token", "create", "past", "--expires-in-days", "0"]).status.success());
}

#[test]
fn a_token_opens_the_api_until_it_is_revoked() {
    let relay = setup().env("ADMIN_PASSWORD", "sesame").start();
    let admin = relay.admin();
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let cookie = log_in(admin, "sesame");

    let made = post(admin, "/admin/api/tokens", &cookie, &json!({"name": "ci"}));
    let token = made.json()["token"].as_str().expect("it is shown").to_owned();
    assert!(made.status == 201 && token.starts_with("llmr-admin-"), "{}", made.text());
    assert_eq!(with(admin, "GET", API, &bearer(&token)).status, 200);
    let taken = post(admin, "/admin/api/tokens", &cookie, &json!({"name": "ci"}));
    assert_eq!((taken.status, &taken.json()["error"]["code"]), (409, &json!("exists")));
    for (body, expected) in [(json!({"name": " "}), 422), (json!({}), 400), (json!({"name": "a", "x": 1}), 400)] {
        assert_eq!(post(admin, "/admin/api/tokens", &cookie, &body).status, expected, "{body}");
    }
    wait_until("its use is noted", || {
        let list = with(admin, "GET", "/admin/api/tokens", &bearer(&token));
        assert!(!list.text().contains(&token), "{}", list.text());
        list.json()["tokens"][0]["last_used_ms"].is_i64()
    });
    assert!(relay.run(&["admin", "token", "list"]).contains("ci"));
    assert_eq!(with(admin, "DELETE", "/admin/api/tokens/ci", &bearer(&token)).status, 204);
    assert_eq!(with(admin, "GET", API, &bearer(&token)).status, 401);
    let gone = admin.request("DELETE", "/admin/api/tokens/ci", &[("cookie", &cookie)], b"");
    assert_eq!((gone.status, &gone.json()["error"]["code"]), (404, &json!("no_such_token")));

    let token = relay.run(&["admin", "token", "create", "nightly"]).trim().to_owned();
    wait_until("the running relay follows", || with(admin, "GET", API, &bearer(&token)).status == 200);
    assert!(!relay.run_to_end(&["admin", "token", "create", "nightly"]).status.success(), "the name is taken");
    relay.run(&["admin", "token", "revoke", "nightly"]);
    wait_until("it is revoked", || with(admin, "GET", API, &bearer(&token)).status == 401);
    assert!(!relay.run_to_end(&["admin", "token", "revoke", "nightly"]).status.success());
    assert!(relay.log().iter().all(|line| !line.contains(&token)));
}
