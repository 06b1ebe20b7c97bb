"""Anthropic's messages and models."""

import json

from exchange import Request, Stream, Whole, server_sent_event, with_faults
from scenario import ANSWER_TOKENS, CACHED_TOKENS, PROMPT_TOKENS, Failure, Question, answer, arguments_of

MODELS = ("claude-haiku-4-5",)
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
SIGNATURE = "ZmFrZSBzaWduYXR1cmU="


class Anthropic:
    """The wire format; see `exchange.FakeServer` for how it is called."""

    def answer(self, request: Request):
        if "x-api-key" not in request.headers:
            raise Failure(401, "the fake wants an x-api-key")
        if request.headers.get("anthropic-version") != "2023-06-01":
            raise Failure(400, "the fake wants anthropic-version 2023-06-01")
        match (request.method, request.path.split("?")[0]):
            case ("GET", "/v1/models"):
                models = [{"type": "model", "id": name, "display_name": name} for name in MODELS]
                return Whole({"data": models, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]})
            case ("POST", "/v1/messages"):
                return messages(request.body)
        raise Failure(404, f"the fake has no {request.method} {request.path}")

    def error_body(self, failure):
        kind = ERROR_TYPES.get(failure.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": failure.message}}


def messages(body):
    if not isinstance(body.get("max_tokens"), int):
        raise Failure(400, "max_tokens: Field required")
    reply = answer(question(body))
    if body.get("stream"):
        return Stream("text/event-stream", with_faults(reply, frames(body["model"], reply)))
    if reply.stalls:
        return Whole(None)
    content = []
    if reply.thinking:
        content.append({"type": "thinking", "thinking": reply.thinking_text, "signature": SIGNATURE})
    if reply.text:
        content.append({"type": "text", "text": reply.text})
    if reply.tool:
        content.append({**tool_use(reply), "input": arguments_of(reply.tool)})
    ending = {"stop_reason": stop_reason(reply), "stop_sequence": None}
    return Whole({**head(body["model"], content), **ending, "usage": {**prompt_usage(), **answer_usage(reply)}})


def question(body):
    """The question, after a check of what Anthropic refuses: roles, empty text, arguments as text, orphan results."""
    calls, result, text, image_types = set(), None, "", []
    for message in body["messages"]:
        if message["role"] not in ("user", "assistant"):
            raise Failure(400, f"messages: unexpected role {message['role']}")
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        if not all(part.strip() for part in texts):
            raise Failure(400, "messages: text content blocks must be non-empty")
        result = None
        for block in blocks:
            if block["type"] == "tool_use":
                if not isinstance(block["input"], dict):
                    raise Failure(400, "messages: tool_use.input must be an object")
                calls.add(block["id"])
            elif block["type"] == "tool_result":
                if block["tool_use_id"] not in calls:
                    raise Failure(400, "messages: tool_result without its tool_use")
                result = block_text(block.get("content", ""))
        if message["role"] == "user" and result is None:
            text = "".join(texts)
            image_types = [block["source"]["media_type"] for block in blocks if block["type"] == "image"]
    tools = tuple(tool["name"] for tool in body.get("tools") or ())
    choice = body.get("tool_choice") or {}
    return Question(text, tuple(image_types), tools, result, choice.get("name"))


def block_text(content):
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


def frames(model, reply):
    def event(name, **fields):
        return server_sent_event({"type": name, **fields}, name)

    def block(index, start, deltas):
        yield event("content_block_start", index=index, content_block=start)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)

    unfinished = {"stop_reason": None, "stop_sequence": None}
    start = {**head(model, []), **unfinished, "usage": {**prompt_usage(), "output_tokens": 1}}
    yield event("message_start", message=start)
    yield event("ping")
    index = 0
    if reply.thinking:
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in reply.thinking]
        deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        yield from block(index, {"type": "thinking", "thinking": "", "signature": ""}, deltas)
        index += 1
    if reply.pieces:
        deltas = [{"type": "text_delta", "text": piece} for piece in reply.pieces]
        yield from block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    if reply.tool:
        arguments = json.dumps(arguments_of(reply.tool))
        parts = ("", arguments[:7], arguments[7:])
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        yield from block(index, {**tool_use(reply), "input": {}}, deltas)
    ending = {"stop_reason": stop_reason(reply), "stop_sequence": None}
    yield event("message_delta", delta=ending, usage=answer_usage(reply))
    yield event("message_stop")


def head(model, content):
    return {"id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": content}


def tool_use(reply):
    return {"type": "tool_use", "id": "toolu_fake_1", "name": reply.tool}


def stop_reason(reply):
    return "tool_use" if reply.tool else "end_turn"


def prompt_usage():
    # Anthropic counts cached tokens beside the input, not inside it.
    return {
        "input_tokens": PROMPT_TOKENS - CACHED_TOKENS,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": CACHED_TOKENS,
    }


def answer_usage(reply):
    return {"output_tokens": ANSWER_TOKENS + reply.thinking_tokens}
