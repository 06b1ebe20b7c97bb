//! Who falls at which gate.

use super::*;
use crate::catalog::fixture::Fixture;
use crate::routing::smart::Untranslatable;

const RELAY: &str = "
providers:
  lab: {protocol: openai, base_url: 'http://lab/v1', models: [small, seeing, unknown, off, embedder]}
  groq: {api_key: k, enabled: false}
aliases: {eyes: lab/seeing}
routers:
  r:
    designator: lab/small
    candidates:
      - lab/small
      - eyes
      - lab/unknown
      - {model: lab/off, enabled: false}
      - groq/llama-3.1-8b-instant
      - lab/embedder
      - nowhere
    fallback: lab/small
";
const OVERRIDES: &str = "
providers:
  lab:
    models:
      small: {context_length: 8000, max_output: 2000, capabilities: {vision: false, tools: false, json_schema: false, reasoning: false}}
      seeing: {merge_roles: true, context_length: 100000, capabilities: {vision: true, tools: true, audio: false, reasoning: true}}
      embedder: {kind: embedding}
";

fn fallen(demands: &Demands, gates: Gates<'_>) -> Vec<Option<&'static str>> {
    let catalog = Fixture { relay: RELAY, overrides: Some(OVERRIDES), ..Fixture::default() }.catalog();
    let router = catalog.routers().get("r").unwrap();
    weigh(&catalog, router, demands, gates).iter().map(|one| one.fell.as_ref().map(Gate::word)).collect()
}

const ALL: Gates<'_> = Gates { may_use: &|_, _| true, is_healthy: &|_| true };
/// What is wrong with the last four whatever is asked.
const REST: [Option<&str>; 4] = [Some("disabled"), Some("not_callable"), Some("not_chat"), Some("not_callable")];

fn expect(demands: Demands, first: [Option<&'static str>; 3]) {
    let expected: Vec<_> = first.into_iter().chain(REST).collect();
    assert_eq!(fallen(&demands, ALL), expected, "{demands:?}");
}

#[test]
fn each_gate_removes_those_who_cannot() {
    expect(Demands::default(), [None, None, None]);
    expect(Demands { images: true, ..Demands::default() }, [Some("images"), None, Some("images")]);
    expect(Demands { audio: true, ..Demands::default() }, [None, Some("audio"), None]);
    expect(Demands { tools: true, ..Demands::default() }, [Some("tools"), None, None]);
    expect(Demands { json_schema: true, ..Demands::default() }, [Some("json_schema"), None, None]);
    expect(Demands { thinking: true, ..Demands::default() }, [Some("thinking"), None, None]);
}

#[test]
fn what_no_translation_carries_goes_only_where_it_need_not_be_translated() {
    let demands = |protocol: &str| Demands {
        untranslatable: Some(Untranslatable { protocol: protocol.to_owned(), place: "tools[0]".to_owned() }),
        ..Demands::default()
    };
    let reason = Some("untranslatable");
    // The second model's messages are rewritten even in its own protocol.
    expect(demands("openai"), [None, reason, None]);
    expect(demands("ollama"), [reason, reason, reason]);
}

#[test]
fn the_answer_needs_room_too() {
    let demands = |prompt_tokens, answer_tokens| Demands { prompt_tokens, answer_tokens, ..Demands::default() };
    expect(demands(6_976, None), [None, None, None]);
    expect(demands(6_977, None), [Some("context"), None, None]);
    expect(demands(4_000, Some(4_000)), [None, None, None]);
    // No answer is longer than the model can write.
    expect(demands(6_000, Some(90_000)), [None, None, None]);
    expect(demands(50_000, Some(90_000)), [Some("context"), Some("context"), None]);
}

#[test]
fn keys_and_health_are_asked_with_the_name_and_the_model() {
    let gates = Gates { may_use: &|name, model| name == "eyes" && model.name() == "lab/seeing", ..ALL };
    let expected = [Some("not_allowed"), None, Some("not_allowed")];
    assert_eq!(fallen(&Demands::default(), gates)[..3], expected);
    let gates = Gates { is_healthy: &|model| model.name() != "lab/seeing", ..ALL };
    assert_eq!(fallen(&Demands::default(), gates)[..3], [None, Some("unhealthy"), None]);
    // Who cannot be reached is not preferred either: what is unknown passes then.
    let seeing = Demands { images: true, ..Demands::default() };
    assert_eq!(fallen(&seeing, gates)[..3], [Some("images"), Some("unhealthy"), None]);
}

#[test]
fn reasons_are_sentences() {
    let needs = Gate::Context { needs: 9_000, has: 8_000 };
    assert_eq!(needs.to_string(), "has a context of 8000 tokens, and about 9000 are needed");
    assert_eq!(Gate::Images { known: true }.to_string(), "cannot see images");
    assert_eq!(Gate::Audio { known: false }.to_string(), "is not known to hear audio, and others are");
}
