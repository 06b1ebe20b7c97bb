"""OpenAI's chat completions, embeddings and models; reasoning is sent as compatible servers send it."""

import base64
import json
import struct

from exchange import Request, Stream, Whole, server_sent_event, with_faults
from scenario import (
    ANSWER_TOKENS,
    CACHED_TOKENS,
    PROMPT_TOKENS,
    VECTORS,
    Failure,
    Question,
    answer,
    arguments_of,
)

MODELS = ("gpt-4o-mini", "deepseek-v4-flash", "text-embedding-3-small")
ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


class OpenAi:
    """The wire format; see `exchange.FakeServer` for how it is called."""

    def answer(self, request: Request):
        if not request.headers.get("authorization", "").startswith("Bearer "):
            raise Failure(401, "the fake wants a bearer token")
        match (request.method, request.path):
            case ("GET", "/v1/models"):
                models = [{"id": name, "object": "model", "created": 1, "owned_by": "fake"} for name in MODELS]
                return Whole({"object": "list", "data": models})
            case ("POST", "/v1/embeddings" | "/v1/chat/completions") if request.body["model"] not in MODELS:
                raise Failure(404, f"The model `{request.body['model']}` does not exist")
            case ("POST", "/v1/embeddings"):
                return Whole(embeddings(request.body))
            case ("POST", "/v1/chat/completions"):
                return chat(request.body)
        raise Failure(404, f"the fake has no {request.method} {request.path}")

    def error_body(self, failure):
        kind = ERROR_TYPES.get(failure.status, "server_error")
        return {"error": {"message": failure.message, "type": kind, "param": None, "code": None}}


def chat(body):
    reply = answer(question(body))
    if body.get("stream"):
        wants_usage = (body.get("stream_options") or {}).get("include_usage")
        return Stream("text/event-stream", with_faults(reply, frames(body["model"], reply, wants_usage)))
    if reply.stalls:
        return Whole(None)
    message = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.thinking:
        message["reasoning_content"] = reply.thinking_text
    if reply.tool:
        message["tool_calls"] = [tool_call(reply)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(reply)}
    return Whole({**head(body["model"], "chat.completion"), "choices": [choice], "usage": usage(reply)})


def question(body):
    """The question, after a check of what OpenAI refuses: unknown roles and results of calls that were not made."""
    calls, result, text, image_types = set(), None, "", []
    for message in body["messages"]:
        role, content = message.get("role"), message.get("content")
        if role not in ("system", "developer", "user", "assistant", "tool"):
            raise Failure(400, f"the fake does not know the role {role}")
        if role == "tool" and message.get("tool_call_id") not in calls:
            raise Failure(400, "the fake got a tool result without its call")
        calls.update(call["id"] for call in message.get("tool_calls") or ())
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        joined = "".join(part["text"] for part in parts if part["type"] == "text")
        result = joined if role == "tool" else None
        if role == "user":
            text = joined
            urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
            image_types = [url.removeprefix("data:").split(";")[0] for url in urls]
    tools = tuple(tool["function"]["name"] for tool in body.get("tools") or ())
    return Question(text, tuple(image_types), tools, result)


def frames(model, reply, wants_usage):
    chunk_head = head(model, "chat.completion.chunk")
    if wants_usage:
        # OpenAI puts the key on every chunk once usage is asked for.
        chunk_head["usage"] = None

    def chunk(delta, finish=None):
        return server_sent_event({**chunk_head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in reply.thinking:
        yield chunk({"reasoning_content": piece})
    for piece in reply.pieces:
        yield chunk({"content": piece})
    if reply.tool:
        call = tool_call(reply)
        arguments = call["function"]["arguments"]
        yield chunk({"tool_calls": [{"index": 0, **call, "function": {"name": reply.tool, "arguments": ""}}]})
        for part in (arguments[:7], arguments[7:]):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
    yield chunk({}, finish_reason(reply))
    if wants_usage:
        yield server_sent_event({**chunk_head, "choices": [], "usage": usage(reply)})
    yield b"data: [DONE]\n\n"


def head(model, kind):
    return {"id": "chatcmpl-fake", "object": kind, "created": 1, "model": model, "system_fingerprint": "fp_fake"}


def tool_call(reply):
    arguments = json.dumps(arguments_of(reply.tool))
    return {"id": "call_fake_1", "type": "function", "function": {"name": reply.tool, "arguments": arguments}}


def finish_reason(reply):
    return "tool_calls" if reply.tool else "stop"


def usage(reply):
    completion = ANSWER_TOKENS + reply.thinking_tokens
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": completion,
        "total_tokens": PROMPT_TOKENS + completion,
        "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
        "completion_tokens_details": {"reasoning_tokens": reply.thinking_tokens},
    }


def embeddings(body):
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    vectors = [VECTORS[index % 2] for index in range(len(texts))]
    if body.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() for vector in vectors]
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    tokens = {"prompt_tokens": PROMPT_TOKENS, "total_tokens": PROMPT_TOKENS}
    return {"object": "list", "data": data, "model": body["model"], "usage": tokens}
