//! From the provider's bytes to the client's bytes, without sockets: framing, decoding, and forwarding or encoding.

use super::observation::Observation;
use crate::chat::{Event, EventSink};
use crate::clock::{Timing, UnixNanos};
use crate::protocol::framing::{Framer, RawFrame};
use crate::protocol::ollama::ModelEcho;
use crate::protocol::{
    ApiError, ClientCodec, EventDecoder, EventEncoder, Restoration, ServerCodec, StreamFault, openai_chat,
};

/// Turns a provider's stream into a client's.
pub(super) struct Pipe {
    framer: Framer,
    decoder: Box<dyn EventDecoder>,
    output: Output,
    /// What has been seen of the answer.
    pub observation: Observation,
    /// Bytes ready for the client.
    pub ready: Vec<u8>,
    /// The provider has sent something other than comments.
    pub has_frames: bool,
}

/// How the client's bytes are made.
pub(super) enum Output {
    /// The provider's frames go through as they are.
    Forward(Forward),
    /// Events are written in the client's format.
    Translate {
        /// Writes them.
        encoder: Box<dyn EventEncoder>,
        /// Makes them what the client expects.
        restoration: Restoration,
    },
}

/// The few things a forwarded stream needs beyond its bytes.
pub(super) struct Forward {
    /// Writes errors.
    pub codec: &'static dyn ServerCodec,
    /// The client did not ask for usage: keep the chunk we asked for to ourselves.
    pub drop_usage: bool,
    /// Ollama's lines echo the name the client wrote.
    pub echo: Option<ModelEcho>,
    /// What ends a stream, in case the provider leaves it out.
    pub terminator: &'static [u8],
}

impl Pipe {
    pub(super) fn new(codec: &dyn ClientCodec, output: Output) -> Self {
        Self {
            framer: Framer::new(codec.framing()),
            decoder: codec.decoder(),
            output,
            observation: Observation::default(),
            ready: Vec::new(),
            has_frames: false,
        }
    }

    /// Takes the next bytes of the provider.
    ///
    /// # Errors
    /// When they are an error event or garbage. What was complete before stays in `ready`.
    pub(super) fn push(&mut self, chunk: &[u8], now: UnixNanos) -> Result<(), StreamFault> {
        let Self { framer, decoder, output, observation, ready, has_frames } = self;
        framer.push(chunk, &mut |raw| {
            *has_frames |= raw.frame.is_some();
            frame(raw, decoder.as_mut(), output, observation, ready, now)
        })
    }

    /// The provider closed its stream: writes the proper end.
    ///
    /// # Errors
    /// When the answer was not complete; then nothing that looks like an end has been written.
    pub(super) fn end(&mut self, timing: Timing) -> Result<(), StreamFault> {
        let now = timing.ended;
        let Self { framer, decoder, output, observation, ready, has_frames: _ } = self;
        let last = framer.finish(&mut |raw| {
            frame(raw, decoder.as_mut(), output, observation, ready, now)?;
            if matches!(output, Output::Forward(_)) && !ready.ends_with(b"\n") {
                ready.extend_from_slice(b"\n\n");
            }
            Ok(())
        });
        // A last frame that is cut in its middle is no garbage, it is an answer that broke off.
        match last {
            Err(StreamFault::Malformed(_)) => return Err(StreamFault::Truncated),
            other => other?,
        }
        let terminated = self.decoder.is_done();
        match &mut self.output {
            Output::Forward(forward) => {
                self.decoder.finish(&mut self.observation)?;
                if !terminated {
                    self.ready.extend_from_slice(forward.terminator);
                }
            }
            Output::Translate { encoder, restoration } => {
                let observation = &mut self.observation;
                let mut tee = Tee { observation, restoration, encoder: encoder.as_mut(), ready: &mut self.ready, now };
                self.decoder.finish(&mut tee)?;
                tee.finish();
                encoder.finish(timing, &mut self.ready);
            }
        }
        Ok(())
    }

