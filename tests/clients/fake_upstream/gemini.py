"""Google Gemini's generateContent, batchEmbedContents and models."""

from exchange import Request, Stream, Whole, server_sent_event, with_faults
from scenario import (
    ANSWER_TOKENS,
    CACHED_TOKENS,
    PROMPT_TOKENS,
    RETRY_AFTER_SECONDS,
    VECTORS,
    Failure,
    Question,
    answer,
    arguments_of,
)

MODELS = {"gemini-2.5-flash": "generateContent", "gemini-embedding-001": "embedContent"}
STATUS_WORDS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
# Gemini answers 400 to any field it does not know.
REQUEST_FIELDS = {
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "safetySettings",
    "generationConfig",
    "cachedContent",
    "labels",
}


class Gemini:
    """The wire format; see `exchange.FakeServer` for how it is called."""

    def answer(self, request: Request):
        if "x-goog-api-key" not in request.headers:
            raise Failure(401, "the fake wants an x-goog-api-key")
        path, _, query = request.path.partition("?")
        if (request.method, path) == ("GET", "/v1beta/models"):
            return Whole({"models": [listed(name, method) for name, method in MODELS.items()]})
        model, _, method = path.removeprefix("/v1beta/models/").partition(":")
        match method:
            case "generateContent":
                reply = answer(question(request.body))
                return Whole(None if reply.stalls else whole(model, reply))
            case "streamGenerateContent" if "alt=sse" in query:
                reply = answer(question(request.body))
                return Stream("text/event-stream", with_faults(reply, frames(model, reply)))
            case "batchEmbedContents":
                vectors = [VECTORS[index % 2] for index in range(len(request.body["requests"]))]
                return Whole({"embeddings": [{"values": vector} for vector in vectors]})
        raise Failure(404, f"the fake has no {request.method} {request.path}")

    def error_body(self, failure):
        status = STATUS_WORDS.get(failure.status, "INTERNAL")
        details = []
        if failure.status == 429:
            kind = "type.googleapis.com/google.rpc.RetryInfo"
            details.append({"@type": kind, "retryDelay": f"{RETRY_AFTER_SECONDS}s"})
        return {"error": {"code": failure.status, "message": failure.message, "status": status, "details": details}}


def question(body):
    """The question, after a check of what Gemini refuses: unknown fields, roles, empty turns, unnamed results."""
    unknown = set(body) - REQUEST_FIELDS
    if unknown:
        raise Failure(400, f'Invalid JSON payload received. Unknown name "{unknown.pop()}"')
    calls, result, text, image_types = set(), None, "", []
    for content in body["contents"]:
        if content["role"] not in ("user", "model") or not content["parts"]:
            raise Failure(400, "the fake wants turns of user or model that have parts")
        parts = content["parts"]
        calls.update(part["functionCall"]["name"] for part in parts if "functionCall" in part)
        responses = [part["functionResponse"] for part in parts if "functionResponse" in part]
        if any(response["name"] not in calls for response in responses):
            raise Failure(400, "the fake got a function response without its call")
        result = " ".join(str(value) for response in responses for value in response["response"].values()) or None
        if content["role"] == "user" and not responses:
            text = "".join(part.get("text", "") for part in parts)
            image_types = [part["inlineData"]["mimeType"] for part in parts if "inlineData" in part]
    declarations = [tool.get("functionDeclarations", []) for tool in body.get("tools") or ()]
    tools = tuple(declaration["name"] for group in declarations for declaration in group)
    return Question(text, tuple(image_types), tools, result)


def whole(model, reply):
    parts = [{"text": reply.thinking_text, "thought": True}] if reply.thinking else []
    if reply.text:
        parts.append({"text": reply.text})
    if reply.tool:
        parts.append(function_call(reply))
    return response(model, reply, parts, "STOP")


def frames(model, reply):
    parts = [{"text": piece, "thought": True} for piece in reply.thinking]
    parts.extend({"text": piece} for piece in reply.pieces)
    if reply.tool:
        parts.append(function_call(reply))
    # There is no terminator: the last part comes with the finish reason and the stream ends.
    for part in parts[:-1]:
        yield server_sent_event(response(model, reply, [part]))
    yield server_sent_event(response(model, reply, parts[-1:], "STOP"))


def response(model, reply, parts, finish_reason=None):
    candidate = {"index": 0, "content": {"role": "model", "parts": parts}}
    if finish_reason:
        candidate["finishReason"] = finish_reason
    return {"candidates": [candidate], "usageMetadata": usage(reply), "modelVersion": model, "responseId": "fake"}


def function_call(reply):
    # Gemini 2.5 gives calls no id: the relay must make one.
    return {"functionCall": {"name": reply.tool, "args": arguments_of(reply.tool)}}


def usage(reply):
    # Gemini counts thoughts beside the candidates, not inside them; counts of zero are left out.
    counts = {
        "promptTokenCount": PROMPT_TOKENS,
        "cachedContentTokenCount": CACHED_TOKENS,
        "candidatesTokenCount": ANSWER_TOKENS,
        "totalTokenCount": PROMPT_TOKENS + ANSWER_TOKENS + reply.thinking_tokens,
    }
    if reply.thinking:
        counts["thoughtsTokenCount"] = reply.thinking_tokens
    return counts


def listed(name, method):
    return {
        "name": f"models/{name}",
        "displayName": name,
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "supportedGenerationMethods": [method],
    }
