//! Smart routers from outside: a scripted designator, candidates that differ, and everything that can go wrong between
//! them.

mod choosing;
mod explained;
mod failing;
mod money;
mod names;
mod sessions;

use serde_json::{Value, json};

use crate::support::{Answer, Face, FakeUpstream, Recorded, Reply, Setup, TestRelay};

/// What the candidates can do, and what everything costs: USD per million tokens, so a token costs as many micro-USD.
const OVERRIDES: &str = "
providers:
  judge:
    models:
      judge: { price: { input: 1, output: 2 } }
      second: { price: { input: 1, output: 2 } }
  lab:
    models:
      plain: { context_length: 8000, capabilities: { vision: false }, price: { input: 10, output: 20 } }
      bright: { context_length: 100000, capabilities: { vision: false }, price: { input: 100, output: 200 } }
      seeing: { context_length: 100000, capabilities: { vision: true }, price: { input: 50, output: 60 } }
";

/// A router `smart` over three models of a lab, with a designator at another provider.
struct World {
    judge: FakeUpstream,
    lab: FakeUpstream,
    relay: TestRelay,
}

impl World {
    /// `settings`: more of the router, as it stands in YAML.
    fn new(settings: &str) -> Self {
        Self::set_up(settings, "", |setup| setup)
    }

    /// With more at the top of `relay.yaml`, and set up further.
    fn set_up(settings: &str, more: &str, further: impl FnOnce(Setup) -> Setup) -> Self {
        let (judge, lab) = (FakeUpstream::openai(), FakeUpstream::openai());
        let yaml = relay_yaml(&judge, &lab, settings, more);
        let relay = further(TestRelay::setup().relay_yaml(&yaml).overrides_yaml(OVERRIDES)).start();
        Self { judge, lab, relay }
    }

    /// The designator's next answers: names of candidates, or anything else.
    fn judge_says(&self, answers: &[&str]) {
        self.judge.then(answers.iter().map(|text| Answer::text(text)));
    }

    fn ask(&self, question: &str) -> Reply {
        self.ask_with(&[], &Face::OpenAi.ask("smart", question, false))
    }

    fn ask_with(&self, headers: &[(&str, &str)], body: &Value) -> Reply {
        self.relay.client().post_with(Face::OpenAi.path(), headers, body)
    }

    /// Asks with these turns, alternately the user's and the model's.
    fn converse(&self, headers: &[(&str, &str)], turns: &[Value]) -> Reply {
        let roles = ["user", "assistant"].iter().cycle();
        let messages: Vec<Value> =
            turns.iter().zip(roles).map(|(content, role)| json!({ "role": role, "content": content })).collect();
        self.ask_with(headers, &json!({ "model": "smart", "messages": messages }))
    }
}

fn relay_yaml(judge: &FakeUpstream, lab: &FakeUpstream, settings: &str, more: &str) -> String {
    let provider = |id: &str, upstream: &FakeUpstream, models: &str| {
        let address = upstream.client().address;
        format!("  {id}: {{ protocol: openai, base_url: \"http://{address}/v1\", api_key: k, models: [{models}] }}\n")
    };
    format!(
        "{more}
providers:
{judge}{lab}
routers:
  smart:
    purpose: everything a small team asks
    designator: judge/judge
    candidates:
      - {{ model: lab/plain, notes: short everyday questions }}
      - {{ model: lab/bright, notes: hard ones }}
      - {{ model: lab/seeing, notes: pictures }}
    fallback: lab/plain
    tags: [routed]
{settings}
",
        judge = provider("judge", judge, "judge, second"),
        lab = provider("lab", lab, "plain, bright, seeing"),
    )
}

/// Who answered and why: `plain by designator`.
fn outcome(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("x-llm-relay-resolved-by"), Some("router:smart"));
    let header = |name| reply.header(name).unwrap_or("nobody").to_owned();
    format!("{} by {}", header("x-llm-relay-model"), header("x-llm-relay-router-cause"))
}

/// A question with a picture of one pixel.
fn with_picture(text: &str) -> Value {
    const PIXEL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    json!([{ "type": "text", "text": text }, { "type": "image_url", "image_url": { "url": PIXEL } }])
}

/// The designator's prompt: rules and candidates, then the request.
fn prompt(call: &Recorded) -> (String, String) {
    let text = |at: usize| call.body["messages"][at]["content"].as_str().unwrap_or_default().to_owned();
    (text(0), text(1))
}
