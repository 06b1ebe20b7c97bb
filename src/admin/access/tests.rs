//! Who is let in, and who no longer is.

use http::HeaderValue;
use http::header::COOKIE;

use super::*;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn store(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("relay.db")).unwrap()
}

fn access(store: &Store, variable: Option<&str>) -> Arc<Access> {
    Arc::new(Access::new(store.clone(), variable.map(Secret::new)))
}

async fn shows(access: &Arc<Access>, authorization: &str, host: u8) -> Verdict {
    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_bytes(authorization.as_bytes()).unwrap())]);
    access.judge(&headers, false, [10, 0, 0, host].into()).await.unwrap()
}

async fn with_cookie(access: &Arc<Access>, cookie: &str) -> Verdict {
    let header = format!("llm-relay-session={cookie}");
    let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&header).unwrap())]);
    access.judge(&headers, false, HERE).await.unwrap()
}

fn is_browser(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Admitted(Who::Browser(_)))
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn any_user_with_the_password_is_admitted_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    store.blocking(|conn| keep_password(conn, &password::hash(&Secret::new("pass:wörd")), None)).unwrap();
    for access in [access(&store, None), access(&store, Some("pass:wörd"))] {
        let admitted = Verdict::Admitted(Who::Password);
        assert_eq!(shows(&access, &basic("", "pass:wörd"), 1).await, admitted);
        assert_eq!(shows(&access, &basic("admin", "pass:wörd").replace("Basic", "bAsIc"), 1).await, admitted);
        let wrong = [basic("a", "pass"), basic("pass:wörd", ""), "Basic".into(), "Basic ?".into(), "Bearer x".into()];
        for (host, text) in (2..).zip(&wrong) {
            assert_eq!(shows(&access, text, host).await, Verdict::Wrong, "{text}");
        }
        assert_eq!(access.judge(&HeaderMap::new(), false, HERE).await.unwrap(), Verdict::Unknown);
    }
}

#[tokio::test]
async fn guessing_at_once_is_no_better_than_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let password = store.blocking(first_password).unwrap().unwrap();
    let access = access(&store, None);
    let guesses = (0..12).map(|guess| {
        let (access, guess) = (access.clone(), basic("", &guess.to_string()));
        async move { shows(&access, &guess, 1).await }
    });
    let verdicts = futures_util::future::join_all(guesses).await;
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Wrong).count(), 5, "{verdicts:?}");
    assert!(matches!(shows(&access, &basic("", password.expose()), 1).await, Verdict::Throttled(_)));
    assert_eq!(shows(&access, &basic("", password.expose()), 2).await, Verdict::Admitted(Who::Password));
}

#[tokio::test]
async fn a_proven_password_is_known_without_hashing_until_it_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let password = store.blocking(first_password).unwrap().unwrap();
    assert_eq!(store.blocking(first_password).unwrap(), None, "it is made once");
    let access = access(&store, None);
    let shown = basic("", password.expose());
    assert_eq!(shows(&access, &shown, 1).await, Verdict::Admitted(Who::Password));
    let turn = access.hashing.clone().acquire_owned().await.unwrap();
    assert_eq!(shows(&access, &shown, 1).await, Verdict::Admitted(Who::Password), "nothing has to be hashed");
    drop(turn);
    let next = store.blocking(reset_password).unwrap();
    access.follow().await.unwrap();
    assert_eq!(shows(&access, &shown, 1).await, Verdict::Wrong);
    assert_eq!(shows(&access, &basic("", next.expose()), 1).await, Verdict::Admitted(Who::Password));
}

