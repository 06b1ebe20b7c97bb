//! Ollama's native API, as its own server behaves.

use serde_json::{Map, Value, json};

use super::Recorded;
use super::answer::{Response, Spoken};
use super::format::{Frame, FrameKind, Generated, Outcome, embedding, no_such_path, texts};
use super::models::{OllamaModels, digest};

/// The content type of the native routes.
const JSON: &str = "application/json; charset=utf-8";

const CREATED: &str = "2026-01-01T00:00:00.123456789Z";

pub(super) fn outcome(request: &Recorded, spoken: &Spoken, models: &mut OllamaModels) -> Outcome {
    let body = &request.body;
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/api/version") => Outcome::Fixed(native(200, &json!({ "version": "0.33.0" }))),
        ("GET", "/api/tags") => Outcome::Fixed(native(200, &models.tags())),
        ("GET", "/api/ps") => Outcome::Fixed(native(200, &models.running())),
        ("POST", "/api/show") => known(models, asked(body), |models, name| models.show(name)),
        ("POST", "/api/chat" | "/api/generate") => match refusal(body) {
            Some((status, complaint)) => Outcome::Fixed(native(status, &error(complaint))),
            None => generate(request, spoken, models),
        },
        ("POST", "/api/embed") => known(models, asked(body), |_, _| embeddings(body)),
        ("POST", "/api/embeddings") => known(
            models,
            asked(body),
            |_, _| json!({ "embedding": embedding(body["prompt"].as_str().unwrap_or_default()) }),
        ),
        ("POST", "/api/pull") => Outcome::Fixed(pull(body)),
        ("POST", "/api/create") if body["from"].is_null() && body["files"].is_null() => {
            let complaint = error("neither 'from' or 'files' was specified");
            Outcome::Fixed(native(400, &complaint))
        }
        ("HEAD", path) if path.starts_with("/api/blobs/") => {
            Outcome::Fixed(Response { status: 404, ..Response::empty() })
        }
        ("POST", "/api/copy") => match models.find(body["source"].as_str().unwrap_or_default()) {
            Some(source) => {
                models.copy(&source, body["destination"].as_str().unwrap_or_default());
                Outcome::Fixed(Response::empty())
            }
            None => not_found(&format!("model \"{}\" not found", body["source"].as_str().unwrap_or_default())),
        },
        ("DELETE", "/api/delete") => match models.find(asked(body)) {
            Some(name) => {
                models.delete(&name);
                Outcome::Fixed(Response::empty())
            }
            None => not_found(&format!("model '{}' not found", asked(body))),
        },
        _ => no_such_path(request),
    }
}

/// JSON under the content type of the native routes.
fn native(status: u16, value: &Value) -> Response {
    Response { content_type: JSON.to_owned(), ..Response::json_with_status(status, value) }
}

pub(super) fn error(message: &str) -> Value {
    json!({ "error": message })
}

