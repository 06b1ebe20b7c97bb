// What the tests are told about the relay they run against, by environment; `python/surroundings.py` lists it.

import assert from "node:assert/strict";
import { test } from "node:test";

export const { RELAY_URL, RELAY_KEYS_URL, RELAY_KEY } = process.env;
const FAKE_URLS = JSON.parse(process.env.FAKE_URLS ?? "{}");

export const CHAT_VARIABLES = ["MODEL_OPENAI", "MODEL_ANTHROPIC", "MODEL_GEMINI", "MODEL_OLLAMA"];
export const THINKING_VARIABLES = ["MODEL_DEEPSEEK", "MODEL_ANTHROPIC", "MODEL_GEMINI", "MODEL_OLLAMA"];
export const EMBEDDING_VARIABLES = ["MODEL_EMBED", "MODEL_EMBED_GEMINI", "MODEL_EMBED_OLLAMA"];

// The fake providers' own constants (`fake_upstream/scenario.py`).
export const CITY = { city: "Paris", population: 2102650 };
export const CITY_SCHEMA = {
  type: "object",
  properties: { city: { type: "string" }, population: { type: "integer" } },
  required: ["city", "population"],
  additionalProperties: false,
};
export const TOOL_ARGUMENTS = { city: "Paris", unit: "celsius" };
export const WEATHER_TOOL = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "kelvin"] } },
      required: ["city"],
    },
  },
};
export const PROMPT_TOKENS = 11;
export const ANSWER_TOKENS = 5;
export const THINKING_TOKENS = 3;
const VECTORS = [
  [0.6, -0.8, 0.0],
  [0.0, 0.6, -0.8],
];
// One transparent pixel.
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

// Options of a test that only a relay passes, as opposed to a fake provider asked directly.
export const throughRelay = { skip: Object.keys(FAKE_URLS).length === 0 && "FAKE_URLS is not set" };
export const withKeys = { skip: !RELAY_KEYS_URL && "RELAY_KEYS_URL is not set" };

/** Declares a test once for each model that the environment names under one of these variables. */
export function forEach(variables, name, body, options = {}) {
  const named = variables.filter((variable) => process.env[variable]);
  for (const variable of named) {
    test(`${name} (${variable})`, options, () => body(process.env[variable]));
  }
  if (named.length === 0) {
    test(name, { skip: "no model for this is named" }, () => {});
  }
}

export function user(text, fields = {}) {
  return { role: "user", content: text, ...fields };
}

/** Everything an asynchronous iterable yields. */
export async function collect(stream) {
  const items = [];
  for await (const item of stream) {
    items.push(item);
  }
  return items;
}

/** The fakes' two vectors, in order, to the precision of a 32-bit float. */
export function assertVectors(vectors) {
  assert.equal(vectors.length, VECTORS.length);
  vectors.forEach((vector, index) => {
    assert.equal(vector.length, VECTORS[index].length);
    vector.forEach((value, place) => assert.ok(Math.abs(value - VECTORS[index][place]) < 1e-5, `${vector}`));
  });
}

/** Calls `leave`, which abandons an answer, and waits until the model's provider has seen the caller go. */
export async function assertHungUp(model, leave) {
  const address = FAKE_URLS[model.split("/")[0]];
  const before = await hangUps(address);
  await leave();
  const deadline = Date.now() + 10_000;
  while ((await hangUps(address)) === before) {
    assert.ok(Date.now() < deadline, "the provider's call was left running");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function hangUps(address) {
  const answer = await fetch(`${address}/fake/hang-ups`);
  return (await answer.json()).hang_ups;
}
