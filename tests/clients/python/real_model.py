"""A real model, asked directly and through the relay in two formats other than its own; prints the counts it saw.

RELAY_URL is the relay, SMOL_URL the model's server, which stands behind the relay as the providers `smol` (OpenAI
format) and `smola` (Anthropic format). Everything said here is checked; what the relay recorded is for the caller.
"""

import json
import os

import ollama
import openai

RELAY_URL = os.environ["RELAY_URL"]
SMOL_URL = os.environ["SMOL_URL"]
MODEL = "smollm2-135m-instruct"
# The answer begins with a plain word. llama.cpp leaves `message_start`, and with it the prompt's count, out of a stream
# whose first token is only a part of a character, as the first token of an emoji is.
MESSAGES = [{"role": "user", "content": "What is the capital of France? Answer in a long sentence."}]
# Few enough that the model never ends by itself: then the counts do not depend on what it says.
ANSWER_TOKENS = 10


def directly():
    """What the server itself reports for the prompt."""
    client = openai.OpenAI(base_url=f"{SMOL_URL}/v1", api_key="none", max_retries=0)
    answer = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, max_tokens=ANSWER_TOKENS, temperature=0
    )
    return {"prompt": answer.usage.prompt_tokens, "completion": answer.usage.completion_tokens}


def ollama_client_to_openai_format():
    """A stream in Ollama's format, translated from OpenAI's."""
    options = {"temperature": 0, "num_predict": ANSWER_TOKENS}
    stream = ollama.Client(host=RELAY_URL).chat(f"smol/{MODEL}", MESSAGES, options=options, stream=True)
    parts = list(stream)
    assert "".join(part.message.content for part in parts).strip(), "there is no text"
    assert parts[-1].done and parts[-1].done_reason == "length", parts[-1]
    return {"prompt": parts[-1].prompt_eval_count, "completion": parts[-1].eval_count}


def openai_client_to_anthropic_format():
    """A stream in OpenAI's format, translated from Anthropic's."""
    client = openai.OpenAI(base_url=f"{RELAY_URL}/v1", api_key="none", max_retries=0)
    stream = client.chat.completions.create(
        model=f"smola/{MODEL}",
        messages=MESSAGES,
        max_tokens=ANSWER_TOKENS,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices).strip(), "there is no text"
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["length"], choices[-1]
    return {"prompt": chunks[-1].usage.prompt_tokens, "completion": chunks[-1].usage.completion_tokens}


reported = directly()
seen = {"smol": ollama_client_to_openai_format(), "smola": openai_client_to_anthropic_format()}
for provider, counts in seen.items():
    assert counts == reported, f"{provider}: the client saw {counts}, the server reported {reported}"
print(json.dumps(seen))
