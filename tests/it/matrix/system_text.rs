//! Models without a system prompt.

use serde_json::json;

use crate::support::{Face, FakeUpstream, Format, TestRelay};

#[test]
fn models_without_system_prompt_hear_it_from_the_user() {
    for format in Format::ALL {
        let upstream = FakeUpstream::start(format);
        let rules = format!("providers: {{ {}: {{ defaults: {{ supports_system_prompt: false }} }} }}", format.name());
        let relay = TestRelay::setup().overrides_yaml(&rules).upstreams(&[&upstream]).start();
        for face in Face::ALL {
            let mut ask = face.ask(format.model(), "Weather?", false);
            ask["messages"] = json!([
                { "role": "system", "content": "You are terse." },
                { "role": "user", "content": "Weather?" },
            ]);
            let reply = relay.client().post(face.path(), &ask);
            assert_eq!(reply.status, 200, "{face:?} to {format:?}: {}", reply.text());
        }
        for call in upstream.calls() {
            let body = call.body.to_string();
            assert!(!body.contains("\"system"), "{format:?}: {body}");
            let places = ["You are terse.", "Weather?"].map(|text| body.find(text));
            assert!(places[0].is_some() && places[0] < places[1], "{format:?}: {body}");
        }
    }
}
