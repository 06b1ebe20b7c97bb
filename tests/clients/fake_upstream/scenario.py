"""What the fake answers: the words of the last prompt choose it, whatever the wire format.

    tool     calls the first tool that was offered; given the tool's result, repeats it
    think    reasons first, then answers
    json     answers with the JSON text of `CITY`
    image    says how many images it saw, and of which types
    slow     sends one piece and then nothing more, until the caller hangs up
    cut      ends the stream cleanly after one piece, without the format's terminator
    limited  is refused with 429 and `retry-after`
    refused  is refused with 400
    broken   fails with 500

Any other prompt is echoed. Token counts are constants, so that a client can say what it must be told.
"""

import json
import re
from dataclasses import dataclass

CITY = {"city": "Paris", "population": 2102650}
TOOL_ARGUMENTS = {"city": "Paris", "unit": "celsius"}

# Every prompt counts as eleven tokens, seven of which came from a prompt cache; an answer as five, reasoning as three.
PROMPT_TOKENS = 11
CACHED_TOKENS = 7
ANSWER_TOKENS = 5
THINKING_TOKENS = 3
RETRY_AFTER_SECONDS = 30

# Unit vectors, because some formats promise normalised ones; neighbours differ, so that a swapped order shows.
VECTORS = ([0.6, -0.8, 0.0], [0.0, 0.6, -0.8])


@dataclass(frozen=True)
class Question:
    """A request for an answer, with the wire format taken off."""

    text: str
    image_types: tuple = ()
    tools: tuple = ()
    tool_result: str | None = None
    forced_tool: str | None = None


@dataclass(frozen=True)
class Reply:
    """An answer before a wire format is put on. Joining the pieces gives the whole text."""

    pieces: tuple = ()
    thinking: tuple = ()
    tool: str | None = None
    stalls: bool = False
    is_cut: bool = False

    @property
    def text(self):
        return "".join(self.pieces)

    @property
    def thinking_text(self):
        return "".join(self.thinking)

    @property
    def thinking_tokens(self):
        return THINKING_TOKENS if self.thinking else 0


class Failure(Exception):
    """A refusal: each wire format gives it its own shape."""

    def __init__(self, status, message, headers=None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def answer(question):
    """The reply to a question; raises `Failure` for the prompts that are refused."""
    words = set(re.findall(r"\w+", question.text.lower()))
    if "limited" in words:
        raise Failure(429, "the fake is rate limited", {"retry-after": str(RETRY_AFTER_SECONDS)})
    if "refused" in words:
        raise Failure(400, "the fake refused this prompt")
    if "broken" in words:
        raise Failure(500, "the fake is broken")
    if question.tool_result is not None:
        return Reply(in_pieces(f"The tool said {question.tool_result}"))
    if question.forced_tool is not None:
        return Reply(tool=question.forced_tool)
    if "tool" in words and question.tools:
        return Reply(tool=question.tools[0])
    if "think" in words:
        return Reply(in_pieces("It is forty two"), thinking=in_pieces("Let me think about it"))
    if "json" in words:
        return Reply(in_pieces(json.dumps(CITY)))
    if "image" in words:
        return Reply(in_pieces(f"I see {len(question.image_types)} images: {' '.join(question.image_types)}"))
    if "slow" in words:
        return Reply(("Wait", " for it"), stalls=True)
    if "cut" in words:
        return Reply(("Half", " an answer"), is_cut=True)
    return Reply(in_pieces(f"You said: {question.text}"))


def arguments_of(tool):
    """The arguments the fake calls a tool with; a tool that stands for a JSON schema gets the answer itself."""
    return TOOL_ARGUMENTS if tool.startswith("get_") else CITY


def in_pieces(text):
    """The text split before each space, as a tokenizer would."""
    return tuple(re.findall(r" ?[^ ]*", text)[:-1])
