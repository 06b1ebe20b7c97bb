// The official OpenAI client for JavaScript, against a relay with a provider of every wire format behind it.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

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
  THINKING_TOKENS,
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

function client(settings = {}) {
  return new OpenAI({ baseURL: `${RELAY_URL}/v1`, apiKey: "unused", maxRetries: 0, timeout: 30_000, ...settings });
}

function chat(model, text, settings = {}, connection = client()) {
  return connection.chat.completions.create({ model, messages: [user(text)], ...settings });
}

// The reasoning beside an answer, under either of the names that OpenAI-compatible servers use.
function reasoning(message) {
  return message.reasoning_content ?? message.reasoning ?? "";
}

function assertUsage(usage) {
  assert.equal(usage.prompt_tokens, PROMPT_TOKENS);
  assert.equal(usage.completion_tokens, ANSWER_TOKENS);
  assert.equal(usage.total_tokens, PROMPT_TOKENS + ANSWER_TOKENS);
}

forEach(CHAT_VARIABLES, "a chat is answered with its usage", async (model) => {
  const answer = await chat(model, "Hello there");
  assert.equal(answer.choices[0].message.content, "You said: Hello there");
  assert.equal(answer.choices[0].message.role, "assistant");
  assert.equal(answer.choices[0].finish_reason, "stop");
  assertUsage(answer.usage);
});

forEach(CHAT_VARIABLES, "a stream arrives in pieces and ends with its usage", async (model) => {
  const stream = await chat(model, "Hello there", { stream: true, stream_options: { include_usage: true } });
  const chunks = await collect(stream);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const pieces = choices.map((choice) => choice.delta.content).filter(Boolean);
  assert.equal(pieces.join(""), "You said: Hello there");
  assert.ok(pieces.length > 1);
  assert.deepEqual(choices.map((choice) => choice.finish_reason).filter(Boolean), ["stop"]);
  assert.deepEqual(chunks.at(-1).choices, []);
  assertUsage(chunks.at(-1).usage);
});

forEach(CHAT_VARIABLES, "usage is kept from a stream that did not ask", async (model) => {
  const chunks = await collect(await chat(model, "Hello", { stream: true }));
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
});

forEach(CHAT_VARIABLES, "an image reaches the model", async (model) => {
  const content = [
    { type: "text", text: "What is in this image" },
    { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
  ];
  const answer = await client().chat.completions.create({ model, messages: [{ role: "user", content }] });
  assert.equal(answer.choices[0].message.content, "I see 1 images: image/png");
});

forEach(THINKING_VARIABLES, "reasoning is kept apart from the answer", async (model) => {
  const answer = await chat(model, "think hard", { reasoning_effort: "low" });
  assert.equal(answer.choices[0].message.content, "It is forty two");
  assert.equal(reasoning(answer.choices[0].message), "Let me think about it");
  assert.equal(answer.usage.completion_tokens, ANSWER_TOKENS + THINKING_TOKENS);
});

forEach(THINKING_VARIABLES, "reasoning streams before the answer", async (model) => {
  const chunks = await collect(await chat(model, "think hard", { reasoning_effort: "low", stream: true }));
  const deltas = chunks.map((chunk) => chunk.choices[0].delta);
  assert.equal(deltas.map(reasoning).join(""), "Let me think about it");
  assert.equal(deltas.map((delta) => delta.content ?? "").join(""), "It is forty two");
  const lastThought = deltas.findLastIndex((delta) => reasoning(delta));
  assert.ok(lastThought < deltas.findIndex((delta) => delta.content));
});

forEach(CHAT_VARIABLES, "a structured answer keeps to its schema", async (model) => {
  const response_format = { type: "json_schema", json_schema: { name: "city", strict: true, schema: CITY_SCHEMA } };
  const answer = await client().chat.completions.parse({
    model,
    messages: [user("Paris as json")],
    response_format,
  });
  assert.deepEqual(JSON.parse(answer.choices[0].message.content), CITY);
});

forEach(CHAT_VARIABLES, "a tool is called and its result is used", async (model) => {
  const question = [user("Use the tool")];
  const tools = [WEATHER_TOOL];
  const asked = await client().chat.completions.create({ model, messages: question, tools });
  assert.equal(asked.choices[0].finish_reason, "tool_calls");
  const { message } = asked.choices[0];
  const [call] = message.tool_calls;
  assert.equal(call.function.name, "get_weather");
  assert.deepEqual(JSON.parse(call.function.arguments), TOOL_ARGUMENTS);
  const messages = [...question, message, { role: "tool", tool_call_id: call.id, content: "21 degrees" }];
  const answer = await client().chat.completions.create({ model, messages, tools });
  assert.equal(answer.choices[0].message.content, "The tool said 21 degrees");
});

forEach(CHAT_VARIABLES, "a streamed tool call is run by the client's own runner", async (model) => {
  const asked = [];
  const weather = {
    type: "function",
    function: {
      ...WEATHER_TOOL.function,
      parse: JSON.parse,
      function: (parameters) => {
        asked.push(parameters);
        return "21 degrees";
      },
    },
  };
  const messages = [user("Use the tool")];
  const runner = client().chat.completions.runTools({ model, messages, tools: [weather], stream: true });
  assert.equal(await runner.finalContent(), "The tool said 21 degrees");
  assert.deepEqual(asked, [TOOL_ARGUMENTS]);
});

// This client asks for base64 unless told otherwise and decodes whatever comes as base64.
forEach(EMBEDDING_VARIABLES, "vectors arrive in order in the form the client prefers", async (model) => {
  const answer = await client().embeddings.create({ model, input: ["first", "second"] });
  assertVectors(answer.data.map((entry) => entry.embedding));
});

forEach(EMBEDDING_VARIABLES, "vectors arrive as numbers when asked for", async (model) => {
  const answer = await client().embeddings.create({ model, input: ["first", "second"], encoding_format: "float" });
  assertVectors(answer.data.map((entry) => entry.embedding));
});

forEach([...CHAT_VARIABLES, ...EMBEDDING_VARIABLES], "every model is listed", async (model) => {
  const listed = await collect(await client().models.list());
  assert.ok(listed.some((entry) => entry.id === model));
});

const retrieves = "one model is retrieved by its name with a slash";
forEach(
  CHAT_VARIABLES,
  retrieves,
  async (model) => assert.equal((await client().models.retrieve(model)).id, model),
  throughRelay,
);

test("an unknown model is not found", async () => {
  await assert.rejects(chat("no-such-model", "Hello"), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.match(error.message, /no-such-model/);
    return true;
  });
});

