"""The official OpenAI client for Python, against a relay with a provider of every wire format behind it."""

import json
import os
import unittest

import openai
from pydantic import BaseModel
from surroundings import (
    ANSWER_TOKENS,
    CHAT_VARIABLES,
    CITY,
    EMBEDDING_VARIABLES,
    PNG,
    PROMPT_TOKENS,
    RELAY_KEY,
    RELAY_KEYS_URL,
    RELAY_URL,
    THINKING_TOKENS,
    THINKING_VARIABLES,
    TOOL_ARGUMENTS,
    WEATHER_TOOL,
    RelayTest,
    for_each,
    through_relay,
    with_keys,
)


class City(BaseModel):
    """The structured answer the fakes give."""

    city: str
    population: int


def client(url=RELAY_URL, key="unused", **settings):
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, **{"timeout": 30, **settings})


def user(text):
    return {"role": "user", "content": text}


class Answers(RelayTest):
    def setUp(self):
        self.chats = client().chat.completions

    @for_each(CHAT_VARIABLES)
    def test_a_chat_is_answered_with_its_usage(self, model):
        answer = self.chats.create(model=model, messages=[user("Hello there")])
        self.assertEqual(answer.choices[0].message.content, "You said: Hello there")
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assert_usage(answer.usage)

    @for_each(CHAT_VARIABLES)
    def test_a_system_prompt_and_a_history_are_carried(self, model):
        history = [
            {"role": "system", "content": "Be brief."},
            user("Hello"),
            {"role": "assistant", "content": "Good morning."},
            user("And again"),
        ]
        answer = self.chats.create(model=model, messages=history, temperature=0.5, max_tokens=50, stop=["END"])
        self.assertEqual(answer.choices[0].message.content, "You said: And again")

    @for_each(CHAT_VARIABLES)
    def test_a_stream_arrives_in_pieces_and_ends_with_its_usage(self, model):
        chunks = list(self.stream(model, "Hello there", stream_options={"include_usage": True}))
        pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
        pieces = [piece for piece in pieces if piece]
        self.assertEqual("".join(pieces), "You said: Hello there")
        self.assertGreater(len(pieces), 1)
        finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
        self.assertEqual([finish for finish in finishes if finish], ["stop"])
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)
        self.assertEqual(chunks[-1].choices, [])
        self.assert_usage(chunks[-1].usage)

    @for_each(CHAT_VARIABLES)
    def test_usage_is_kept_from_a_stream_that_did_not_ask(self, model):
        chunks = list(self.stream(model, "Hello"))
        self.assertTrue(all(chunk.usage is None for chunk in chunks))
        self.assertTrue(all(chunk.choices for chunk in chunks))

    @for_each(CHAT_VARIABLES)
    def test_an_image_reaches_the_model(self, model):
        parts = [
            {"type": "text", "text": "What is in this image"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ]
        answer = self.chats.create(model=model, messages=[{"role": "user", "content": parts}])
        self.assertEqual(answer.choices[0].message.content, "I see 1 images: image/png")

    @for_each(THINKING_VARIABLES)
    def test_reasoning_is_kept_apart_from_the_answer(self, model):
        answer = self.chats.create(model=model, messages=[user("think hard")], reasoning_effort="low")
        message = answer.choices[0].message
        self.assertEqual(message.content, "It is forty two")
        self.assertEqual(reasoning(message), "Let me think about it")
        self.assertEqual(answer.usage.completion_tokens, ANSWER_TOKENS + THINKING_TOKENS)

    @for_each(THINKING_VARIABLES)
    def test_reasoning_streams_before_the_answer(self, model):
        chunks = self.stream(model, "think hard", reasoning_effort="low")
        deltas = [chunk.choices[0].delta for chunk in chunks]
        thoughts = [place for place, delta in enumerate(deltas) if reasoning(delta)]
        contents = [place for place, delta in enumerate(deltas) if delta.content]
        self.assertEqual("".join(reasoning(deltas[place]) for place in thoughts), "Let me think about it")
        self.assertEqual("".join(deltas[place].content for place in contents), "It is forty two")
        self.assertLess(max(thoughts), min(contents))

    @for_each(CHAT_VARIABLES)
    def test_a_structured_answer_parses_into_its_type(self, model):
        answer = self.chats.parse(model=model, messages=[user("Paris as json")], response_format=City)
        self.assertEqual(answer.choices[0].message.parsed, City(**CITY))

    def assert_usage(self, usage):
        self.assertEqual(usage.prompt_tokens, PROMPT_TOKENS)
        self.assertEqual(usage.completion_tokens, ANSWER_TOKENS)
        self.assertEqual(usage.total_tokens, PROMPT_TOKENS + ANSWER_TOKENS)

    def stream(self, model, text, **settings):
        return self.chats.create(model=model, messages=[user(text)], stream=True, **settings)


class Tools(RelayTest):
    def setUp(self):
        self.chats = client().chat.completions

    @for_each(CHAT_VARIABLES)
    def test_a_tool_is_called_and_its_result_is_used(self, model):
        question = [user("Use the tool")]
        answer = self.chats.create(model=model, messages=question, tools=[WEATHER_TOOL])
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        message = answer.choices[0].message
        call = message.tool_calls[0]
        self.assertEqual(call.function.name, "get_weather")
        self.assertEqual(json.loads(call.function.arguments), TOOL_ARGUMENTS)
        result = {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}
        history = [*question, message, result]
        answer = self.chats.create(model=model, messages=history, tools=[WEATHER_TOOL])
        self.assertEqual(answer.choices[0].message.content, "The tool said 21 degrees")

    @for_each(CHAT_VARIABLES)
    def test_a_streamed_tool_call_is_put_together_by_the_client(self, model):
        question = [user("Use the tool")]
        with self.chats.stream(model=model, messages=question, tools=[WEATHER_TOOL]) as stream:
            choice = stream.get_final_completion().choices[0]
        self.assertEqual(choice.finish_reason, "tool_calls")
        call = choice.message.tool_calls[0]
        self.assertEqual(json.loads(call.function.arguments), TOOL_ARGUMENTS)
        self.assertTrue(call.id)
        calls = [{"id": call.id, "type": "function", "function": call.function.model_dump(include={"name", "arguments"})}]
        history = [
            *question,
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"},
        ]
        chunks = self.chats.create(model=model, messages=history, tools=[WEATHER_TOOL], stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        self.assertEqual(text, "The tool said 21 degrees")


class Embeddings(RelayTest):
    @for_each(EMBEDDING_VARIABLES)
    def test_vectors_arrive_in_order_in_the_form_the_client_prefers(self, model):
        answer = client().embeddings.create(model=model, input=["first", "second"])
        self.assert_vectors([entry.embedding for entry in answer.data])

    @for_each(EMBEDDING_VARIABLES)
    def test_vectors_arrive_as_numbers_when_asked_for(self, model):
        answer = client().embeddings.create(model=model, input=["first", "second"], encoding_format="float")
        self.assert_vectors([entry.embedding for entry in answer.data])


class Lists(RelayTest):
    @for_each(CHAT_VARIABLES, EMBEDDING_VARIABLES)
    def test_every_model_is_listed(self, model):
        self.assertIn(model, {entry.id for entry in client().models.list()})

    @through_relay
    @for_each(CHAT_VARIABLES)
    def test_one_model_is_retrieved_by_its_name_with_a_slash(self, model):
        self.assertEqual(client().models.retrieve(model).id, model)


class Errors(RelayTest):
    def setUp(self):
        self.chats = client().chat.completions

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.chats.create(model="no-such-model", messages=[user("Hello")])
        self.assertIn("no-such-model", caught.exception.message)

    @for_each(CHAT_VARIABLES)
    def test_a_providers_rate_limit_keeps_its_status_and_its_wait(self, model):
        with self.assertRaises(openai.RateLimitError) as caught:
            self.chats.create(model=model, messages=[user("be limited")])
        self.assertEqual(caught.exception.response.headers["retry-after"], "30")

    @for_each(CHAT_VARIABLES)
    def test_a_providers_refusal_keeps_its_words(self, model):
        for stream in (False, True):
            with self.assertRaises(openai.BadRequestError) as caught:
                self.chats.create(model=model, messages=[user("be refused")], stream=stream)
            self.assertIn("refused this prompt", caught.exception.message)

    @for_each(CHAT_VARIABLES)
    def test_a_broken_provider_is_a_server_error(self, model):
        with self.assertRaises(openai.InternalServerError):
            self.chats.create(model=model, messages=[user("be broken")])

    @through_relay
    @for_each(CHAT_VARIABLES)
    def test_a_stream_that_was_cut_is_an_error(self, model):
        pieces = []
        with self.assertRaises(openai.APIError):
            for chunk in self.chats.create(model=model, messages=[user("be cut")], stream=True):
                pieces.append(chunk.choices[0].delta.content or "")
        self.assertEqual("".join(pieces), "Half")

    @with_keys
    def test_a_relay_with_keys_refuses_a_wrong_one(self):
        messages = [user("Hello")]
        model = os.environ["MODEL_OPENAI"]
        with self.assertRaises(openai.AuthenticationError):
            client(RELAY_KEYS_URL, "sk-relay-wrong").chat.completions.create(model=model, messages=messages)
        answer = client(RELAY_KEYS_URL, RELAY_KEY).chat.completions.create(model=model, messages=messages)
        self.assertEqual(answer.choices[0].message.content, "You said: Hello")

    @for_each(CHAT_VARIABLES)
    def test_a_client_that_waits_too_long_gives_up(self, model):
        with self.assertRaises(openai.APITimeoutError):
            client(timeout=0.3).chat.completions.create(model=model, messages=[user("be slow")])

    @through_relay
    @for_each(CHAT_VARIABLES)
    def test_leaving_in_mid_stream_ends_the_providers_call(self, model):
        stream = self.chats.create(model=model, messages=[user("be slow")], stream=True)
        first = next(chunk for chunk in stream if chunk.choices[0].delta.content)
        self.assertEqual(first.choices[0].delta.content, "Wait")
        self.assert_hung_up(model, stream.close)


def reasoning(message):
    """The reasoning beside an answer, under either of the names that OpenAI-compatible servers use."""
    return getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)


if __name__ == "__main__":
    unittest.main()
