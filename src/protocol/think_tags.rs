//! Thinking that comes as text between `<think>` and `</think>`, taken out of the text.
//!
//! Hosts of R1 and its relatives send it so. Only tags at the start of an answer count: a model that writes about tags
//! later means them as text. A closing tag without an opening one stays text, because what came before it has been
//! handed on by then.

use std::borrow::Cow;

use crate::chat::{Event, EventSink};

const OPENING: &str = "<think>";
const CLOSING: &str = "</think>";

/// White space before the opening tag that is held back, in bytes. After more of it the answer is taken to be text.
const MAX_LEAD_BYTES: usize = 64;

/// Splits the text of a streamed answer, choice by choice.
#[derive(Debug, Clone, Default)]
pub(super) struct ThinkTags {
    /// Choices that have said something: usually one.
    choices: Vec<(u32, Splitter)>,
}

impl ThinkTags {
    /// Hands `event` on to `out`; a text is handed on as thinking and text, less what may be a part of a tag.
    pub(super) fn pass(&mut self, event: Event<'_>, out: &mut dyn EventSink) {
        match event {
            Event::Text { choice, text } => self.splitter(choice).text(choice, text, out),
            Event::Reasoning { choice, .. }
            | Event::ReasoningSignature { choice, .. }
            | Event::RedactedReasoning { choice, .. }
            | Event::Refusal { choice, .. }
            | Event::ToolCallStart { choice, .. }
            | Event::Finish { choice, .. } => {
                self.splitter(choice).flush(choice, out);
                out.event(event);
            }
            // Log probabilities come beside each piece of text, the others belong to no place in it.
            Event::Start(_)
            | Event::ToolCallArguments { .. }
            | Event::Logprobs { .. }
            | Event::Citations(_)
            | Event::Usage(_) => out.event(event),
        }
    }

    /// Hands out what was held back. Called once, after the last event.
    pub(super) fn finish(&mut self, out: &mut dyn EventSink) {
        for (choice, splitter) in &mut self.choices {
            splitter.flush(*choice, out);
        }
    }

    fn splitter(&mut self, choice: u32) -> &mut Splitter {
        let at = self.choices.iter().position(|(known, _)| *known == choice).unwrap_or_else(|| {
            self.choices.push((choice, Splitter::default()));
            self.choices.len() - 1
        });
        &mut self.choices[at].1
    }
}

/// Where the text of one choice stands.
#[derive(Debug, Clone, Default)]
struct Splitter {
    place: Place,
    /// What may turn out to be a part of a tag, with white space before it at the start of the answer.
    held: String,
    /// A tag has just been passed: line breaks that follow it are its own.
    after_tag: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// Nothing but white space so far.
    #[default]
    Start,
    /// Between the tags.
    Thinking,
    /// Behind the closing tag, or in an answer that does not begin with one.
    Answer,
}

impl Splitter {
    fn text(&mut self, choice: u32, text: Cow<'_, str>, out: &mut dyn EventSink) {
        if self.place == Place::Answer && !self.after_tag {
            out.event(Event::Text { choice, text });
        } else if self.held.is_empty() {
            self.split(choice, &text, out);
        } else {
            let mut joined = std::mem::take(&mut self.held);
            joined.push_str(&text);
            self.split(choice, &joined, out);
        }
    }

    fn split(&mut self, choice: u32, text: &str, out: &mut dyn EventSink) {
        match self.place {
            Place::Start => {
                let begun = text.trim_start();
                if let Some(thinking) = begun.strip_prefix(OPENING) {
                    self.enter(Place::Thinking);
                    self.split(choice, thinking, out);
                } else if OPENING.starts_with(begun) && text.len() <= MAX_LEAD_BYTES {
                    text.clone_into(&mut self.held);
                } else {
                    self.place = Place::Answer;
                    emit(self.place, choice, text, out);
                }
            }
            Place::Thinking => {
                let text = self.without_line_breaks(text);
                if let Some((thinking, answer)) = text.split_once(CLOSING) {
                    emit(self.place, choice, thinking, out);
                    self.enter(Place::Answer);
                    self.split(choice, answer, out);
                } else {
                    let (thinking, held) = text.split_at(start_of_closing(text));
                    emit(self.place, choice, thinking, out);
                    held.clone_into(&mut self.held);
                }
            }
            Place::Answer => emit(self.place, choice, self.without_line_breaks(text), out),
        }
    }

    fn enter(&mut self, place: Place) {
        self.place = place;
        self.after_tag = true;
    }