forEach(CHAT_VARIABLES, "a provider's rate limit keeps its status and its wait", async (model) => {
  await assert.rejects(chat(model, "be limited"), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError);
    assert.equal(error.headers.get("retry-after"), "30");
    return true;
  });
});

forEach(CHAT_VARIABLES, "a provider's refusal keeps its words", async (model) => {
  for (const stream of [false, true]) {
    await assert.rejects(chat(model, "be refused", { stream }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.match(error.message, /refused this prompt/);
      return true;
    });
  }
});

forEach(CHAT_VARIABLES, "a broken provider is a server error", async (model) => {
  await assert.rejects(chat(model, "be broken"), OpenAI.InternalServerError);
});

const cut = "a stream that was cut is an error";
forEach(
  CHAT_VARIABLES,
  cut,
  async (model) => assert.rejects(async () => collect(await chat(model, "be cut", { stream: true })), OpenAI.APIError),
  throughRelay,
);

test("a relay with keys refuses a wrong one", withKeys, async () => {
  const model = process.env.MODEL_OPENAI;
  const baseURL = `${RELAY_KEYS_URL}/v1`;
  const wrong = client({ baseURL, apiKey: "sk-relay-wrong" });
  await assert.rejects(chat(model, "Hello", {}, wrong), OpenAI.AuthenticationError);
  const answer = await chat(model, "Hello", {}, client({ baseURL, apiKey: RELAY_KEY }));
  assert.equal(answer.choices[0].message.content, "You said: Hello");
});

forEach(CHAT_VARIABLES, "a client that waits too long gives up", async (model) => {
  await assert.rejects(chat(model, "be slow", {}, client({ timeout: 300 })), OpenAI.APIConnectionTimeoutError);
});

const leaves = "leaving in mid stream ends the provider's call";
forEach(
  CHAT_VARIABLES,
  leaves,
  async (model) => {
    const stream = await chat(model, "be slow", { stream: true });
    await assertHungUp(model, async () => {
      for await (const chunk of stream) {
        if (chunk.choices[0].delta.content) {
          assert.equal(chunk.choices[0].delta.content, "Wait");
          // Leaving the loop aborts the request.
          break;
        }
      }
    });
  },
  throughRelay,
);
