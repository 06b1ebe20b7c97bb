//! Settings as operators write them.

use super::*;

fn load(pairs: &[(&str, &str)]) -> Result<Settings, Vec<Problem>> {
    Settings::load(&pairs.iter().copied().collect())
}

#[test]
fn nothing_set_gives_the_documented_defaults() {
    let settings = load(&[]).unwrap();
    assert_eq!(settings.api.address.to_string(), "127.0.0.1:11434");
    assert_eq!(settings.admin.address.to_string(), "127.0.0.1:8080");
    assert!(settings.admin.enabled && settings.admin.password.is_none());
    assert_eq!(settings.auth.mode, AuthMode::Open);
    assert_eq!(settings.api.max_body_bytes, 33_554_432);
    assert_eq!(settings.api.header_timeout, Duration::from_secs(75));
    assert_eq!(settings.upstream.first_byte_timeout, Duration::from_secs(300));
    assert_eq!(settings.store.database, Path::new("./data/relay.db"));
    assert_eq!(settings.files.relay, ConfiguredPath { path: "relay.yaml".into(), required: false });
    assert_eq!(settings.log.format, LogFormat::Text);
    assert_eq!(settings.reasoning_field, ReasoningWord::Auto);
    assert_eq!(settings.price_list.host_str(), Some("raw.githubusercontent.com"));
    assert!(load(&[("PRICE_LIST_URL", "file:///etc/passwd")]).is_err());
}

#[test]
fn callers_need_a_key_as_soon_as_others_can_reach_the_relay() {
    for (host, mode) in [("localhost", AuthMode::Open), ("::1", AuthMode::Open), ("0.0.0.0", AuthMode::Keys)] {
        assert_eq!(load(&[("HOST", host)]).unwrap().auth.mode, mode, "{host}");
    }
    assert_eq!(load(&[("HOST", "0.0.0.0"), ("AUTH_MODE", "open")]).unwrap().auth.mode, AuthMode::Open);
    assert_eq!(load(&[("AUTH_MODE", "Keys")]).unwrap().auth.mode, AuthMode::Keys);
}

#[test]
fn every_problem_is_reported_with_its_setting_once() {
    let problems = load(&[
        ("HOST", "relay.example.org"),
        ("PORT", "70000"),
        ("AUTH_MODE", "none"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, ten"),
        ("MAX_BODY_BYTES", "0"),
        ("IDLE_TIMEOUT_SECONDS", "-1"),
        ("LOG_FORMAT", "xml"),
        ("DATABASE_URL", "postgres://db/relay"),
        ("ALLOWED_ORIGINS", "chat"),
    ])
    .unwrap_err();
    let places: Vec<_> = problems.iter().map(|problem| problem.place.as_str()).collect();
    let expected = [
        "HOST",
        "PORT",
        "TRUSTED_PROXIES",
        "ALLOWED_ORIGINS",
        "MAX_BODY_BYTES",
        "AUTH_MODE",
        "IDLE_TIMEOUT_SECONDS",
        "DATABASE_URL",
        "LOG_FORMAT",
    ];
    assert_eq!(places, expected);
    assert!(problems[7].message.contains("not built in yet"));
}

#[test]
fn lists_are_split_at_commas() {
    let settings = load(&[
        ("TRUSTED_PROXIES", "127.0.0.1, fd00::/8,"),
        ("API_KEYS", "a, b"),
        ("ALLOWED_ORIGINS", "https://Chat.example.org/, *"),
    ])
    .unwrap();
    let proxies: Vec<_> = settings.api.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["127.0.0.1/32", "fd00::/8"]);
    assert_eq!(settings.auth.keys, [Secret::new("a"), Secret::new("b")]);
    assert_eq!(settings.api.allowed_origins, ["https://chat.example.org", "*"]);
}

#[test]
fn a_database_is_a_path_with_or_without_a_scheme() {
    for (url, path) in [("sqlite:///var/relay.db", "/var/relay.db"), ("sqlite://x.db", "x.db"), ("y.db", "y.db")] {
        assert_eq!(load(&[("DATABASE_URL", url)]).unwrap().store.database, Path::new(path), "{url}");
    }
    assert!(load(&[("DATABASE_URL", "mysql://x")]).is_err());
}

#[test]
fn a_file_that_was_named_must_exist() {
    let settings = load(&[("CONFIG", "/etc/relay.yaml")]).unwrap();
    assert_eq!(settings.files.relay, ConfiguredPath { path: "/etc/relay.yaml".into(), required: true });
}

#[test]
fn passwords_and_keys_do_not_print() {
    let settings = load(&[("ADMIN_PASSWORD", "hunter2"), ("API_KEYS", "sk-secret")]).unwrap();
    let text = format!("{settings:?}");
    assert!(!text.contains("hunter2") && !text.contains("sk-secret"));
}

#[test]
fn the_example_names_settings_that_work_and_their_defaults() {
    let text = include_str!("../../../.env.example");
    let settings = text.lines().filter_map(|line| line.strip_prefix('#')).filter_map(|line| line.split_once('='));
    let settings = settings.filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
    let example = Settings::load(&settings.collect()).unwrap();
    let default = load(&[]).unwrap();
    assert_eq!(example.api.address, default.api.address);
    assert_eq!(example.api.max_body_bytes, default.api.max_body_bytes);
    assert_eq!(example.admin.address, default.admin.address);
    assert_eq!(example.upstream.first_byte_timeout, default.upstream.first_byte_timeout);
    assert_eq!(example.store.database, default.store.database);
    assert_eq!(example.auth.mode, default.auth.mode);
}

#[test]
fn a_log_level_is_a_level_or_a_list_of_directives() {
    let level =
        |text: &str| Settings::load(&[("LOG_LEVEL", text)].into_iter().collect()).map(|settings| settings.log.level);
    for text in ["warn", "DEBUG", "info,llm_relay::relay=debug"] {
        assert_eq!(level(text).unwrap(), text);
    }
    for text in ["loud", "info,loud", "llm_relay=loud"] {
        assert_eq!(level(text).unwrap_err()[0].place, "LOG_LEVEL", "{text}");
    }
}

#[test]
fn what_the_environment_fixes_is_read_and_checked() {
    assert_eq!(load(&[]).unwrap().fixed, []);
    let said = [("KEEP_PROMPTS", "Routed"), ("KEEP_REQUESTS_DAYS", "forever"), ("REVERSE_DNS", "yes")];
    let fixed = [Setting::KeepPrompts(KeepPrompts::Routed), Setting::KeepRequestsDays(None), Setting::ReverseDns(true)];
    assert_eq!(load(&said).unwrap().fixed, fixed);
    for (name, value, expected) in [
        ("KEEP_PROMPTS", "some", "off, routed, all"),
        ("KEEP_PROMPTS_DAYS", "0", "0 is no number of days"),
        ("KEEP_DECISIONS_DAYS", "-1", "whole number of days"),
    ] {
        let problems = load(&[(name, value)]).unwrap_err();
        assert!(problems[0].place == name && problems[0].message.contains(expected), "{problems:?}");
    }
}
