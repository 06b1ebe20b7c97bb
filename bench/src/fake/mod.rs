//! The fake provider: a process of its own that answers in four wire formats from bytes rendered before.
//!
//! It shares the machine with the target, so it must be cheap; and it must be like a provider, so every event of a
//! stream is a write of its own and `TCP_NODELAY` is set. The model's name says what to answer ([`Script`]), or which
//! designator of the relay's routers it is ([`Designator`]).

mod answer;
mod format;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio::time::Instant;

use self::answer::{Piece, Request, render, sized};
use self::format::{flag_after, text_after};
use crate::clock::now_ns;
use crate::http1::{Head, Progress, Reader, Side};
use crate::script::{Designator, Script, pick, stamp};

pub(crate) use self::format::Format;

/// What is asked for more than once is rendered once.
type Answers = Rc<RefCell<HashMap<Request, Rc<Vec<Piece>>>>>;

/// Serves until standard input ends, so that it does not outlive the run that started it. Prints its port first.
pub(crate) async fn serve(port: u16) -> anyhow::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    // A read of standard input cannot be cancelled, so it has a thread that ends the process.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let answers = Answers::default();
    let local = LocalSet::new();
    let accept = async {
        loop {
            let (stream, _) = listener.accept().await.context("cannot accept connections")?;
            let answers = Rc::clone(&answers);
            tokio::task::spawn_local(async move {
                // A client that goes away is part of what is measured.
                let _ = converse(stream, &answers).await;
            });
        }
    };
    local.run_until(accept).await
}

async fn converse(mut stream: TcpStream, answers: &Answers) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = Reader::new(Side::Request);
    let mut buffer = vec![0; 16 * 1024];
    let mut body = Vec::new();
    loop {
        let n_read = stream.read(&mut buffer).await?;
        if n_read == 0 {
            return Ok(());
        }
        let mut input = &buffer[..n_read];
        while !input.is_empty() {
            match reader.push(input, |bytes| body.extend_from_slice(bytes))? {
                Progress::Pending => break,
                Progress::Complete(taken) => {
                    input = &input[taken..];
                    answer(&mut stream, reader.head(), &body, answers).await?;
                    body.clear();
                }
            }
        }
    }
}

async fn answer(stream: &mut TcpStream, head: &Head, body: &[u8], answers: &Answers) -> anyhow::Result<()> {
    if let Some(n_models) = listed_models(head.path()) {
        let list = sized("200 OK", "application/json", &answer::models(n_models));
        return Ok(stream.write_all(&list).await?);
    }
    match understand(head.path(), body) {
        Ok(Asked::Designator(designator)) => designate(stream, designator).await,
        Ok(Asked::Chat(request)) => {
            let known = answers.borrow().get(&request).cloned();
            let pieces = known.unwrap_or_else(|| {
                let pieces = Rc::new(render(&request));
                answers.borrow_mut().insert(request, Rc::clone(&pieces));
                pieces
            });
            send(stream, &pieces, request.script.pace_ms).await
        }
        Err(error) => {
            let body = serde_json::json!({"error": {"message": format!("fake provider: {error:#}")}}).to_string();
            Ok(stream.write_all(&sized("400 Bad Request", "application/json", &body)).await?)
        }
    }
}

/// How many models a list shall have: `/list-1000/v1/models` asks for 1000.
fn listed_models(path: &str) -> Option<usize> {
    let prefix = path.strip_suffix("/models")?;
    Some(prefix.split('/').find_map(|part| part.strip_prefix("list-")?.parse().ok()).unwrap_or(1))
}

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Chat(Request),
    /// A router's question, which is always one for a whole answer in OpenAI's format.
    Designator(Designator),
}

fn understand(path: &str, body: &[u8]) -> anyhow::Result<Asked> {
    let format = Format::of_path(path).with_context(|| format!("nothing is at {path}"))?;
    let in_path = path.rsplit('/').next().and_then(|last| last.split_once(':'));
    let (model, stream) = match (format, in_path) {
        (Format::Gemini, Some((model, method))) => (Some(model), method.starts_with("stream")),
        // Ollama streams unless told not to.
        _ => (text_after(body, "\"model\""), flag_after(body, "\"stream\"", format == Format::Ollama)),
    };
    let model = model.context("the request names no model")?;
    if let Some(designator) = Designator::of_name(model) {
        ensure!(format == Format::OpenAi && !stream, "designators answer whole, in OpenAI's format");
        return Ok(Asked::Designator(designator));
    }
    let script: Script = model.parse()?;
    let include_usage = flag_after(body, "\"include_usage\"", false);
    Ok(Asked::Chat(Request { format, script, stream, include_usage }))
}

async fn designate(stream: &mut TcpStream, designator: Designator) -> anyhow::Result<()> {
    match designator {
        Designator::Picks { number, wait_ms } => {
            if wait_ms > 0 {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            }
            let body = answer::verdict(&designator.to_string(), &pick(number));
            Ok(stream.write_all(&sized("200 OK", "application/json", &body)).await?)
        }
        Designator::Stalls => {
            // Until whoever asked goes away.
            while stream.read(&mut [0; 1024]).await? > 0 {}
            bail!("the client has left")
        }
    }
}

async fn send(stream: &mut TcpStream, pieces: &[Piece], pace_ms: u64) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut stamped = Vec::new();
    for piece in pieces {
        if let Some(token) = piece.token.filter(|token| *token > 0 && pace_ms > 0) {
            tokio::time::sleep_until(start + Duration::from_millis(pace_ms) * u32::try_from(token)?).await;
        }
        match piece.stamp_at {
            None => stream.write_all(&piece.bytes).await?,
            Some(at) => {
                stamped.clear();
                stamped.extend_from_slice(&piece.bytes);
                let time = stamp(now_ns());
                stamped[at..at + time.len()].copy_from_slice(time.as_bytes());
                stream.write_all(&stamped).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_understood_in_every_format() {
        let body = br#"{"model":"t2-p0-b5","stream":true,"stream_options":{"include_usage":true}}"#;
        let request = |path, body| match understand(path, body).unwrap() {
            Asked::Chat(request) => request,
            Asked::Designator(designator) => panic!("{designator}"),
        };
        let openai = request("/v1/chat/completions", body);
        assert!(openai.stream && openai.include_usage && openai.format == Format::OpenAi);
        assert!(request("/v1/messages", body).stream);
        let gemini = request("/v1beta/models/t2-p0-b5:streamGenerateContent", b"{}");
        assert!(gemini.stream && gemini.script == Script::burst(2));
        assert!(request("/api/chat", br#"{"model":"t2-p0-b5"}"#).stream);
        assert!(!request("/api/chat", br#"{"model":"t2-p0-b5","stream":false}"#).stream);
        assert!(understand("/v1/embeddings", body).is_err());
    }

    #[test]
    fn a_designator_is_told_from_a_model_that_answers() {
        let path = "/v1/chat/completions";
        let asked = understand(path, br#"{"model":"second/picks-m1-w20","messages":[]}"#).unwrap();
        assert_eq!(asked, Asked::Designator(Designator::Picks { number: 1, wait_ms: 20 }));
        assert!(understand(path, br#"{"model":"stalls","stream":true}"#).is_err());
        assert!(understand("/api/chat", br#"{"model":"stalls","stream":false}"#).is_err());
    }

    #[test]
    fn the_path_says_how_many_models_are_listed() {
        assert_eq!(listed_models("/list-1000/v1/models"), Some(1000));
        assert_eq!(listed_models("/v1/models"), Some(1));
        assert_eq!(listed_models("/v1/messages"), None);
    }
}
