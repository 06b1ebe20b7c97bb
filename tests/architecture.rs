//! The import table of ARCHITECTURE.md, kept true: which module may name which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const LEAVES: &[&str] = &["money", "secret", "clock", "json", "entry_kind", "vault", "redaction", "log"];

/// A module and the modules it may use besides itself and the leaves.
const TABLE: &[(&str, &[&str])] = &[
    ("money", &[]),
    ("secret", &[]),
    ("clock", &[]),
    ("json", &[]),
    ("entry_kind", &[]),
    ("redaction", &[]),
    ("log", &[]),
    ("vault", &[]),
    ("chat", &[]),
    ("config", &[]),
    ("store", &[]),
    ("listener", &[]),
    ("protocol", &["chat"]),
    ("catalog", &["config", "protocol"]),
    ("routing", &["catalog", "chat", "protocol"]),
    ("evaluation", &["chat", "protocol", "routing"]),
    ("providers", &["catalog", "protocol"]),
    ("auth", &["store"]),
    ("tracking", &["chat", "catalog", "routing", "store"]),
    ("relay", &["chat", "protocol", "providers", "catalog", "routing", "tracking"]),
    ("server", &["auth", "catalog", "chat", "listener", "protocol", "providers", "relay", "routing", "tracking"]),
    (
        "admin",
        &[
            "auth",
            "catalog",
            "chat",
            "config",
            "listener",
            "protocol",
            "providers",
            "relay",
            "routing",
            "store",
            "tracking",
        ],
    ),
    ("demo", &[]),
];

/// Whoever puts the program together may use everything; nobody else may use these.
const TOP: [&str; 4] = ["app", "cli", "main", "lib"];

/// What only one place may do, recognised by the crate that does it.
const ROOMS: [(&str, &[&str]); 5] = [
    ("hyper::client::", &["src/providers/"]),
    ("rusqlite::", &["src/store/"]),
    ("warp::", &["src/server/", "src/admin/"]),
    ("std::env::", &["src/config/", "src/cli/arenas.rs"]),
    ("serde_yaml::", &["src/config/"]),
];

#[test]
fn imports_follow_the_table() {
    let table: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        seen.insert(module.clone());
        if TOP.contains(&module.as_str()) {
            continue;
        }
        let Some(allowed) = table.get(module.as_str()) else {
            wrong.push(format!("{}: the module `{module}` is not in the table", path.display()));
            continue;
        };
        for (line, used) in uses(&text) {
            let fine = used == module || LEAVES.contains(&used.as_str()) || allowed.contains(&used.as_str());
            if !fine {
                wrong.push(format!("{}:{line}: `{module}` may not use `{used}`", path.display()));
            }
        }
    }
    for (module, _) in TABLE {
        if !seen.contains(*module) {
            wrong.push(format!("`{module}` is in the table but has no source"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn capabilities_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let name = path.to_string_lossy().replace('\\', "/");
        for (what, allowed) in ROOMS {
            if allowed.iter().any(|room| name.starts_with(room)) {
                continue;
            }
            for (index, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                if code.contains(what) {
                    wrong.push(format!("{name}:{}: `{what}` belongs to {}", index + 1, allowed.join(", ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("sources are text");
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

/// The top-level module a file belongs to: `src/relay/stream.rs` → `relay`, `src/money.rs` → `money`.
fn module_of(path: &Path) -> String {
    let first = path.components().nth(1).expect("sources lie in src").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Every `crate::module` named in code, with its line; comments are passed over.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, marker) in code.match_indices("crate::") {
            let rest = &code[at + marker.len()..];
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(list) => list.split(',').map(|part| part.trim().split("::").next().unwrap_or_default()).collect(),
                None => vec![rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()],
            };
            found.extend(names.into_iter().filter(|name| !name.is_empty()).map(|name| (index + 1, name.to_owned())));
        }
    }
    found
}
