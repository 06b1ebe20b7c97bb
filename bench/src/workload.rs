//! What is asked: the requests of the workloads, in the words of whoever they are sent to.

use serde_json::{Value, json};

use crate::fake::Format;
use crate::load::Framing;
use crate::script::{Designator, PICK_TOKENS, PROMPT_TOKENS, Script};

/// Price of a prompt token and of an answer's token in the relay's configuration, nano-USD.
pub(crate) const PRICE_NANO_USD: (u64, u64) = (1_000, 2_000);
/// How long the designator of [`Router::Asking`] takes for its answer.
pub(crate) const DESIGNATOR_MS: u64 = 20;
/// Bytes of the long prompt's JSON.
const LONG_PROMPT_BYTES: usize = 100_000;

/// A conversation a client asks to be continued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chat {
    /// What a client of the relay speaks. Clients of nginx, which cannot translate, speak the provider's format.
    pub(crate) client: Format,
    pub(crate) provider: Format,
    pub(crate) script: Script,
    pub(crate) stream: bool,
    pub(crate) prompt: Prompt,
    /// Whom the relay is asked for instead of the model.
    pub(crate) router: Option<Router>,
}

/// A smart router in the relay's configuration, by what becomes of a request to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Router {
    /// The conversation has its model.
    Pinned,
    /// The question was decided before.
    Cached,
    /// The designator is asked every time.
    Asking,
    /// Neither of two designators ever answers.
    Stalled,
}

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// One question.
    Short,
    /// 100 KB of earlier messages.
    Long,
}

impl Chat {
    /// A whole answer in OpenAI's format.
    pub(crate) const WHOLE: Self = Self {
        client: Format::OpenAi,
        provider: Format::OpenAi,
        script: Script::burst(32),
        stream: false,
        prompt: Prompt::Short,
        router: None,
    };

    /// A stream of 128 tokens in OpenAI's format.
    pub(crate) const STREAM: Self =
        Self { script: Script { joined: true, ..Script::burst(128) }, stream: true, ..Self::WHOLE };

    /// Why its router chooses as it does, the first time aside.
    pub(crate) fn usual_cause(&self) -> Option<&'static str> {
        self.router.map(|router| router.causes()[1])
    }

    /// What a complete answer costs with the prices of the relay's configuration, in nano-USD, and the designator's with
    /// it if the router's cause is that it was asked. One that never answers costs nothing.
    pub(crate) fn cost_nano_usd(&self, cause: Option<&str>) -> u64 {
        let cost = |n_tokens| PROMPT_TOKENS * PRICE_NANO_USD.0 + n_tokens * PRICE_NANO_USD.1;
        let choosing = if cause == Some("designator") { cost(PICK_TOKENS) } else { 0 };
        cost(self.script.n_tokens as u64) + choosing
    }
}

impl Router {
    pub(crate) const ALL: [Self; 4] = [Self::Pinned, Self::Cached, Self::Asking, Self::Stalled];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Cached => "cached",
            Self::Asking => "asking",
            Self::Stalled => "stalled",
        }
    }

    /// What it must say why it chose, at the first request and at every later one.
    pub(crate) fn causes(self) -> [&'static str; 2] {
        match self {
            Self::Pinned => ["designator", "pin"],
            Self::Cached => ["designator", "cache"],
            Self::Asking => ["designator"; 2],
            Self::Stalled => ["fallback-timeout"; 2],
        }
    }

    /// Who chooses. The fastest where choosing is not what is measured.
    pub(crate) fn designator(self) -> Designator {
        match self {
            Self::Pinned | Self::Cached => Designator::Picks { number: 1, wait_ms: 0 },
            Self::Asking => Designator::Picks { number: 1, wait_ms: DESIGNATOR_MS },
            Self::Stalled => Designator::Stalls,
        }
    }
}

/// How a target wants to be asked.
#[derive(Debug, Clone)]
pub(crate) enum Face {
    /// As the provider itself.
    Provider,
    /// As the relay: in the client's format, with a key, and a tag for the accounts.
    Relay { key: String },
    /// As another gateway: in the client's format.
    Peer(PeerFace),
}

/// What another gateway wants to be told.
#[derive(Debug, Clone)]
pub(crate) struct PeerFace {
    pub(crate) key: String,
    /// The model's name there; `{}` is the script.
    pub(crate) model: String,
    /// `name: value`.
    pub(crate) headers: Vec<String>,
}

