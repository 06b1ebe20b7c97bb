//! Conversations keep their model, until a gate forces another one.

use serde_json::{Value, json};

use super::{World, outcome, relay_yaml, with_picture};
use crate::support::{Reply, wait_until};

const PER_SESSION: &str = "    strategy: per_session\n    session_ttl: 1h\n    cache_ttl: 0s";

fn turns(turns: &[&str]) -> Vec<Value> {
    turns.iter().map(|text| json!(text)).collect()
}

fn in_chat(world: &World, chat: &str, user: &str, said: &[&str]) -> Reply {
    world.converse(&[("x-openwebui-chat-id", chat), ("x-openwebui-user-email", user)], &turns(said))
}

#[test]
fn a_conversation_is_known_by_its_first_turns() {
    let world = World::new(PER_SESSION);
    world.judge_says(&["lab/bright"]);
    assert_eq!(outcome(&world.converse(&[], &turns(&["plan a trip"]))), "bright by designator");
    let later = ["plan a trip", "where to?", "somewhere warm"];
    assert_eq!(outcome(&world.converse(&[], &turns(&later))), "bright by pin");
    world.judge_says(&["lab/plain"]);
    assert_eq!(outcome(&world.converse(&[], &turns(&["say hi"]))), "plain by designator");
    assert_eq!(world.judge.calls().len(), 2);
}

#[test]
fn people_behind_one_address_have_their_own_conversations() {
    let world = World::new(PER_SESSION);
    world.judge_says(&["lab/bright", "lab/seeing", "lab/plain"]);
    assert_eq!(outcome(&in_chat(&world, "c1", "ann@example.org", &["hi"])), "bright by designator");
    assert_eq!(outcome(&in_chat(&world, "c2", "ann@example.org", &["hi"])), "seeing by designator");
    assert_eq!(outcome(&in_chat(&world, "c1", "bob@example.org", &["hi"])), "plain by designator");
    assert_eq!(outcome(&in_chat(&world, "c1", "ann@example.org", &["hi", "hello", "more"])), "bright by pin");
    assert_eq!(outcome(&in_chat(&world, "c2", "ann@example.org", &["something else"])), "seeing by pin");
    assert_eq!(outcome(&in_chat(&world, "c1", "bob@example.org", &["hi"])), "plain by pin");
    // A session the client names counts before everything else.
    world.judge_says(&["lab/seeing"]);
    let named = |said: &[&str]| world.converse(&[("x-llm-relay-session", "s1")], &turns(said));
    assert_eq!(outcome(&named(&["hi"])), "seeing by designator");
    assert_eq!(outcome(&named(&["what about this?"])), "seeing by pin");
}

#[test]
fn two_routers_do_not_share_a_conversation() {
    let world = World::new(PER_SESSION);
    let yaml = relay_yaml(&world.judge, &world.lab, PER_SESSION, "");
    let router = yaml.split("  smart:\n").nth(1).unwrap_or_default();
    world.relay.edit_relay_yaml(&format!("{yaml}\n  other:\n{router}"));
    let ask = |model: &str| {
        let messages = json!([{ "role": "user", "content": "hi" }]);
        world.ask_with(&[("x-openwebui-chat-id", "c")], &json!({ "model": model, "messages": messages }))
    };
    world.judge_says(&["lab/bright"]);
    wait_until("the edit is in force", || ask("other").status == 200);
    assert_eq!(ask("other").header("x-llm-relay-router-cause"), Some("pin"));
    world.judge_says(&["lab/seeing"]);
    assert_eq!(outcome(&ask("smart")), "seeing by designator");
    assert_eq!(ask("other").header("x-llm-relay-model"), Some("bright"));
}

#[test]
fn a_picture_moves_a_conversation_off_a_model_that_cannot_see() {
    let world = World::new(PER_SESSION);
    world.judge_says(&["lab/bright"]);
    assert_eq!(outcome(&world.converse(&[], &turns(&["hello"]))), "bright by designator");
    let seen = [json!("hello"), json!("hi"), with_picture("what is this?")];
    assert_eq!(outcome(&world.converse(&[], &seen)), "seeing by single");
    // It stays there: the conversation has its picture for good, and its model.
    let on = [&seen[..], &[json!("a pixel"), json!("which colour?")]].concat();
    assert_eq!(outcome(&world.converse(&[], &on)), "seeing by single");
    assert_eq!(outcome(&world.converse(&[], &turns(&["hello", "hi", "without it"]))), "seeing by pin");
    assert_eq!(world.judge.calls().len(), 1);
}

#[test]
fn a_conversation_that_outgrows_its_model_gets_another() {
    let world = World::new(PER_SESSION);
    world.judge_says(&["lab/plain"]);
    assert_eq!(outcome(&world.converse(&[], &turns(&["count"]))), "plain by designator");
    assert_eq!(outcome(&world.converse(&[], &turns(&["count", "1 2 3", "go on"]))), "plain by pin");
    world.judge_says(&["lab/bright"]);
    let long = "4 5 6 ".repeat(6_000);
    assert_eq!(outcome(&world.converse(&[], &turns(&["count", &long, "go on"]))), "bright by designator");
    assert_eq!(outcome(&world.converse(&[], &turns(&["count", &long, "more"]))), "bright by pin");
}

#[test]
fn a_candidate_that_is_switched_off_loses_its_conversations() {
    let world = World::new(PER_SESSION);
    world.judge_says(&["lab/bright"]);
    assert_eq!(outcome(&world.converse(&[], &turns(&["hi"]))), "bright by designator");
    let yaml = relay_yaml(&world.judge, &world.lab, PER_SESSION, "");
    world.judge_says(&["lab/seeing"]);
    world.relay.edit_relay_yaml(&yaml.replace("notes: hard ones", "notes: hard ones, enabled: false"));
    wait_until("the edit is in force", || outcome(&world.converse(&[], &turns(&["hi"]))) != "bright by pin");
    assert_eq!(outcome(&world.converse(&[], &turns(&["hi", "hello", "go on"]))), "seeing by pin");
}

#[test]
fn what_nobody_chose_is_not_kept() {
    let world = World::new(PER_SESSION);
    world.judge_says(&["nobody", "nobody at all"]);
    assert_eq!(outcome(&world.converse(&[], &turns(&["hi"]))), "plain by fallback-invalid");
    world.judge_says(&["lab/seeing"]);
    assert_eq!(outcome(&world.converse(&[], &turns(&["hi"]))), "seeing by designator");
}
