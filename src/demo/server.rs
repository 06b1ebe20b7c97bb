//! The simulated provider's HTTP side: four routes on hyper, and a body that arrives at a talking pace.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::chat::Envelope;
use super::{MODELS, embedding, script};

/// Time between two words of a stream: that of a brisk model.
const PACE: Duration = Duration::from_millis(30);

/// Larger requests are refused; the relay in front has the same limit.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// Serves the simulated provider on `listener` until `stop` is cancelled; open answers are cut off then.
///
/// OpenAI's format: `/v1/models`, `/v1/chat/completions` and `/v1/embeddings`. Any key is accepted.
pub async fn serve(listener: TcpListener, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            // A connection that failed before it was accepted concerns nobody here.
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(converse(stream));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream) {
    // Without it words would wait for each other. A socket that takes no options is about to fail anyway.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
    // The error says that the peer went away, which is its right.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>) -> Response<Paced> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let Some(body) = collect(request.into_body()).await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large for the simulated provider");
    };
    match (method, path.as_str()) {
        (Method::GET, "/v1/models") => reply(StatusCode::OK, &models()),
        (Method::POST, "/v1/chat/completions") => with_model(&body, chat),
        (Method::POST, "/v1/embeddings") => with_model(&body, embeddings),
        _ => refusal(StatusCode::NOT_FOUND, "the simulated provider has no such route"),
    }
}

/// Parses the body and makes sure its model exists, as a real provider does.
fn with_model(body: &[u8], answer: fn(&Value, &str) -> Response<Paced>) -> Response<Paced> {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        return refusal(StatusCode::BAD_REQUEST, "the request is not JSON");
    };
    match request["model"].as_str() {
        Some(model) if MODELS.contains(&model) => answer(&request, model),
        Some(model) => {
            let message = format!("the simulated provider has no model `{model}`; it has {}", MODELS.join(", "));
            refusal(StatusCode::NOT_FOUND, &message)
        }
        None => refusal(StatusCode::BAD_REQUEST, "`model` is required"),
    }
}

fn chat(request: &Value, model: &str) -> Response<Paced> {
    let answer = script::answer(request);
    let id = format!("chatcmpl-{}", Uuid::now_v7().simple());
    let envelope = Envelope { id: &id, created: Timestamp::now().as_second(), model };
    if request["stream"] == true {
        let with_usage = request["stream_options"]["include_usage"] == true;
        let body = Paced::new(envelope.frames(&answer, with_usage), PACE);
        respond(StatusCode::OK, "text/event-stream", body)
    } else {
        reply(StatusCode::OK, &envelope.whole(&answer))
    }
}

fn embeddings(request: &Value, _model: &str) -> Response<Paced> {
    match embedding::answer(request) {
        Some(answer) => reply(StatusCode::OK, &answer),
        None => refusal(StatusCode::BAD_REQUEST, "`input` must be a text or a list of texts"),
    }
}

fn models() -> Value {
    let model = |id: &&str| json!({ "id": id, "object": "model", "created": 1_767_225_600, "owned_by": "demo" });
    json!({ "object": "list", "data": MODELS.iter().map(model).collect::<Vec<_>>() })
}

fn refusal(status: StatusCode, message: &str) -> Response<Paced> {
    let code = (status == StatusCode::NOT_FOUND).then_some("model_not_found");
    let error = json!({ "message": message, "type": "invalid_request_error", "param": null, "code": code });
    reply(status, &json!({ "error": error }))
}

fn reply(status: StatusCode, value: &Value) -> Response<Paced> {
    respond(status, "application/json", Paced::new([Bytes::from(value.to_string())].into(), Duration::ZERO))
}

fn respond(status: StatusCode, content_type: &'static str, body: Paced) -> Response<Paced> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// The whole request body; `None` when it is too large or breaks off.
async fn collect(mut body: Incoming) -> Option<Bytes> {
    let mut collected = BytesMut::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame.ok()?.into_data() {
            collected.extend_from_slice(&data);
        }
        if collected.len() > MAX_BODY_BYTES {
            return None;
        }
    }
    Some(collected.freeze())
}

/// A body whose pieces leave one by one.
struct Paced {
    pieces: VecDeque<Bytes>,
    pace: Duration,
    pause: Pin<Box<Sleep>>,
}

impl Paced {
    fn new(pieces: VecDeque<Bytes>, pace: Duration) -> Self {
        Self { pieces, pace, pause: Box::pin(sleep(pace)) }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.pace.is_zero() {
            ready!(self.pause.as_mut().poll(context));
            let next = Instant::now() + self.pace;
            self.pause.as_mut().reset(next);
        }
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let size: usize = self.pieces.iter().map(Bytes::len).sum();
        // A stream announces no length: clients shall see chunks, not a download.
        if self.pace.is_zero() { SizeHint::with_exact(size as u64) } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn ask(method: &str, path: &str, body: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let asking = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let length = body.len();
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            stop.cancel();
            answer
        };
        tokio::join!(serve(listener, stop.clone()), asking).1
    }

    #[tokio::test]
    async fn models_are_listed() {
        let answer = ask("GET", "/v1/models", "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(MODELS.iter().all(|model| answer.contains(model)), "{answer}");
    }

    #[tokio::test]
    async fn a_stream_is_chunked_and_ends_with_done() {
        let body = r#"{"model":"demo-small","stream":true,"max_tokens":2,"messages":[]}"#;
        let answer = ask("POST", "/v1/chat/completions", body).await;
        assert!(answer.contains("transfer-encoding: chunked"), "{answer}");
        assert!(answer.contains("data: [DONE]") && answer.contains("\"length\""), "{answer}");
    }

    #[tokio::test]
    async fn embeddings_are_answered() {
        let answer = ask("POST", "/v1/embeddings", r#"{"model":"demo-embed","input":"a"}"#).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"embedding\""), "{answer}");
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused_in_openai_shape() {
        for (path, body, status) in [
            ("/v1/chat/completions", "{", "400"),
            ("/v1/chat/completions", "{}", "400"),
            ("/v1/chat/completions", r#"{"model":"gpt"}"#, "404"),
            ("/v1/embeddings", r#"{"model":"demo-embed","input":[1]}"#, "400"),
            ("/v1/images", "{}", "404"),
        ] {
            let answer = ask("POST", path, body).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path} {body}: {answer}");
            assert!(answer.contains(r#"{"error":{"message":"#), "{path} {body}: {answer}");
        }
    }
}