/// The provider that speaks a format, in the relay's configuration.
pub(crate) fn provider_id(format: Format) -> &'static str {
    match format {
        Format::OpenAi => "fake-openai",
        Format::Anthropic => "fake-anthropic",
        Format::Gemini => "fake-gemini",
        Format::Ollama => "fake-ollama",
    }
}

impl Face {
    /// The format in which a chat is asked, and so the one of the answer.
    pub(crate) fn format(&self, chat: &Chat) -> Format {
        match self {
            Self::Provider => chat.provider,
            Self::Relay { .. } | Self::Peer(_) => chat.client,
        }
    }

    /// A chat as bytes to send.
    pub(crate) fn chat(&self, chat: &Chat) -> Vec<u8> {
        let format = self.format(chat);
        let script = chat.script.to_string();
        let model = match (self, chat.router) {
            (Self::Provider, _) => script,
            (Self::Relay { .. }, Some(router)) => router.name().to_owned(),
            (Self::Relay { .. }, None) => format!("{}/{script}", provider_id(chat.provider)),
            (Self::Peer(peer), _) => peer.model.replace("{}", &script),
        };
        let path = match format {
            Format::OpenAi => "/v1/chat/completions".to_owned(),
            Format::Anthropic => "/v1/messages".to_owned(),
            Format::Gemini if chat.stream => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
            Format::Gemini => format!("/v1beta/models/{model}:generateContent"),
            Format::Ollama => "/api/chat".to_owned(),
        };
        let session = if chat.router == Some(Router::Pinned) { "x-llm-relay-session: bench\r\n" } else { "" };
        post(&path, &format!("{}{session}", self.headers()), &body(format, &model, chat))
    }

    /// What a router asks its designator about [`Chat::WHOLE`], as far as it matters: as many bytes, in the same form.
    pub(crate) fn question(&self, designator: Designator) -> Vec<u8> {
        post("/v1/chat/completions", &self.headers(), &question(designator))
    }

    /// A list, for which nothing is sent.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        let headers = self.headers();
        format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: llm-relay-bench/1\r\n{headers}\r\n").into_bytes()
    }

    fn headers(&self) -> String {
        match self {
            // Keys of about the length that the relay's have, so that nginx reads as much.
            Self::Provider => {
                let key = "0".repeat(43);
                format!("authorization: Bearer sk-bench-{key}\r\nx-proxy-tag: load\r\n")
            }
            Self::Relay { key } => format!("authorization: Bearer {key}\r\nx-proxy-tag: load\r\n"),
            Self::Peer(peer) => {
                let extra: String = peer.headers.iter().map(|header| format!("{header}\r\n")).collect();
                format!("authorization: Bearer {}\r\n{extra}", peer.key)
            }
        }
    }
}