    /// Writes the client protocol's error event instead of an end.
    pub(super) fn fail(&mut self, error: &ApiError) {
        match &mut self.output {
            Output::Forward(forward) => forward.codec.encode_stream_error(error, &mut self.ready),
            Output::Translate { encoder, .. } => encoder.fail(error, &mut self.ready),
        }
    }

    /// The provider said that its answer is complete.
    pub(super) fn is_done(&self) -> bool {
        self.decoder.is_done()
    }
}

fn frame(
    raw: RawFrame<'_>,
    decoder: &mut dyn EventDecoder,
    output: &mut Output,
    observation: &mut Observation,
    ready: &mut Vec<u8>,
    now: UnixNanos,
) -> Result<(), StreamFault> {
    match (output, raw.frame) {
        // Comments keep the client's connection alive as they keep ours.
        (Output::Forward(_), None) => ready.extend_from_slice(raw.bytes),
        (Output::Forward(forward), Some(frame)) => {
            observation.begin_frame();
            decoder.push(frame, observation)?;
            if forward.drop_usage && observation.frame_has_usage() && openai_chat::is_usage_chunk(frame.data) {
                return Ok(());
            }
            match &forward.echo {
                Some(echo) => echo.apply_to(raw.bytes, ready),
                None => ready.extend_from_slice(raw.bytes),
            }
        }
        (Output::Translate { .. }, None) => {}
        (Output::Translate { encoder, restoration }, Some(frame)) => {
            decoder.push(frame, &mut Tee { observation, restoration, encoder: encoder.as_mut(), ready, now })?;
        }
    }
    Ok(())
}

/// Observes an event as the provider sent it, and writes what the client shall see of it.
pub(super) struct Tee<'a> {
    pub observation: &'a mut Observation,
    pub restoration: &'a mut Restoration,
    pub encoder: &'a mut dyn EventEncoder,
    pub ready: &'a mut Vec<u8>,
    pub now: UnixNanos,
}

impl Tee<'_> {
    /// Writes what was held back, after the last event.
    pub(super) fn finish(&mut self) {
        self.restoration.finish(&mut |event: Event<'_>| self.encoder.push(&event, self.now, self.ready));
    }
}

impl EventSink for Tee<'_> {
    fn event(&mut self, event: Event<'_>) {
        self.observation.see(&event);
        self.restoration.pass(event, &mut |event: Event<'_>| self.encoder.push(&event, self.now, self.ready));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ClientFormat, Protocol};

    /// What a client that did not ask for usage gets of a provider's stream.
    fn forwarded(stream: &str) -> String {
        let output = Output::Forward(Forward {
            codec: ClientFormat::OpenAiChat.codec(),
            drop_usage: true,
            echo: None,
            terminator: ClientFormat::OpenAiChat.stream_terminator(),
        });
        let mut pipe = Pipe::new(Protocol::OpenAi.codec(), output);
        pipe.push(stream.as_bytes(), UnixNanos(0)).unwrap();
        pipe.end(Timing::default()).unwrap();
        assert_eq!(pipe.observation.usage.as_ref().and_then(|usage| usage.output), Some(2));
        String::from_utf8(pipe.ready).unwrap()
    }

    const TEXT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
    const FINISH: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const USAGE: &str = "data: {\"choices\": [], \"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";
    const DONE: &str = "data: [DONE]\n\n";

    #[test]
    fn the_usage_chunk_we_asked_for_stays_with_us() {
        assert_eq!(forwarded(&[TEXT, FINISH, USAGE, DONE].concat()), [TEXT, FINISH, DONE].concat());
    }

    #[test]
    fn usage_on_the_finish_chunk_does_not_take_the_finish_with_it() {
        let finish = FINISH.replace("]}", "],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}");
        let stream = [TEXT, &finish, DONE].concat();
        assert_eq!(forwarded(&stream), stream);
    }

    #[test]
    fn a_terminator_the_provider_left_out_is_added() {
        assert_eq!(forwarded(&[TEXT, FINISH, USAGE].concat()), [TEXT, FINISH, DONE].concat());
    }
}
