use super::*;
use crate::clock::UnixMillis;
use crate::entry_kind::EntryKind;
use crate::store::entries::{self, StoredEntry};
use crate::store::history::Author;
use crate::store::keys::{self, StoredKey};

use crate::store::Conn;
use crate::store::Store;

const NOW: UnixMillis = UnixMillis(9);

fn alias(name: &str, target: &str) -> StoredEntry {
    let definition = format!("{{\"target\":\"{target}\",\"tags\":[]}}");
    StoredEntry { kind: EntryKind::Alias, name: name.to_owned(), definition, updated: UnixMillis(1) }
}

fn key(id: &str, name: &str) -> StoredKey {
    StoredKey {
        id: id.into(),
        name: name.into(),
        hash: format!("{id:0>64}"),
        shown_prefix: "sk-relay-x".into(),
        tags: vec!["t".into()],
        models: Vec::new(),
        created: UnixMillis(1),
        expires: None,
        revoked: None,
        last_used: None,
    }
}

fn planned(conn: &mut Conn<'_>, backup: &Backup, keeps: bool) -> Plan {
    let elsewhere = |_, name: &str| (name == "filed").then(|| "relay.yaml:1:1".to_owned());
    plan(conn, backup, elsewhere, keeps, NOW).unwrap().unwrap().0
}

#[test]
fn a_restore_makes_the_database_say_what_the_backup_says() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("relay.db")).unwrap();
    store
        .blocking(|conn| {
            for entry in [alias("a", "m"), alias("b", "m"), alias("filed", "m")] {
                entries::write(conn, None, Some(&entry), &Author::Admin)?;
            }
            for one in [key("1", "web"), key("2", "ci")] {
                keys::create(conn, &one, &Author::Admin)?;
            }
            let backup = Backup::read(Backup::make(conn, NOW)?.to_text().as_bytes()).unwrap();
            assert_eq!(planned(conn, &backup, false).changes, []);
            assert_eq!(planned(conn, &backup, false).unchanged, 5);

            entries::write(conn, Some(&alias("a", "m")), Some(&alias("A", "other")), &Author::Admin)?;
            entries::write(conn, Some(&alias("b", "m")), None, &Author::Admin)?;
            entries::write(conn, Some(&alias("filed", "m")), None, &Author::Admin)?;
            entries::write(conn, None, Some(&alias("c", "m")), &Author::Admin)?;
            keys::revoke(conn, "web", NOW, &Author::Admin)?;
            conn.execute("delete from api_keys where name = 'ci'", &[])?;

            let plan = planned(conn, &backup, false);
            let words: Vec<_> = plan.changes.iter().map(|one| (one.kind, one.name.as_str(), one.change)).collect();
            let expected = [
                ("alias", "a", ChangeWord::Changed),
                ("alias", "b", ChangeWord::New),
                ("alias", "c", ChangeWord::Gone),
                ("key", "ci", ChangeWord::New),
            ];
            assert_eq!(words, expected);
            let skipped: Vec<_> = plan.skipped.iter().map(|one| one.name.as_str()).collect();
            assert_eq!(skipped, ["filed", "web"]);
            assert_eq!(planned(conn, &backup, true).changes.len(), 3, "what is gone may be kept");

            conn.transaction(|tx| apply(tx, &plan, &Author::Admin))?;
            let names: Vec<_> = entries::list(conn)?.into_iter().map(|one| one.name).collect();
            assert_eq!(names, ["a", "b"]);
            assert_eq!(planned(conn, &backup, false).changes, []);
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_is_no_backup_is_refused_with_the_reason() {
    let whole = |entries: &str| {
        format!(
            "{{\"format\":\"llm-relay-backup\",\"version\":1,\"made_by\":\"x\",\"made_ms\":1,\"entries\":{entries},\"keys\":[]}}"
        )
    };
    for (text, expected) in [
        ("{}", "no backup of LLM Relay: missing field `format`"),
        ("{\"format\":\"x\",\"version\":1}", "its format is `x`"),
        ("{\"format\":\"llm-relay-backup\",\"version\":2}", "has version 2"),
        ("not json", "no backup"),
        (&whole("{\"wonders\":{}}"), "knows no `wonders`"),
        (&whole("{\"aliases\":{\"a\":{\"x\":1}}}"), "the alias `a` cannot be read: unknown field `x`"),
        (&whole("{\"settings\":{\"reverse_dns\":{\"keep_prompts\":\"all\"}}}"), "it says that it is `keep_prompts`"),
    ] {
        let read = Backup::read(text.as_bytes()).and_then(|backup| backup.definitions(NOW).map(|_| ()));
        let message = read.unwrap_err().to_string();
        assert!(message.contains(expected), "{text}: {message}");
    }
}