fn post(path: &str, headers: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\nuser-agent: llm-relay-bench/1\r\n\
         {headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// How the events of a format are set apart.
pub(crate) fn framing(format: Format, stream: bool) -> Framing {
    match (stream, format) {
        (false, _) => Framing::None,
        (true, Format::Ollama) => Framing::Lines,
        (true, Format::OpenAi | Format::Anthropic | Format::Gemini) => Framing::Sse,
    }
}

fn body(format: Format, model: &str, chat: &Chat) -> Value {
    let messages = messages(chat.prompt);
    match format {
        Format::OpenAi => {
            let mut body = json!({"model": model, "messages": messages, "temperature": 0.7, "max_tokens": 1024});
            if chat.stream {
                body["stream"] = json!(true);
                body["stream_options"] = json!({"include_usage": true});
            }
            body
        }
        Format::Anthropic => json!({"model": model, "max_tokens": 1024, "messages": messages, "stream": chat.stream}),
        Format::Gemini => {
            let content = |message: &Value| {
                let role = if message["role"] == "assistant" { "model" } else { "user" };
                json!({"role": role, "parts": [{"text": message["content"]}]})
            };
            json!({"contents": messages.iter().map(content).collect::<Vec<_>>()})
        }
        Format::Ollama => json!({"model": model, "messages": messages, "stream": chat.stream}),
    }
}

fn question(designator: Designator) -> Value {
    let rules = "You choose which of these models answers a request, and never answer it yourself. ".repeat(10);
    let ask = format!("Request:\n{}\nAnswer with one of m1, m2, m3.", json!({"turns": messages(Prompt::Short)}));
    let choice = json!({"type": "string", "enum": ["m1", "m2", "m3"]});
    let schema = json!({"type": "object", "properties": {"candidate": choice}, "required": ["candidate"]});
    json!({
        "model": designator.to_string(),
        "messages": [{"role": "system", "content": rules}, {"role": "user", "content": ask}],
        "temperature": 0.0,
        "max_tokens": 16,
        "response_format": {"type": "json_schema", "json_schema": {"name": "choice", "schema": schema, "strict": true}},
    })
}

fn messages(prompt: Prompt) -> Vec<Value> {
    let question = json!({"role": "user", "content": "Which of the two ways would you take, and why? Be brief."});
    let mut messages = Vec::new();
    if prompt == Prompt::Long {
        let mut n_bytes = 0;
        while n_bytes < LONG_PROMPT_BYTES {
            let role = if messages.len() % 2 == 0 { "user" } else { "assistant" };
            let message = json!({"role": role, "content": passage(messages.len())});
            n_bytes += message.to_string().len() + 1;
            messages.push(message);
        }
        // The roles take turns, and the question is a user's.
        if messages.len() % 2 == 1 {
            messages.push(json!({"role": "assistant", "content": "I see."}));
        }
    }
    messages.push(question);
    messages
}

/// Some 5 KB as people and models write them: sentences, line ends, quotes, code, and a few letters beyond ASCII.
fn passage(number: usize) -> String {
    const SENTENCES: [&str; 8] = [
        "The cache is filled by the first reader, and everybody else waits for that one to finish. ",
        "She said \"the numbers of last week are not comparable\", which the chart below shows too.\n",
        "```rust\nfn main() {\n\tprintln!(\"{}\", 6 * 7);\n}\n```\n",
        "In Zürich the café opens at 7:30 – earlier than the naïve reading of the table suggests. ",
        "If a request fails twice, the third attempt goes to another host; see /etc/hosts and C:\\temp.\n\n",
        "Therefore the cost of a long answer is dominated by its output, not by what was asked. ",
        "| name | value |\n|---|---|\n| latency | 12 ms |\n| errors | 0 |\n",
        "None of this changes the result, but it explains why the second run took longer than the first. ",
    ];
    let mut text = format!("{number}. ");
    let mut next = number * 3;
    while text.len() < 5_000 {
        text.push_str(SENTENCES[next % SENTENCES.len()]);
        next += 1 + text.len() % 3;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_prompt_is_100_kb_of_turns() {
        let messages = messages(Prompt::Long);
        let size = Value::from(messages.clone()).to_string().len();
        assert!((100_000..110_000).contains(&size), "{size}");
        for (index, message) in messages.iter().enumerate() {
            assert_eq!(message["role"], if index % 2 == 0 { "user" } else { "assistant" });
        }
        assert_eq!(messages.last().unwrap()["role"], "user");
    }

    #[test]
    fn nginx_is_asked_in_the_providers_format_and_the_relay_in_the_clients() {
        let chat = Chat { client: Format::Ollama, provider: Format::OpenAi, ..Chat::STREAM };
        let sent = |face: &Face| String::from_utf8(face.chat(&chat)).unwrap();
        assert!(sent(&Face::Provider).starts_with("POST /v1/chat/completions "));
        let relay = sent(&Face::Relay { key: "sk-1".to_owned() });
        assert!(relay.starts_with("POST /api/chat "));
        assert!(relay.contains("Bearer sk-1") && relay.contains("\"fake-openai/t128-p0-b5-j\""));
        let pinned = Chat { router: Some(Router::Pinned), ..Chat::WHOLE };
        let face = Face::Relay { key: "sk-1".to_owned() };
        let pinned = String::from_utf8(face.chat(&pinned)).unwrap();
        assert!(pinned.contains("\r\nx-llm-relay-session: bench\r\n") && pinned.contains("\"model\":\"pinned\""));
        assert!(!relay.contains("x-llm-relay-session"));
        let peer = PeerFace { key: "k".to_owned(), model: "x/{}".to_owned(), headers: vec!["a: b".to_owned()] };
        let peer = sent(&Face::Peer(peer));
        assert!(peer.contains("\r\na: b\r\n") && peer.contains("\"x/t128-p0-b5-j\""));
    }
}