#[tokio::test]
async fn a_login_is_known_to_other_processes_and_ends_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let password = store.blocking(first_password).unwrap().unwrap();
    let (one, other) = (access(&store, None), access(&store, None));
    other.follow().await.unwrap();
    let cookie = one.login(password.clone(), HERE).await.unwrap().unwrap();
    assert!(is_browser(&with_cookie(&one, &cookie).await) && is_browser(&with_cookie(&other, &cookie).await));
    let Verdict::Admitted(Who::Browser(hash)) = with_cookie(&one, &cookie).await else { panic!("it is logged in") };
    one.logout(hash).await.unwrap();
    assert_eq!(with_cookie(&one, &cookie).await, Verdict::Unknown);
    other.follow().await.unwrap();
    assert_eq!(with_cookie(&other, &cookie).await, Verdict::Unknown);

    // One that is reset elsewhere opens nothing, even before that is known here.
    assert!(one.login(password.clone(), HERE).await.unwrap().is_ok());
    store.blocking(reset_password).unwrap();
    assert_eq!(one.login(password, HERE).await.unwrap(), Err(Verdict::Wrong));
    assert_eq!(store.blocking(admin::sessions).unwrap(), []);
}

#[tokio::test]
async fn an_expired_login_is_not_taken_from_memory_nor_from_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let password = store.blocking(first_password).unwrap().unwrap();
    let access = access(&store, None);
    let cookie = access.login(password, HERE).await.unwrap().unwrap();
    let now = UnixMillis::now();
    let later = |hours: i64| UnixMillis(now.0 + hours * 3_600_000);
    assert!(access.session(&cookie, later(11)).await.unwrap().is_some());
    assert!(access.session(&cookie, later(22)).await.unwrap().is_some(), "it was used meanwhile");
    assert_eq!(access.session(&cookie, later(35)).await.unwrap(), None);
    access.follow().await.unwrap();
    let seen = store.blocking(admin::sessions).unwrap()[0].seen;
    assert_eq!(seen, later(22), "the last use was written down");
    let fresh = self::access(&store, None);
    assert_eq!(fresh.session(&cookie, later(35)).await.unwrap(), None);
    assert!(fresh.session(&cookie, later(33)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_is_somebody_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let (one, other) = (access(&store, None), access(&store, None));
    let ends = UnixMillis(UnixMillis::now().0 + 3_600_000);
    let (token, stored) = one.create_token("ci".into(), Some(ends)).await.unwrap();
    let ci = Verdict::Admitted(Who::Token("ci".into()));
    // Known to the process that made it, and to one that has read it.
    for access in [one, other] {
        assert_eq!(shows(&access, &format!("Bearer {}", token.expose()), 1).await, ci);
        let over = Verdict::Expired { token: "ci".into(), ended: ends };
        assert_eq!(access.memory().use_token(&stored.hash, UnixMillis(ends.0 - 1)), ci);
        for at in [ends, UnixMillis(ends.0 + 86_400_000)] {
            assert_eq!(access.memory().use_token(&stored.hash, at), over);
        }
        access.follow().await.unwrap();
        let used = store.blocking(admin::tokens).unwrap()[0].last_used;
        assert_eq!(used, Some(UnixMillis(ends.0 - 1)), "what was refused is no use of it");
    }
}

#[tokio::test]
async fn another_variable_ends_logins_and_the_same_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let cookie = access(&store, Some("first")).login(Secret::new("first"), HERE).await.unwrap().unwrap();
    for (variable, is_in) in [(Some("first"), true), (Some("second"), false), (Some("first"), false)] {
        assert_eq!(is_browser(&with_cookie(&access(&store, variable), &cookie).await), is_in, "{variable:?}");
    }
    let cookie = access(&store, Some("first")).login(Secret::new("first"), HERE).await.unwrap().unwrap();
    assert!(!is_browser(&with_cookie(&access(&store, None), &cookie).await), "the variable has gone");
}

#[tokio::test]
async fn what_was_read_before_a_change_does_not_undo_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let password = store.blocking(first_password).unwrap().unwrap();
    let access = access(&store, None);
    let cookie = access.login(password, HERE).await.unwrap().unwrap();
    let Verdict::Admitted(Who::Browser(hash)) = with_cookie(&access, &cookie).await else { panic!("it is logged in") };
    let generation = access.memory().generation();
    let known = store.blocking(Known::read).unwrap();
    access.logout(hash).await.unwrap();
    access.memory().adopt(known, generation);
    assert_eq!(with_cookie(&access, &cookie).await, Verdict::Unknown);
}