    fn without_line_breaks<'t>(&mut self, text: &'t str) -> &'t str {
        if !self.after_tag {
            return text;
        }
        let rest = text.trim_start_matches(['\n', '\r']);
        self.after_tag = rest.is_empty();
        rest
    }

    /// No more text comes, or something else comes in between: what was held back is no tag.
    fn flush(&mut self, choice: u32, out: &mut dyn EventSink) {
        if self.held.is_empty() {
            return;
        }
        if self.place == Place::Start {
            self.place = Place::Answer;
        }
        emit(self.place, choice, &std::mem::take(&mut self.held), out);
    }
}

fn emit(place: Place, choice: u32, text: &str, out: &mut dyn EventSink) {
    if text.is_empty() {
        return;
    }
    let text = Cow::Borrowed(text);
    out.event(match place {
        Place::Thinking => Event::Reasoning { choice, text },
        Place::Start | Place::Answer => Event::Text { choice, text },
    });
}

/// Where a closing tag may have begun at the end of `text`; its length where none has.
fn start_of_closing(text: &str) -> usize {
    text.rfind('<').filter(|&at| CLOSING.starts_with(&text[at..])).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::{FinishReason, ResponseBuilder};

    /// Thinking and text of an answer whose text comes in these pieces.
    fn split<'t>(pieces: impl IntoIterator<Item = &'t str>) -> (String, String) {
        let mut tags = ThinkTags::default();
        let mut builder = ResponseBuilder::default();
        for text in pieces.into_iter().filter(|text| !text.is_empty()) {
            tags.pass(Event::Text { choice: 0, text: text.into() }, &mut builder);
        }
        tags.finish(&mut builder);
        let choice = builder.finish().choices.pop().unwrap_or_default();
        (choice.reasoning(), choice.text())
    }

    const CASES: [(&str, &str, &str); 10] = [
        ("<think>why</think>because", "why", "because"),
        ("\n <think>\nwhy\n</think>\n\nbecause\n", "why\n", "because\n"),
        ("<think>\n\n</think>\n\nyes", "", "yes"),
        ("no tags", "", "no tags"),
        ("  no tags", "", "  no tags"),
        ("<thinking>x</think>", "", "<thinking>x</think>"),
        ("why</think>because", "", "why</think>because"),
        ("see <think>x</think>", "", "see <think>x</think>"),
        ("<think>a < b </thin> é</think><think>x</think>", "a < b </thin> é", "<think>x</think>"),
        ("<think>cut </thi", "cut </thi", ""),
    ];

    #[test]
    fn tags_at_the_start_make_thinking() {
        for (whole, thinking, text) in CASES {
            assert_eq!(split([whole]), (thinking.to_owned(), text.to_owned()), "{whole}");
        }
    }

    #[test]
    fn tags_may_be_split_at_every_character() {
        for (whole, thinking, text) in CASES {
            let expected = (thinking.to_owned(), text.to_owned());
            assert_eq!(split(whole.split("").collect::<Vec<_>>()), expected, "{whole}");
            for (at, _) in whole.char_indices() {
                assert_eq!(split([&whole[..at], &whole[at..]]), expected, "{whole} at {at}");
            }
        }
    }

    #[test]
    fn endless_white_space_is_text() {
        let blank = " ".repeat(MAX_LEAD_BYTES + 1);
        assert_eq!(split([blank.as_str(), "<think>x"]), (String::new(), format!("{blank}<think>x")));
    }

    #[test]
    fn choices_think_for_themselves() {
        let mut tags = ThinkTags::default();
        let mut builder = ResponseBuilder::default();
        for (choice, text) in [(0, "<think>"), (1, "one"), (0, "zero"), (1, "</think>"), (0, "</think>0")] {
            tags.pass(Event::Text { choice, text: text.into() }, &mut builder);
        }
        let answer = builder.finish();
        assert_eq!((answer.choices[0].reasoning().as_str(), answer.choices[0].text().as_str()), ("zero", "0"));
        assert_eq!((answer.choices[1].reasoning().as_str(), answer.choices[1].text().as_str()), ("", "one</think>"));
    }

    #[test]
    fn what_is_held_back_leaves_before_the_end() {
        let mut tags = ThinkTags::default();
        let mut seen = Vec::new();
        let mut out = |event: Event<'_>| seen.push(event.into_owned());
        let finish = Event::Finish { choice: 0, reason: FinishReason::Stop, native: None };
        for event in [Event::Text { choice: 0, text: " <thi".into() }, finish.clone()] {
            tags.pass(event, &mut out);
        }
        tags.finish(&mut out);
        assert_eq!(seen, [Event::Text { choice: 0, text: " <thi".into() }, finish]);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(pieces in proptest::collection::vec("(<think>|</think>|[<>/thinké \n]){0,4}", 0..8)) {
            let whole = pieces.concat();
            // Only the limit on leading white space may depend on the pieces.
            prop_assume!(whole.len() <= MAX_LEAD_BYTES);
            prop_assert_eq!(split(pieces.iter().map(String::as_str)), split([whole.as_str()]));
        }
    }
}
