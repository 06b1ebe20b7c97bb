"""The official Ollama client for Python, against a relay with a provider of every wire format behind it."""

import json
import os
import unittest

import httpx
import ollama
from surroundings import (
    ANSWER_TOKENS,
    CHAT_VARIABLES,
    CITY,
    CITY_SCHEMA,
    EMBEDDING_VARIABLES,
    PNG,
    PROMPT_TOKENS,
    RELAY_KEY,
    RELAY_KEYS_URL,
    RELAY_URL,
    THINKING_VARIABLES,
    TOOL_ARGUMENTS,
    WEATHER_TOOL,
    RelayTest,
    for_each,
    through_relay,
    with_keys,
)


def client(url=RELAY_URL, key=None, **settings):
    headers = {"authorization": f"Bearer {key}"} if key else None
    return ollama.Client(host=url, headers=headers, **{"timeout": 30, **settings})


def user(text, **fields):
    return {"role": "user", "content": text, **fields}


class Answers(RelayTest):
    def setUp(self):
        self.client = client()

    @for_each(CHAT_VARIABLES)
    def test_a_chat_is_answered_with_its_counts(self, model):
        answer = self.client.chat(model, [user("Hello there")], options={"temperature": 0.5, "num_ctx": 4096})
        self.assertEqual(answer.message.content, "You said: Hello there")
        self.assert_ending(answer, model)

    @for_each(CHAT_VARIABLES)
    def test_a_stream_arrives_in_pieces_and_ends_with_its_counts(self, model):
        parts = list(self.client.chat(model, [user("Hello there")], stream=True))
        pieces = [part.message.content for part in parts if part.message.content]
        self.assertEqual("".join(pieces), "You said: Hello there")
        self.assertGreater(len(pieces), 1)
        self.assertEqual([part.done for part in parts], [False] * (len(parts) - 1) + [True])
        self.assert_ending(parts[-1], model)

    @for_each(CHAT_VARIABLES)
    def test_text_is_generated_from_a_prompt(self, model):
        answer = self.client.generate(model, "Hello there")
        self.assertEqual(answer.response, "You said: Hello there")
        self.assert_ending(answer, model)
        parts = list(self.client.generate(model, "Hello there", stream=True))
        self.assertEqual("".join(part.response for part in parts), "You said: Hello there")
        self.assert_ending(parts[-1], model)

    @for_each(CHAT_VARIABLES)
    def test_an_image_reaches_the_model(self, model):
        answer = self.client.chat(model, [user("What is in this image", images=[PNG])])
        self.assertEqual(answer.message.content, "I see 1 images: image/png")

    @for_each(THINKING_VARIABLES)
    def test_thinking_is_kept_apart_from_the_answer(self, model):
        message = self.client.chat(model, [user("think hard")], think=True).message
        self.assertEqual(message.content, "It is forty two")
        self.assertEqual(message.thinking, "Let me think about it")

    @for_each(THINKING_VARIABLES)
    def test_thinking_streams_before_the_answer(self, model):
        messages = [part.message for part in self.client.chat(model, [user("think hard")], think=True, stream=True)]
        thoughts = [place for place, message in enumerate(messages) if message.thinking]
        contents = [place for place, message in enumerate(messages) if message.content]
        self.assertEqual("".join(messages[place].thinking for place in thoughts), "Let me think about it")
        self.assertEqual("".join(messages[place].content for place in contents), "It is forty two")
        self.assertLess(max(thoughts), min(contents))

    @for_each(CHAT_VARIABLES)
    def test_a_structured_answer_keeps_to_its_schema(self, model):
        answer = self.client.chat(model, [user("Paris as json")], format=CITY_SCHEMA)
        self.assertEqual(json.loads(answer.message.content), CITY)

    def assert_ending(self, answer, model):
        self.assertEqual(answer.model, model)
        self.assertTrue(answer.done)
        self.assertEqual(answer.done_reason, "stop")
        self.assertEqual(answer.prompt_eval_count, PROMPT_TOKENS)
        self.assertEqual(answer.eval_count, ANSWER_TOKENS)
        self.assertGreater(answer.total_duration, 0)


class Tools(RelayTest):
    @for_each(CHAT_VARIABLES)
    def test_a_tool_is_called_and_its_result_is_used(self, model):
        question = [user("Use the tool")]
        message = client().chat(model, question, tools=[WEATHER_TOOL]).message
        self.assert_call(message.tool_calls)
        result = {"role": "tool", "tool_name": "get_weather", "content": "21 degrees"}
        answer = client().chat(model, [*question, message, result], tools=[WEATHER_TOOL])
        self.assertEqual(answer.message.content, "The tool said 21 degrees")

    @for_each(CHAT_VARIABLES)
    def test_a_streamed_tool_call_arrives_whole(self, model):
        question = [user("Use the tool")]
        parts = list(client().chat(model, question, tools=[WEATHER_TOOL], stream=True))
        with_calls = [part.message for part in parts if part.message.tool_calls]
        self.assertEqual(len(with_calls), 1)
        self.assert_call(with_calls[0].tool_calls)
        self.assertEqual(parts[-1].done_reason, "stop")
        result = {"role": "tool", "content": "21 degrees"}
        parts = client().chat(model, [*question, with_calls[0], result], tools=[WEATHER_TOOL], stream=True)
        self.assertEqual("".join(part.message.content for part in parts), "The tool said 21 degrees")

    def assert_call(self, calls):
        self.assertEqual([call.function.name for call in calls], ["get_weather"])
        self.assertEqual(calls[0].function.arguments, TOOL_ARGUMENTS)