/// The server refuses OpenAI's ways of writing things, so a relay that forgets to translate them must fail here, too.
fn refusal(body: &Value) -> Option<(u16, &'static str)> {
    let messages = || body["messages"].as_array().into_iter().flatten();
    let list = |message: &'static str| move |value: &Value| value[message].as_array().cloned().unwrap_or_default();
    if messages().flat_map(list("tool_calls")).any(|call| call["function"]["arguments"].is_string()) {
        return Some((400, "Value looks like object, but can't find closing '}' symbol"));
    }
    if messages().any(|message| message["content"].is_array()) {
        return Some((
            400,
            "json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string",
        ));
    }
    if messages().flat_map(list("images")).any(|image| image.as_str().is_some_and(|text| text.starts_with("data:"))) {
        return Some((400, "illegal base64 data at input byte 4"));
    }
    if body["options"]["temperature"].is_string() {
        return Some((500, r#"option "temperature" must be of type float32"#));
    }
    None
}

/// The model of a request, by its new or its old field.
fn asked(body: &Value) -> &str {
    body["model"].as_str().or_else(|| body["name"].as_str()).unwrap_or_default()
}

fn known(models: &OllamaModels, asked: &str, answer: impl FnOnce(&OllamaModels, &str) -> Value) -> Outcome {
    match models.find(asked) {
        Some(name) => Outcome::Fixed(native(200, &answer(models, &name))),
        None => not_found(&format!("model '{asked}' not found")),
    }
}

fn not_found(message: &str) -> Outcome {
    Outcome::Fixed(native(404, &error(message)))
}

fn generate(request: &Recorded, spoken: &Spoken, models: &mut OllamaModels) -> Outcome {
    let body = &request.body;
    let Some(name) = models.find(asked(body)) else {
        return not_found(&format!("model '{}' not found", asked(body)));
    };
    let face = if request.path == "/api/chat" { Face::Chat } else { Face::Generate };
    models.load(&name, &body["keep_alive"]);
    let says_nothing = match face {
        Face::Chat => body["messages"].as_array().is_none_or(Vec::is_empty),
        Face::Generate => body["prompt"].as_str().is_none_or(str::is_empty),
    };
    if says_nothing {
        let reason = if models.running().to_string().contains(&format!("\"{name}\"")) { "load" } else { "unload" };
        return Outcome::Fixed(native(200, &face.line(asked(body), Words::default(), Some(reason))));
    }
    // Thinking is on by default for models that can; the script decides what is thought.
    let thinks = models.abilities(&name).contains(&"thinking") && body["think"] != false;
    let reasoning = if thinks { spoken.reasoning.as_slice() } else { &[] };
    let error_body = error("the upstream broke down");
    Outcome::Generated(Generated {
        stream: body["stream"] != false,
        stream_type: "application/x-ndjson",
        whole_type: JSON,
        frames: frames(face, asked(body), reasoning, spoken),
        whole: whole(face, asked(body), reasoning, spoken),
        error_frame: line(FrameKind::Envelope, &error_body).bytes,
        error_body,
    })
}

/// The two routes that generate differ in where the words stand.
#[derive(Clone, Copy)]
enum Face {
    Chat,
    Generate,
}

/// The words of one line.
#[derive(Default)]
struct Words<'a> {
    text: &'a str,
    thinking: &'a str,
    calls: Option<Value>,
}

impl Face {
    fn line(self, model: &str, words: Words<'_>, done: Option<&str>) -> Value {
        let mut place = Map::new();
        match self {
            Self::Chat => {
                place.insert("role".to_owned(), "assistant".into());
                place.insert("content".to_owned(), words.text.into());
            }
            Self::Generate => {
                place.insert("response".to_owned(), words.text.into());
            }
        }
        if !words.thinking.is_empty() {
            place.insert("thinking".to_owned(), words.thinking.into());
        }
        if let Some(calls) = words.calls {
            place.insert("tool_calls".to_owned(), calls);
        }
        let mut line = Map::new();
        line.insert("model".to_owned(), model.into());
        line.insert("created_at".to_owned(), CREATED.into());
        match self {
            Self::Chat => {
                line.insert("message".to_owned(), place.into());
            }
            Self::Generate => line.extend(place),
        }
        line.insert("done".to_owned(), done.is_some().into());
        if let Some(reason) = done {
            line.insert("done_reason".to_owned(), reason.into());
        }
        line.into()
    }
}

fn frames(face: Face, model: &str, reasoning: &[String], spoken: &Spoken) -> Vec<Frame> {
    let content = |words: Words<'_>| line(FrameKind::Content, &face.line(model, words, None));
    let thoughts = reasoning.iter().map(|thinking| content(Words { thinking, ..Words::default() }));
    let texts = spoken.texts.iter().map(|text| content(Words { text, ..Words::default() }));
    let mut frames: Vec<Frame> = thoughts.chain(texts).collect();
    if let Some(calls) = calls(spoken) {
        frames.push(content(Words { calls: Some(calls), ..Words::default() }));
    }
    let mut last = face.line(model, Words::default(), Some("stop"));
    add_metrics(&mut last, spoken);
    frames.push(line(FrameKind::End, &last));
    frames
}

fn whole(face: Face, model: &str, reasoning: &[String], spoken: &Spoken) -> Value {
    let words = Words { text: &spoken.text(), thinking: &reasoning.concat(), calls: calls(spoken) };
    let mut whole = face.line(model, words, Some("stop"));
    add_metrics(&mut whole, spoken);
    whole
}

fn calls(spoken: &Spoken) -> Option<Value> {
    let call = |(index, call): (usize, &super::answer::ToolCall)| {
        let function = json!({ "index": index, "name": call.name, "arguments": call.arguments });
        json!({ "id": call.id, "function": function })
    };
    (!spoken.calls.is_empty()).then(|| spoken.calls.iter().enumerate().map(call).collect())
}

fn add_metrics(line: &mut Value, spoken: &Spoken) {
    let tokens = spoken.usage;
    line["total_duration"] = 5_000_000.into();
    line["load_duration"] = 1_000_000.into();
    line["prompt_eval_count"] = (tokens.input + tokens.cached).into();
    line["prompt_eval_duration"] = 1_000_000.into();
    line["eval_count"] = tokens.output.into();
    line["eval_duration"] = 3_000_000.into();
}

fn embeddings(body: &Value) -> Value {
    // Nothing to embed only loads the model.
    let inputs = if body["input"] == "" { Vec::new() } else { texts(&body["input"]) };
    let vectors: Vec<Value> = inputs.iter().map(|text| embedding(text)).collect();
    if vectors.is_empty() {
        return json!({ "model": body["model"], "embeddings": [] });
    }
    json!({
        "model": body["model"], "embeddings": vectors, "total_duration": 2_000_000, "load_duration": 1_000_000,
        "prompt_eval_count": 3 * inputs.len(),
    })
}

/// Progress in the order the real server reports it.
fn pull(body: &Value) -> Response {
    if body["stream"] == false {
        return native(200, &json!({ "status": "success" }));
    }
    let digest = digest(asked(body));
    let layer = format!("pulling {}", &digest[..12]);
    let digest = format!("sha256:{digest}");
    let lines = [
        json!({ "status": "pulling manifest" }),
        json!({ "status": layer, "digest": digest, "total": 100 }),
        json!({ "status": layer, "digest": digest, "total": 100, "completed": 100 }),
        json!({ "status": "verifying sha256 digest" }),
        json!({ "status": "writing manifest" }),
        json!({ "status": "success" }),
    ];
    let body = lines.iter().flat_map(|status| line(FrameKind::Envelope, status).bytes).collect();
    Response { status: 200, content_type: "application/x-ndjson".to_owned(), headers: Vec::new(), body }
}

fn line(kind: FrameKind, value: &Value) -> Frame {
    Frame { bytes: format!("{value}\n").into_bytes(), kind }
}
