"""Ollama's own API: chat, embed, tags, show, ps, version; enough for a relay and for the official clients."""

import hashlib

from exchange import Request, Stream, Whole, json_line, with_faults
from scenario import ANSWER_TOKENS, PROMPT_TOKENS, VECTORS, Failure, Question, answer, arguments_of

CREATED = "2026-01-02T03:04:05.678Z"
MODELS = {
    "qwen3:8b": ["completion", "tools", "thinking", "vision"],
    "nomic-embed-text:v1.5": ["embedding"],
}
DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "fake",
    "families": ["fake"],
    "parameter_size": "8.0B",
    "quantization_level": "Q4_K_M",
}
DURATIONS = {
    "total_duration": 4000000,
    "load_duration": 1000000,
    "prompt_eval_duration": 1000000,
    "eval_duration": 2000000,
}


class Ollama:
    """The wire format; see `exchange.FakeServer` for how it is called."""

    def answer(self, request: Request):
        match (request.method, request.path):
            case ("GET", "/api/version"):
                return Whole({"version": "0.33.0"})
            case ("GET", "/api/tags"):
                return Whole({"models": [listed(name) for name in MODELS]})
            case ("GET", "/api/ps"):
                return Whole({"models": []})
            case ("POST", "/api/show"):
                return Whole(shown(known_model(request.body)))
            case ("POST", "/api/chat"):
                return chat(request.body)
            case ("POST", "/api/generate"):
                return generate(request.body)
            case ("POST", "/api/embed"):
                return Whole(embeddings(request.body))
        raise Failure(404, f"the fake has no {request.method} {request.path}")

    def error_body(self, failure):
        return {"error": failure.message}


def known_model(body):
    name = body.get("model") or body.get("name")
    full = name if ":" in name else f"{name}:latest"
    if full not in MODELS:
        raise Failure(404, f"model '{name}' not found")
    return full


def chat(body):
    known_model(body)
    reply = answer(question(body))
    # Ollama streams unless it is told not to.
    if body.get("stream", True):
        return Stream("application/x-ndjson", with_faults(reply, frames(body["model"], reply)))
    if reply.stalls:
        return Whole(None)
    message = {"role": "assistant", "content": reply.text}
    if reply.thinking:
        message["thinking"] = reply.thinking_text
    if reply.tool:
        message["tool_calls"] = [tool_call(reply)]
    return Whole({**line(body["model"], message), **ending(reply)})


def generate(body):
    """One turn without a history, with the text in `response` where a chat has a message."""
    known_model(body)
    reply = answer(question({"messages": [{"role": "user", "content": body["prompt"], "images": body.get("images")}]}))

    def part(fields, last=None):
        return {"model": body["model"], "created_at": CREATED, **fields, **(last or {"done": False})}

    if body.get("stream", True):
        parts = [part({"response": "", "thinking": piece}) for piece in reply.thinking]
        parts.extend(part({"response": piece}) for piece in reply.pieces)
        parts.append(part({"response": ""}, ending(reply)))
        return Stream("application/x-ndjson", with_faults(reply, map(json_line, parts)))
    if reply.stalls:
        return Whole(None)
    thinking = {"thinking": reply.thinking_text} if reply.thinking else {}
    return Whole(part({"response": reply.text, **thinking}, ending(reply)))


def question(body):
    """The question, after a check of what Ollama refuses: content in parts, arguments as text, data URLs."""
    result, text, image_types = None, "", []
    for message in body["messages"]:
        content = message.get("content") or ""
        if not isinstance(content, str):
            raise Failure(400, "json: cannot unmarshal array into Go struct field .content of type string")
        if any(not isinstance(call["function"]["arguments"], dict) for call in message.get("tool_calls") or ()):
            raise Failure(400, "Value looks like object, but can't find closing '}' symbol")
        result = content if message["role"] == "tool" else None
        if message["role"] == "user":
            text = content
            image_types = [image_type(image) for image in message.get("images") or ()]
    tools = tuple(tool["function"]["name"] for tool in body.get("tools") or ())
    return Question(text, tuple(image_types), tools, result)


def image_type(image):
    if image.startswith("data:"):
        raise Failure(400, "illegal base64 data at input byte 4")
    return "image/png" if image.startswith("iVBORw0KGgo") else "image/unknown"


def frames(model, reply):
    def part(**fields):
        return json_line({**line(model, {"role": "assistant", "content": "", **fields}), "done": False})

    for piece in reply.thinking:
        yield part(thinking=piece)
    for piece in reply.pieces:
        yield part(content=piece)
    if reply.tool:
        yield part(tool_calls=[tool_call(reply)])
    yield json_line({**line(model, {"role": "assistant", "content": ""}), **ending(reply)})


def line(model, message):
    return {"model": model, "created_at": CREATED, "message": message}


def tool_call(reply):
    return {"id": "call_fake0001", "function": {"index": 0, "name": reply.tool, "arguments": arguments_of(reply.tool)}}


def ending(reply):
    counts = {"prompt_eval_count": PROMPT_TOKENS, "eval_count": ANSWER_TOKENS + reply.thinking_tokens}
    return {"done": True, "done_reason": "stop", **counts, **DURATIONS}


def embeddings(body):
    known_model(body)
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    vectors = [VECTORS[index % 2] for index in range(len(texts))]
    return {"model": body["model"], "embeddings": vectors, "total_duration": 1, "prompt_eval_count": PROMPT_TOKENS}


def listed(name):
    digest = hashlib.sha256(name.encode()).hexdigest()
    entry = {"name": name, "model": name, "modified_at": CREATED, "size": 1000, "digest": digest}
    return {**entry, "details": DETAILS, "capabilities": MODELS[name]}


def shown(name):
    information = {"general.architecture": "fake", "fake.context_length": 32768}
    entry = {"details": DETAILS, "model_info": information, "capabilities": MODELS[name]}
    return {**entry, "modified_at": CREATED, "modelfile": f"FROM {name}", "template": ""}
