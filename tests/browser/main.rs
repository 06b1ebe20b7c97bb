//! The admin pages in a real browser.
//!
//! Each script starts relays and fake providers of its own (`harness.mjs`), does what an operator would do, and looks
//! at what is shown. Pictures of the pages are left in `target/pictures`.

#[allow(dead_code, reason = "the tests of the official clients use more of it")]
#[path = "../clients/service.rs"]
mod service;

use std::process::Command;

use service::{is_set_up, path, run};

#[test]
fn every_page_has_the_same_frame() {
    passes("frame");
}

#[test]
fn providers_are_added_tried_out_and_changed_and_ollama_pulls() {
    passes("providers");
}

#[test]
fn usage_and_the_overview_show_what_was_spent() {
    passes("usage");
}

#[test]
fn keys_are_made_used_and_revoked() {
    passes("keys");
}

#[test]
fn the_playground_asks_as_a_client_would() {
    passes("playground");
}

#[test]
fn names_are_edited_by_whoever_comes_first() {
    passes("entries");
}

#[test]
fn models_are_found_edited_and_compared_with_price_lists() {
    passes("models");
}

#[test]
fn settings_are_changed_undone_and_backed_up() {
    passes("settings");
}

#[test]
fn what_forms_say_is_about_what_stands_there() {
    passes("typing");
}

#[test]
fn the_api_does_what_its_page_shows() {
    passes("docs");
}

#[test]
fn an_operator_gets_from_nothing_to_a_priced_answer() {
    passes("story");
}

/// Runs a script of this folder to its end.
fn passes(script: &str) {
    if is_set_up("tests/browser/node_modules/installed-package-lock.json") {
        let mut node = Command::new("node");
        node.arg("--test").arg(path("tests/browser").join(format!("{script}.mjs")));
        run(node.env("LLM_RELAY", env!("CARGO_BIN_EXE_llm-relay")).env("PICTURES", path("target/pictures")));
    }
}
