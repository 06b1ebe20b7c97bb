// The official Ollama client for JavaScript, against a relay with a provider of every wire format behind it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Ollama } from "ollama";

import {
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
  assertHungUp,
  assertVectors,
  collect,
  forEach,
  throughRelay,
  user,
  withKeys,
} from "./surroundings.mjs";

function client(host = RELAY_URL, settings = {}) {
  return new Ollama({ host, ...settings });
}

function chat(model, text, settings = {}, connection = client()) {
  return connection.chat({ model, messages: [user(text)], ...settings });
}

function assertEnding(answer, model) {
  assert.equal(answer.model, model);
  assert.equal(answer.done, true);
  assert.equal(answer.done_reason, "stop");
  assert.equal(answer.prompt_eval_count, PROMPT_TOKENS);
  assert.equal(answer.eval_count, ANSWER_TOKENS);
}

function assertCalls(calls) {
  assert.deepEqual(
    calls.map((call) => call.function.name),
    ["get_weather"],
  );
  assert.deepEqual(calls[0].function.arguments, TOOL_ARGUMENTS);
}

async function rejectsWithStatus(promise, status, words) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.status_code, status);
    assert.match(error.message, words);
    return true;
  });
}

forEach(CHAT_VARIABLES, "a chat is answered with its counts", async (model) => {
  const answer = await chat(model, "Hello there", { options: { temperature: 0.5, num_ctx: 4096 } });
  assert.equal(answer.message.content, "You said: Hello there");
  assertEnding(answer, model);
});

forEach(CHAT_VARIABLES, "a stream arrives in pieces and ends with its counts", async (model) => {
  const parts = await collect(await chat(model, "Hello there", { stream: true }));
  const pieces = parts.map((part) => part.message.content).filter(Boolean);
  assert.equal(pieces.join(""), "You said: Hello there");
  assert.ok(pieces.length > 1);
  assertEnding(parts.at(-1), model);
});

forEach(CHAT_VARIABLES, "text is generated from a prompt", async (model) => {
  const answer = await client().generate({ model, prompt: "Hello there" });
  assert.equal(answer.response, "You said: Hello there");
  assertEnding(answer, model);
  const parts = await collect(await client().generate({ model, prompt: "Hello there", stream: true }));
  assert.equal(parts.map((part) => part.response).join(""), "You said: Hello there");
  assertEnding(parts.at(-1), model);
});

forEach(CHAT_VARIABLES, "an image reaches the model", async (model) => {
  const messages = [user("What is in this image", { images: [PNG] })];
  const answer = await client().chat({ model, messages });
  assert.equal(answer.message.content, "I see 1 images: image/png");
});

forEach(THINKING_VARIABLES, "thinking is kept apart from the answer", async (model) => {
  const { message } = await chat(model, "think hard", { think: true });
  assert.equal(message.content, "It is forty two");
  assert.equal(message.thinking, "Let me think about it");
});

forEach(THINKING_VARIABLES, "thinking streams before the answer", async (model) => {
  const parts = await collect(await chat(model, "think hard", { think: true, stream: true }));
  const messages = parts.map((part) => part.message);
  assert.equal(messages.map((message) => message.thinking ?? "").join(""), "Let me think about it");
  assert.equal(messages.map((message) => message.content).join(""), "It is forty two");
  const lastThought = messages.findLastIndex((message) => message.thinking);
  assert.ok(lastThought < messages.findIndex((message) => message.content));
});

forEach(CHAT_VARIABLES, "a structured answer keeps to its schema", async (model) => {
  const answer = await chat(model, "Paris as json", { format: CITY_SCHEMA });
  assert.deepEqual(JSON.parse(answer.message.content), CITY);
});

