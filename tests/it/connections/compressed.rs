//! Providers that compress although nobody asked them to.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress};

use super::{
    EVENTS, JSON, LAST_CHUNK, ask, assert_bad_gateway, assert_says, chunked, event, head, in_front_of, last_events,
    whole,
};
use crate::support::{Face, ManualServer};

fn compressed_head(content_type: &str) -> String {
    head(content_type, "content-encoding: gzip\r\ntransfer-encoding: chunked\r\n")
}

#[test]
fn a_compressed_answer_is_unpacked_wherever_it_is_cut() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let text = "squeezed ".repeat(1000);
    encoder.write_all(whole(&text).as_bytes()).expect("memory can be written to");
    let body = encoder.finish().expect("memory can be written to");
    for face in Face::ALL {
        let server = ManualServer::start();
        let relay = in_front_of(&server);
        let asking = ask(relay.client(), face, false);
        let mut connection = server.accept();
        assert_eq!(connection.request().header("accept-encoding"), None, "no compression is asked for");
        let pieces: Vec<u8> = body.iter().flat_map(|byte| chunked([*byte])).collect();
        connection.send([compressed_head(JSON).as_bytes(), &pieces, LAST_CHUNK].concat());
        let reply = asking.reply();
        assert_says(face, &reply, &text);
        assert_eq!(reply.header("content-encoding"), None, "{face:?}");
    }
}

#[test]
fn each_event_of_a_compressed_stream_is_passed_on_when_it_comes() {
    let server = ManualServer::start();
    let relay = in_front_of(&server);
    let (client, face) = (relay.client(), Face::OpenAi);
    let (first_read, wait) = std::sync::mpsc::channel();
    let asking = std::thread::spawn(move || {
        let mut answering = client.stream(face.path(), &face.ask("openai/gpt-fake", "hi", true));
        first_read.send(answering.read_until("one")).expect("the test waits");
        answering.finish()
    });
    let mut connection = server.accept();
    connection.request();
    connection.send(compressed_head(EVENTS));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let mut packed = |text: String| {
        encoder.write_all(text.as_bytes()).expect("memory can be written to");
        encoder.flush().expect("memory can be written to");
        chunked(std::mem::take(encoder.get_mut()))
    };
    connection.send(packed(event("one")));
    assert!(wait.recv_timeout(std::time::Duration::from_secs(10)).expect("the first event is passed on"));
    connection.send(packed(last_events()));
    connection.send(LAST_CHUNK);
    let rest = asking.join().expect("the client gets an answer");
    assert!(rest.complete && rest.text().contains("[DONE]"), "{}", rest.text());
}

/// A gzip file of a gigabyte of line ends, which no protocol minds, made of a mebibyte that is repeated: after a full
/// flush the compressor looks back at nothing.
fn bomb() -> Vec<u8> {
    static MEBIBYTE: [u8; 1 << 20] = [b'\n'; 1 << 20];
    let mut packed = Vec::with_capacity(4 << 10);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(&MEBIBYTE, &mut packed, FlushCompress::Full).expect("line ends can be compressed");
    assert!(compress.total_in() == MEBIBYTE.len() as u64 && packed.len() < 2 << 10, "{} bytes", packed.len());
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&header[..], &packed.repeat(1024)].concat()
}

#[test]
fn a_small_piece_that_unpacks_to_a_flood_is_given_up() {
    const MEMORY_KIB: u64 = 128 * 1024;
    let bomb = bomb();
    // Each takes seconds to unpack without optimisation, so not every face in every way.
    for (face, stream) in [(Face::OpenAi, false), (Face::Ollama, true)] {
        let server = ManualServer::start();
        let relay = in_front_of(&server);
        let asking = ask(relay.client(), face, stream);
        let mut connection = server.accept();
        connection.request();
        connection.send(compressed_head(if stream { EVENTS } else { JSON }));
        connection.offer(&chunked(&bomb));
        let message = assert_bad_gateway(face, &asking.reply());
        assert!(message.contains("compressed"), "{face:?} {stream}: {message}");
        let memory = relay.peak_resident_kib();
        assert!(memory < MEMORY_KIB, "{face:?} {stream}: {memory} KiB at once");
    }
}
