"""What the tests are told about the relay they run against, by environment.

RELAY_URL        the relay, open to everyone
RELAY_KEYS_URL   a relay that wants keys, with RELAY_KEY as a valid one
FAKE_URLS        JSON: the addresses of the fake providers behind the relay, to ask whether a call was hung up on
MODEL_…          the models to ask for; a test that needs one that is not named is skipped

Without RELAY_KEYS_URL and FAKE_URLS the tests also run against one of the fakes itself.
"""

import functools
import json
import os
import time
import unittest
import urllib.request

RELAY_URL = os.environ["RELAY_URL"]
RELAY_KEYS_URL = os.environ.get("RELAY_KEYS_URL")
RELAY_KEY = os.environ.get("RELAY_KEY")
FAKE_URLS = json.loads(os.environ.get("FAKE_URLS", "{}"))

CHAT_VARIABLES = ("MODEL_OPENAI", "MODEL_ANTHROPIC", "MODEL_GEMINI", "MODEL_OLLAMA")
THINKING_VARIABLES = ("MODEL_DEEPSEEK", "MODEL_ANTHROPIC", "MODEL_GEMINI", "MODEL_OLLAMA")
EMBEDDING_VARIABLES = ("MODEL_EMBED", "MODEL_EMBED_GEMINI", "MODEL_EMBED_OLLAMA")

# The fake providers' own constants (`fake_upstream/scenario.py`).
CITY = {"city": "Paris", "population": 2102650}
CITY_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["city", "population"],
    "additionalProperties": False,
}
TOOL_ARGUMENTS = {"city": "Paris", "unit": "celsius"}
WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "kelvin"]}},
            "required": ["city"],
        },
    },
}
PROMPT_TOKENS = 11
ANSWER_TOKENS = 5
THINKING_TOKENS = 3
VECTORS = ([0.6, -0.8, 0.0], [0.0, 0.6, -0.8])
# One transparent pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

through_relay = unittest.skipUnless(FAKE_URLS, "only a relay is asked this, and FAKE_URLS is not set")
with_keys = unittest.skipUnless(RELAY_KEYS_URL, "RELAY_KEYS_URL is not set")


def for_each(*variables):
    """Runs a test once for each model that the environment names under one of these groups of variables."""

    def decorate(test):
        @functools.wraps(test)
        def run(self):
            names = [name for group in variables for name in group if name in os.environ]
            if not names:
                self.skipTest("no model for this is named")
            for name in names:
                with self.subTest(name):
                    test(self, os.environ[name])

        return run

    return decorate


class RelayTest(unittest.TestCase):
    """Adds the comparisons that the client tests share."""

    def assert_vectors(self, vectors):
        """The fakes' two vectors, in order, to the precision of a 32-bit float."""
        self.assertEqual(len(vectors), len(VECTORS))
        for vector, expected in zip(vectors, VECTORS):
            self.assertEqual(len(vector), len(expected))
            for value, wanted in zip(vector, expected):
                self.assertAlmostEqual(value, wanted, places=5)

    def assert_hung_up(self, model, leave):
        """Calls `leave`, which abandons an answer, and waits until the model's provider has seen the caller go."""
        address = FAKE_URLS[model.partition("/")[0]]
        before = hang_ups(address)
        leave()
        deadline = time.monotonic() + 10
        while hang_ups(address) == before:
            self.assertLess(time.monotonic(), deadline, "the provider's call was left running")
            time.sleep(0.02)


def hang_ups(address):
    """How many callers hung up on an answer of the fake provider at this address."""
    with urllib.request.urlopen(f"{address}/fake/hang-ups") as answer:
        return json.load(answer)["hang_ups"]