forEach(CHAT_VARIABLES, "a tool is called and its result is used", async (model) => {
  const question = [user("Use the tool")];
  const tools = [WEATHER_TOOL];
  const { message } = await client().chat({ model, messages: question, tools });
  assertCalls(message.tool_calls);
  const messages = [...question, message, { role: "tool", tool_name: "get_weather", content: "21 degrees" }];
  const answer = await client().chat({ model, messages, tools });
  assert.equal(answer.message.content, "The tool said 21 degrees");
});

forEach(CHAT_VARIABLES, "a streamed tool call arrives whole", async (model) => {
  const parts = await collect(await chat(model, "Use the tool", { tools: [WEATHER_TOOL], stream: true }));
  const withCalls = parts.filter((part) => part.message.tool_calls?.length);
  assert.equal(withCalls.length, 1);
  assertCalls(withCalls[0].message.tool_calls);
  assert.equal(parts.at(-1).done_reason, "stop");
});

forEach(EMBEDDING_VARIABLES, "vectors arrive in order", async (model) => {
  assertVectors((await client().embed({ model, input: ["first", "second"] })).embeddings);
});

forEach([...CHAT_VARIABLES, ...EMBEDDING_VARIABLES], "every model is listed", async (model) => {
  const { models } = await client().list();
  const names = models.map((entry) => entry.model.replace(/:latest$/, ""));
  assert.ok(names.includes(model.replace(/:latest$/, "")));
});

forEach(CHAT_VARIABLES, "a chat model is shown with what it can do", async (model) => {
  const { capabilities } = await client().show({ model });
  assert.ok(capabilities.includes("completion") && capabilities.includes("tools"));
});

forEach(EMBEDDING_VARIABLES, "an embedding model is shown as one", async (model) => {
  const { capabilities } = await client().show({ model });
  assert.ok(capabilities.includes("embedding"));
});

test("running models are a list", async () => {
  assert.ok(Array.isArray((await client().ps()).models));
});

test("the version is a number", async () => {
  assert.match((await client().version()).version, /^\d+\.\d+\.\d+$/);
});

test("an unknown model is not found", async () => {
  await rejectsWithStatus(chat("no-such-model", "Hello"), 404, /no-such-model/);
});

forEach(CHAT_VARIABLES, "a provider's failure keeps its status", async (model) => {
  await rejectsWithStatus(chat(model, "be limited"), 429, /./);
  await rejectsWithStatus(chat(model, "be refused"), 400, /refused this prompt/);
  await rejectsWithStatus(chat(model, "be refused", { stream: true }), 400, /refused this prompt/);
});

const cut = "a stream that was cut is an error";
forEach(
  CHAT_VARIABLES,
  cut,
  async (model) => assert.rejects(async () => collect(await chat(model, "be cut", { stream: true }))),
  throughRelay,
);

test("a relay with keys refuses a wrong one", withKeys, async () => {
  const model = process.env.MODEL_OPENAI;
  const keyed = (key) => client(RELAY_KEYS_URL, { headers: { authorization: `Bearer ${key}` } });
  await rejectsWithStatus(chat(model, "Hello", {}, keyed("sk-relay-wrong")), 401, /./);
  const answer = await chat(model, "Hello", {}, keyed(RELAY_KEY));
  assert.equal(answer.message.content, "You said: Hello");
});

forEach(CHAT_VARIABLES, "a client that waits too long gives up", async (model) => {
  const impatient = client(RELAY_URL, {
    fetch: (address, settings) => fetch(address, { ...settings, signal: AbortSignal.timeout(300) }),
  });
  await assert.rejects(chat(model, "be slow", {}, impatient), { name: "TimeoutError" });
});

const leaves = "leaving in mid stream ends the provider's call";
forEach(
  CHAT_VARIABLES,
  leaves,
  async (model) => {
    const stream = await chat(model, "be slow", { stream: true });
    await assertHungUp(model, async () => {
      for await (const part of stream) {
        if (part.message.content) {
          assert.equal(part.message.content, "Wait");
          break;
        }
      }
      stream.abort();
    });
  },
  throughRelay,
);
