//! Plays one answer on one connection: at the script's pace, with the script's faults.

use std::io;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::answer::{Answer, Fault, Gate, Response, Says};
use super::format::{Frame, FrameKind, Generated, Outcome};

/// How an answer ended on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The connection can carry another request.
    KeepAlive,
    /// The script wants the connection closed now.
    Close,
    /// The script wants the connection reset now.
    Reset,
    /// The peer closed it before the answer was complete.
    PeerClosed,
}

/// Plays an answer.
pub(super) async fn play(stream: &mut TcpStream, answer: &Answer, outcome: Outcome) -> io::Result<End> {
    match (outcome, &answer.says) {
        (Outcome::Fixed(response), _) => send_response(stream, &response).await,
        (Outcome::Generated(_), Says::Response(response)) => {
            if let Some(gate) = &answer.gate
                && let Waited::PeerClosed = wait(stream, gate).await
            {
                return Ok(End::PeerClosed);
            }
            send_response(stream, response).await
        }
        (Outcome::Generated(generated), Says::Spoken(_)) if generated.stream => {
            play_stream(stream, answer, &generated).await
        }
        (Outcome::Generated(generated), Says::Spoken(_)) => play_whole(stream, answer, &generated).await,
    }
}

async fn send_response(stream: &mut TcpStream, response: &Response) -> io::Result<End> {
    let mut head = head(response.status, &response.content_type);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    send_body(stream, &head, &response.body, response.body.len()).await?;
    Ok(End::KeepAlive)
}

async fn play_whole(stream: &mut TcpStream, answer: &Answer, generated: &Generated) -> io::Result<End> {
    if let Some(gate) = &answer.gate
        && let Waited::PeerClosed = wait(stream, gate).await
    {
        return Ok(End::PeerClosed);
    }
    let head = head(200, generated.whole_type);
    let body = generated.whole.to_string().into_bytes();
    let half = &body[..body.len() / 2];
    match answer.fault {
        Fault::None | Fault::NoTerminator if answer.byte_by_byte => {
            send_body(stream, &head, &[], body.len()).await?;
            for byte in &body {
                stream.write_all(&[*byte]).await?;
            }
            Ok(End::KeepAlive)
        }
        Fault::None | Fault::NoTerminator => send_body(stream, &head, &body, body.len()).await.map(|()| End::KeepAlive),
        Fault::Reset(_) => send_body(stream, &head, half, body.len()).await.map(|()| End::Reset),
        Fault::EarlyEnd(_) => send_body(stream, &head, half, body.len()).await.map(|()| End::Close),
        Fault::Stall(_) => {
            send_body(stream, &head, half, body.len()).await?;
            closed(stream).await;
            Ok(End::PeerClosed)
        }
        Fault::Garbage(_) => {
            let garbage = b"<html>not what you asked for</html>";
            send_body(stream, &head, garbage, garbage.len()).await.map(|()| End::KeepAlive)
        }
        Fault::HalfFrame(_) => send_body(stream, &head, half, half.len()).await.map(|()| End::KeepAlive),
        Fault::ErrorEvent(_) => {
            let error = generated.error_body.to_string();
            send_body(stream, &head, error.as_bytes(), error.len()).await.map(|()| End::KeepAlive)
        }
    }
}

async fn play_stream(stream: &mut TcpStream, answer: &Answer, generated: &Generated) -> io::Result<End> {
    let head = head(200, generated.stream_type);
    stream.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await?;
    let missing = usize::from(answer.fault == Fault::NoTerminator);
    let mut sent = 0;
    for frame in &generated.frames[..generated.frames.len() - missing] {
        if let Some(end) = go_wrong(stream, answer.fault, sent, frame, generated).await? {
            return Ok(end);
        }
        if frame.kind != FrameKind::Envelope
            && let Some(gate) = &answer.gate
            && let Waited::PeerClosed = wait(stream, gate).await
        {
            return Ok(End::PeerClosed);
        }
        let is_event = generated.stream_type.starts_with("text/event-stream");
        let bytes = if answer.oddly_framed && is_event { oddly(&frame.bytes) } else { frame.bytes.clone() };
        if answer.byte_by_byte {
            for byte in &bytes {
                send_chunk(stream, &[*byte]).await?;
            }
        } else {
            send_chunk(stream, &bytes).await?;
        }
        if frame.kind == FrameKind::Content {
            sent += 1;
        }
    }
    stream.write_all(b"0\r\n\r\n").await?;
    Ok(End::KeepAlive)
}

/// Does what the fault says if its moment has come: before the content frame (or the end) that follows the last good one.
async fn go_wrong(
    stream: &mut TcpStream,
    fault: Fault,
    sent: usize,
    frame: &Frame,
    generated: &Generated,
) -> io::Result<Option<End>> {
    let now = |after: usize| frame.kind != FrameKind::Envelope && sent == after;
    match fault {
        Fault::Reset(after) if now(after) => Ok(Some(End::Reset)),
        Fault::EarlyEnd(after) if now(after) => end_with(stream, b"").await,
        Fault::Stall(after) if now(after) => {
            closed(stream).await;
            Ok(Some(End::PeerClosed))
        }
        Fault::Garbage(after) if now(after) => end_with(stream, b"data: <html>not what you asked for</html>\n\n").await,
        Fault::HalfFrame(after) if now(after) => end_with(stream, &frame.bytes[..frame.bytes.len() / 2]).await,
        Fault::ErrorEvent(after) if now(after) => end_with(stream, &generated.error_frame).await,
        Fault::None
        | Fault::NoTerminator
        | Fault::Reset(_)
        | Fault::EarlyEnd(_)
        | Fault::Stall(_)
        | Fault::Garbage(_)
        | Fault::HalfFrame(_)
        | Fault::ErrorEvent(_) => Ok(None),
    }
}

/// The same event with a comment before it, CRLF and no space after `data:`. JSON on one line has neither inside.
fn oddly(event: &[u8]) -> Vec<u8> {
    let event = String::from_utf8_lossy(event).replace("data: ", "data:").replace('\n', "\r\n");
    format!(": PROCESSING\r\n\r\n{event}").into_bytes()
}

async fn end_with(stream: &mut TcpStream, last: &[u8]) -> io::Result<Option<End>> {
    if !last.is_empty() {
        send_chunk(stream, last).await?;
    }
    stream.write_all(b"0\r\n\r\n").await?;
    Ok(Some(End::KeepAlive))
}

async fn send_chunk(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let size = format!("{:x}\r\n", bytes.len());
    stream.write_all(&[size.as_bytes(), bytes, b"\r\n"].concat()).await
}

async fn send_body(stream: &mut TcpStream, head: &str, body: &[u8], announced: usize) -> io::Result<()> {
    let head = format!("{head}content-length: {announced}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).await
}

fn head(status: u16, content_type: &str) -> String {
    format!("HTTP/1.1 {status} Fake\r\ncontent-type: {content_type}\r\n")
}

enum Waited {
    Released,
    PeerClosed,
}

async fn wait(stream: &TcpStream, gate: &Gate) -> Waited {
    tokio::select! {
        () = gate.pass() => Waited::Released,
        () = closed(stream) => Waited::PeerClosed,
    }
}

/// Ends when the peer has closed its side. Bytes that it sends meanwhile are a request for later: they wait.
async fn closed(stream: &TcpStream) {
    if matches!(stream.peek(&mut [0]).await, Ok(waiting) if waiting > 0) {
        std::future::pending::<()>().await;
    }
}
