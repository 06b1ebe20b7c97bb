//! Counting, proved on a case of which the result is known.

use std::process::Command;

#[test]
fn three_allocations_are_counted_as_three() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "valgrind is missing: apt install valgrind");
        // Aloud, because a test that passes for want of a tool looks like one that passed.
        println!("skipped: valgrind is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("baseline.tsv");
    let run = |option: &[&str]| {
        let program = env!("CARGO_BIN_EXE_llm-relay-micro");
        Command::new(program).arg("control").arg("--baseline").arg(&baseline).args(option).output().unwrap()
    };
    assert!(run(&["--save"]).status.success());
    let saved = std::fs::read_to_string(&baseline).unwrap();
    assert!(saved.lines().any(|line| line.starts_with("control: ") && line.ends_with("\t3")), "{saved}");

    // The same program counts the same, and a baseline with less in it is one to fall short of.
    assert!(run(&["--check", "0"]).status.success());
    std::fs::write(&baseline, saved.replace("\t3", "\t2")).unwrap();
    assert!(!run(&["--check", "10"]).status.success());
}
