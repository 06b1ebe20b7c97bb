//! Whole answers, in and out.

use std::hint::black_box;

use llm_relay::chat::ChatResponse;
use llm_relay::protocol::{ClientFormat, Protocol};

use super::{CLIENTS, PROTOCOLS, reply_context, timing};
use crate::case::Case;
use crate::fixtures::answer;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = PROTOCOLS.map(decode).into();
    cases.extend(CLIENTS.map(encode));
    cases
}

fn decode(protocol: Protocol) -> Case {
    let body = answer(protocol);
    let size = body.len();
    let case = Case::new(format!("answer: decode {}", protocol.as_str()), move || {
        let body = body.clone();
        move || decoded(protocol, black_box(&body)).choices.len()
    });
    case.per(size, "byte")
}

fn encode(format: ClientFormat) -> Case {
    Case::new(format!("answer: encode {}", format.protocol().as_str()), move || {
        let response = decoded(Protocol::OpenAi, &answer(Protocol::OpenAi));
        let context = reply_context();
        move || format.codec().encode_response(black_box(&context), &response, timing()).len()
    })
}

fn decoded(protocol: Protocol, body: &[u8]) -> ChatResponse {
    protocol.codec().decode_response(body).expect("the answer is well formed")
}
