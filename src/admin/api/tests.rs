//! The table of routes: every path is found, and none answers without the password.

use std::collections::HashMap;
use std::path::Path;
use std::pin::Pin;

use arc_swap::ArcSwap;
use http::header::AUTHORIZATION;
use http_body_util::BodyExt;
use serde_json::Value;

use super::*;
use crate::admin::{Asked, ConfiguredKey, FilesRead, InForce, Inference, Instruments, Policy, routes};
use crate::auth::AuthMode;
use crate::catalog::{Catalog, Entry, Sources, built_in_overrides};
use crate::clock::UnixMillis;
use crate::config::{ConfiguredPath, Definition, Definitions, LiveSettings, Problem, RelayFile, Variables};
use crate::protocol::ListedModel;
use crate::relay::fixture::idle_relay;
use crate::secret::Secret;
use crate::store::{Store, StoreError};
use crate::vault::{Sealed, Vault, VaultError};

/// Finds nothing wrong and has nothing to follow.
struct Nothing;

impl InForce for Nothing {
    fn place(&self, kind: EntryKind, name: &str) -> String {
        format!("{}.{name}", kind.section())
    }

    fn check(&self, _: &str, _: Entry<'_>) -> Vec<Problem> {
        Vec::new()
    }

    fn check_change(&self, _: &str, _: &Definition) -> Vec<Problem> {
        Vec::new()
    }

    fn check_all(&self, _: &Definitions) -> Vec<Problem> {
        Vec::new()
    }

    fn settings(&self) -> Arc<LiveSettings> {
        Arc::default()
    }

    fn tidy(&self) {}

    fn files(&self) -> ([ConfiguredPath; 2], FilesRead) {
        let file = |path: &str| ConfiguredPath { path: path.into(), required: false };
        ([file("relay.yaml"), file("overrides.yaml")], FilesRead::default())
    }

