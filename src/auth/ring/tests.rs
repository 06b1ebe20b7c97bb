use super::*;
use crate::auth::new_key;

const NOW: UnixMillis = UnixMillis(1000);

fn configured() -> Vec<NewKey> {
    vec![NewKey {
        name: "webui".into(),
        key: Secret::new("secret-of-webui"),
        tags: vec!["home".into()],
        models: vec!["openai/*".into(), "Fast".into()],
    }]
}

fn stored(key: &str, name: &str) -> StoredKey {
    let mut row = new_key().to_stored(name, vec!["team".into()], vec![], None, UnixMillis(1));
    row.hash = KeyHash::of(key).to_hex();
    row
}

fn bearer_in(mode: AuthMode, ring: &KeyRing, key: &str) -> Result<Principal, AuthError> {
    ring.authenticate(mode, Some(&format!("Bearer {key}")), None, NOW)
}

#[test]
fn a_valid_key_is_known_from_either_header_and_in_either_mode() {
    let ring = KeyRing::new(configured(), vec![stored("b", "second")]);
    for mode in [AuthMode::Keys, AuthMode::Open] {
        for header in ["Bearer secret-of-webui", "bearer  secret-of-webui ", "secret-of-webui"] {
            let principal = ring.authenticate(mode, Some(header), None, NOW).unwrap();
            assert_eq!((principal.key.as_deref(), principal.tags), (Some("webui"), vec!["home".to_owned()]));
        }
        let principal = ring.authenticate(mode, Some("Bearer ollama"), Some("b"), NOW).unwrap();
        assert_eq!(principal.key.as_deref(), Some("second"));
        assert_eq!(principal.models, None);
    }
}

#[test]
fn in_keys_mode_everything_else_is_refused_with_its_reason() {
    let mut expired = stored("c", "old");
    expired.expires = Some(NOW);
    let mut revoked = stored("d", "gone");
    revoked.revoked = Some(UnixMillis(1));
    let ring = KeyRing::new(configured(), vec![expired, revoked]);
    let keys = AuthMode::Keys;
    assert_eq!(ring.authenticate(keys, None, None, NOW), Err(AuthError::Missing));
    assert_eq!(ring.authenticate(keys, Some("Bearer "), Some(""), NOW), Err(AuthError::Missing));
    assert_eq!(ring.authenticate(keys, Some("Basic c2VjcmV0"), None, NOW), Err(AuthError::Missing));
    assert_eq!(bearer_in(keys, &ring, "wrong"), Err(AuthError::Unknown));
    assert_eq!(bearer_in(keys, &ring, "c"), Err(AuthError::Expired));
    assert_eq!(bearer_in(keys, &ring, "d"), Err(AuthError::Unknown));
    assert!(ring.authenticate(keys, Some("Bearer c"), None, UnixMillis(999)).is_ok());
}

#[test]
fn in_open_mode_an_unknown_credential_is_an_attribution() {
    let ring = KeyRing::default();
    assert!(ring.is_empty());
    let tags = |header: &str| bearer_in(AuthMode::Open, &ring, header).unwrap().tags;
    assert_eq!(tags("team-a,team-b"), ["team-a", "team-b"]);
    assert_eq!(tags("sk-something"), [format!("key:{}", &KeyHash::of("sk-something").to_hex()[..8])]);
    assert_eq!(ring.authenticate(AuthMode::Open, None, None, NOW), Ok(Principal::default()));
}

#[test]
fn the_file_decides_about_a_key_that_is_also_in_the_database() {
    let ring = KeyRing::new(configured(), vec![stored("secret-of-webui", "other")]);
    assert_eq!(bearer_in(AuthMode::Keys, &ring, "secret-of-webui").unwrap().key.as_deref(), Some("webui"));
}

#[test]
fn a_key_may_use_what_its_patterns_cover() {
    let ring = KeyRing::new(configured(), vec![]);
    let principal = bearer_in(AuthMode::Keys, &ring, "secret-of-webui").unwrap();
    for (name, may) in
        [("openai/gpt-5", true), (" OpenAI/x ", true), ("fast", true), ("faster", false), ("openai", false)]
    {
        assert_eq!(principal.may_use(name), may, "{name}");
    }
    assert!(Principal::default().may_use("anything"));
}

#[test]
fn stars_stand_for_any_characters() {
    for (pattern, name, expected) in [
        ("*", "", true),
        ("*", "abc", true),
        ("a*c", "abc", true),
        ("a*c", "ac", true),
        ("a*c", "acd", false),
        ("ab*bc", "abc", false),
        ("*b*", "abc", true),
        ("*b*b*", "abc", false),
        ("a**c", "abc", true),
        ("*/gpt-*-mini", "openai/gpt-4o-mini", true),
        ("*/gpt-*-mini", "openai/gpt-mini", false),
        ("", "a", false),
    ] {
        assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
    }
}