class Embeddings(RelayTest):
    @for_each(EMBEDDING_VARIABLES)
    def test_vectors_arrive_in_order(self, model):
        self.assert_vectors(client().embed(model, ["first", "second"]).embeddings)


class Lists(RelayTest):
    @for_each(CHAT_VARIABLES, EMBEDDING_VARIABLES)
    def test_every_model_is_listed(self, model):
        names = {entry.model.removesuffix(":latest") for entry in client().list().models}
        self.assertIn(model.removesuffix(":latest"), names)

    def test_every_model_has_a_digest_of_its_own(self):
        listed = client().list().models
        self.assertEqual(len({entry.digest for entry in listed}), len(listed))
        self.assertTrue(all(len(entry.digest) == 64 for entry in listed))

    @for_each(CHAT_VARIABLES)
    def test_a_chat_model_is_shown_with_what_it_can_do(self, model):
        shown = client().show(model)
        self.assertIn("completion", shown.capabilities)
        self.assertIn("tools", shown.capabilities)
        self.assertIsNotNone(shown.modelinfo)

    @for_each(EMBEDDING_VARIABLES)
    def test_an_embedding_model_is_shown_as_one(self, model):
        self.assertIn("embedding", client().show(model).capabilities)

    def test_running_models_are_a_list(self):
        self.assertIsNotNone(client().ps().models)


class Errors(RelayTest):
    def setUp(self):
        self.client = client()

    def test_an_unknown_model_is_not_found(self):
        error = self.error_of("no-such-model", "Hello")
        self.assertEqual(error.status_code, 404)
        self.assertIn("no-such-model", error.error)
        with self.assertRaises(ollama.ResponseError) as caught:
            self.client.show("no-such-model")
        self.assertEqual(caught.exception.status_code, 404)

    @for_each(CHAT_VARIABLES)
    def test_a_providers_failure_keeps_its_status(self, model):
        self.assertEqual(self.error_of(model, "be limited").status_code, 429)
        refused = self.error_of(model, "be refused")
        self.assertEqual(refused.status_code, 400)
        self.assertIn("refused this prompt", refused.error)
        self.assertGreaterEqual(self.error_of(model, "be broken").status_code, 500)

    @for_each(CHAT_VARIABLES)
    def test_a_failure_before_a_streams_first_line_keeps_its_status(self, model):
        with self.assertRaises(ollama.ResponseError) as caught:
            list(self.client.chat(model, [user("be refused")], stream=True))
        self.assertEqual(caught.exception.status_code, 400)

    @through_relay
    @for_each(CHAT_VARIABLES)
    def test_a_stream_that_was_cut_is_an_error(self, model):
        pieces = []
        with self.assertRaises(ollama.ResponseError):
            for part in self.client.chat(model, [user("be cut")], stream=True):
                pieces.append(part.message.content)
        self.assertEqual("".join(pieces), "Half")

    @with_keys
    def test_a_relay_with_keys_refuses_a_wrong_one(self):
        model = os.environ["MODEL_OPENAI"]
        with self.assertRaises(ollama.ResponseError) as caught:
            client(RELAY_KEYS_URL, "sk-relay-wrong").chat(model, [user("Hello")])
        self.assertEqual(caught.exception.status_code, 401)
        answer = client(RELAY_KEYS_URL, RELAY_KEY).chat(model, [user("Hello")])
        self.assertEqual(answer.message.content, "You said: Hello")

    @for_each(CHAT_VARIABLES)
    def test_a_client_that_waits_too_long_gives_up(self, model):
        with self.assertRaises(httpx.ReadTimeout):
            client(timeout=0.3).chat(model, [user("be slow")])

    @through_relay
    @for_each(CHAT_VARIABLES)
    def test_leaving_in_mid_stream_ends_the_providers_call(self, model):
        stream = self.client.chat(model, [user("be slow")], stream=True)
        first = next(part for part in stream if part.message.content)
        self.assertEqual(first.message.content, "Wait")
        self.assert_hung_up(model, stream.close)

    def error_of(self, model, text):
        with self.assertRaises(ollama.ResponseError) as caught:
            self.client.chat(model, [user(text)])
        return caught.exception


if __name__ == "__main__":
    # The client leaves its connections to the garbage collector.
    unittest.main(warnings="ignore")