    fn leading_to_provider(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn seal(&self, id: &str, secret: &Secret) -> Result<Sealed, VaultError> {
        Vault::new(Some(Secret::new("x")), Path::new("")).seal(id, secret)
    }

    fn failing(&self, _: &str) -> Option<(UnixMillis, String)> {
        None
    }

    fn listed(&self, _: &str, _: Result<Vec<ListedModel>, String>) {}

    fn instances_changed(&self) {}

    fn with_change(&self, _: EntryKind, _: &str, _: Option<&Definition>) -> Catalog {
        empty_catalog()
    }

    fn follow(&self, _: &mut Conn<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn configured_keys(&self) -> Vec<ConfiguredKey> {
        Vec::new()
    }

    fn follow_keys(&self, _: &mut Conn<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Has nothing to say.
struct Silence;

impl Inference for Silence {
    fn answer(&self, _: Asked) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        Box::pin(std::future::ready(reply::text(200, "")))
    }
}

fn empty_catalog() -> Catalog {
    let sources = Sources {
        variables: &Variables::default(),
        relay: &RelayFile::default(),
        overrides: built_in_overrides(),
        stored: &Definitions::default(),
        discovered: &HashMap::new(),
    };
    Catalog::build(&sources).0
}

fn shared(folder: &Path) -> Arc<Shared> {
    let store = Store::open(&folder.join("relay.db")).unwrap();
    let address = ([127, 0, 0, 1], 1).into();
    let policy = Policy {
        password: Some(Secret::new("sesame")),
        trusted_proxies: Vec::new(),
        loopback_only: true,
        api_address: address,
        fixed: Vec::new(),
        auth_mode: AuthMode::Open,
    };
    let catalog = Arc::new(ArcSwap::from_pointee(empty_catalog()));
    Arc::new(Shared::new(
        catalog,
        Arc::new(Nothing),
        Arc::new(idle_relay(folder)),
        Arc::new(Silence),
        store,
        policy,
        Instruments::default(),
    ))
}

async fn ask(shared: &Arc<Shared>, method: &Method, path: &str, headers: HeaderMap) -> (u16, Value) {
    let request = Request {
        method: method.clone(),
        path: path.to_owned(),
        query: String::new(),
        headers,
        peer: ([127, 0, 0, 1], 2).into(),
        body: Box::pin(futures_util::stream::empty()),
    };
    let reply = routes::dispatch(shared.clone(), request).await;
    let status = reply.status().as_u16();
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn every_route_needs_the_password_and_exists_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared(folder.path());
    let known = HeaderMap::from_iter([(AUTHORIZATION, "Basic YTpzZXNhbWU=".parse().unwrap())]);
    let paths = ROUTES.iter().map(|(pattern, methods, _)| (format!("{ROOT}{pattern}"), *methods));
    for (path, methods) in paths.chain([(format!("{ROOT}nothing"), &[][..])]) {
        for method in [GET, HEAD, PUT, DELETE, Method::POST, Method::PATCH, Method::OPTIONS] {
            let (status, body) = ask(&shared, &method, &path, HeaderMap::new()).await;
            assert_eq!((status, &body["error"]["code"]), (401, &"password_needed".into()), "{method} {path}");
            let (status, body) = ask(&shared, &method, &path, known.clone()).await;
            assert_ne!(status, 401, "{method} {path}");
            match body["error"]["code"].as_str() {
                Some("no_such_path") => assert!(methods.is_empty(), "{method} {path}"),
                Some("method") => assert!(status == 405 && !methods.contains(&method), "{method} {path}"),
                _ => assert!(methods.contains(&method), "{method} {path}: {status} {body}"),
            }
        }
    }
}

#[test]
fn a_name_is_one_segment_as_it_was_written() {
    let found = |path| find(path).map(|(route, _, name)| (route, name));
    assert_eq!(found("routers"), Some((Route::Entries(EntryKind::Router), None)));
    assert_eq!(found("routers/team%2Fsmart"), Some((Route::Entry(EntryKind::Router), Some("team%2Fsmart"))));
    assert_eq!(found("redirects/gpt-4%2A"), Some((Route::Entry(EntryKind::Redirect), Some("gpt-4%2A"))));
    assert_eq!(found("history/7/undo"), Some((Route::Undo, Some("7"))));
    assert_eq!(found("routers/a/resolve"), Some((Route::Trial, Some("a"))));
    for path in ["", "routers/", "routers/a/b", "routers/a/", "Routers", "routersx", "NAME", "/routers"] {
        assert_eq!(found(path), None, "{path}");
    }
}

#[test]
fn a_rehearsal_is_never_misread() {
    for (query, expected) in
        [("", false), ("dry_run", true), ("a=b&dry_run=true", true), ("dry_run=0", false), ("dry_runs=x", false)]
    {
        assert_eq!(flag(query, "dry_run").unwrap(), expected, "{query}");
    }
    assert!(flag("dry_run=yes", "dry_run").is_err());
    assert!(flag("dry_run=", "dry_run").is_err());
}

#[test]
fn every_route_is_described_and_nothing_else_is() {
    let described: Vec<(&str, &str)> =
        described::AREAS.iter().flat_map(|area| area.operations).map(|one| (one.path, one.method)).collect();
    let mut missing = Vec::new();
    for (path, methods, _) in ROUTES {
        // Wherever GET answers, HEAD does.
        for method in methods.iter().filter(|method| **method != HEAD) {
            if !described.contains(&(path, method.as_str())) {
                missing.push(format!("{method} {path}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "not in described.rs");
    for (path, method) in &described {
        let route = ROUTES.iter().find(|(known, _, _)| known == path);
        assert!(
            route.is_some_and(|(_, methods, _)| methods.iter().any(|one| one.as_str() == *method)),
            "{method} {path}"
        );
    }
    let mut once = described.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), described.len(), "something is described twice");
}
