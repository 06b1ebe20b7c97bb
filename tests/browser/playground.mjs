// The playground: both protocols, streamed or not, one model or two, and what the bill says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeProvider, finish, logIn, picture, serve, startRelay, until } from './harness.mjs';

const words = ['The', ' sky', ' scatters', ' <b>blue</b>', ' light.'];
const fake = await fakeProvider({ words, pace: 30 });
const slow = await fakeProvider({ models: ['endless'], words: Array(500).fill('again '), pace: 50 });
const deep = await serve((request, body, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const event = (delta, finish_reason = null) => response.write(`data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: body.model, choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  event({ role: 'assistant', reasoning_content: 'Let me see.' });
  event({ content: 'Forty-two.' });
  event({}, 'stop');
  response.end('data: [DONE]\n\n');
});
const relay = await startRelay({
  yaml: `aliases: { fast: openai/gpt-4o-mini }
providers:
  openai: { base_url: "${fake.url}", api_key: k, models: [gpt-4o-mini, gpt-4o] }
  deep: { protocol: openai, base_url: "${deep}/v1", models: [thinker] }
  slow: { protocol: openai, base_url: "${slow.url}", models: [endless] }
routers:
  smart: { designator: openai/gpt-4o, candidates: [openai/gpt-4o-mini, openai/gpt-4o], fallback: openai/gpt-4o-mini }
`,
  env: { AUTH_MODE: 'keys', KEEP_PROMPTS: 'all' },
});
const PICTURE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const answer = (page) => page.locator('li.assistant').last();
const fact = (page, name) => answer(page).locator('dl > div').filter({ has: page.getByText(name, { exact: true }) }).locator('dd');

async function ask(page, text) {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Control+Enter');
}

test('a model is asked over both protocols, streamed or not, and what it took is shown', async () => {
  const page = await logIn(relay, '/playground?model=fast');
  assert.equal(await page.getByLabel('Model', { exact: true }).inputValue(), 'fast');
  for (const protocol of ['openai', 'ollama']) {
    await page.getByLabel('Protocol').selectOption(protocol);
    for (const isStreamed of [true, false]) {
      await page.getByLabel('Stream').setChecked(isStreamed);
      await ask(page, 'Why is the sky blue?');
      await answer(page).getByText('The sky scatters <b>blue</b> light.').waitFor();
      await fact(page, 'Cost').waitFor();
      assert.match(await fact(page, 'Tokens').textContent(), /^11 in, 5 out/);
      assert.equal(await fact(page, 'Model').textContent(), 'openai/gpt-4o-mini');
      // 11 × 0.15 + 5 × 0.6 micro-USD, by the built-in price.
      assert.equal(await fact(page, 'Cost').textContent(), '$0.00000465');
      assert.match(await fact(page, 'Resolved by').textContent(), /alias:fast/);
      assert.equal(await fact(page, 'First token').count(), isStreamed ? 1 : 0);
      const address = await answer(page).getByRole('link', { name: 'Its request' }).getAttribute('href');
      const { record } = await relay.ask('GET', address.replace('/requests/', 'requests/'));
      assert.deepEqual([record.tags, record.client_protocol, record.stream], [['playground'], protocol, isStreamed]);
    }
  }
  // Each answer went along with the next question.
  assert.equal(fake.requests.at(-1).messages.length, 7);
  assert.match(page.url(), /model=fast&protocol=ollama&stream=0/);
  await answer(page).getByRole('button', { name: 'Copy as curl' }).click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(command.includes(`${relay.api}/api/chat`) && command.includes('$RELAY_KEY'), command);
  await picture(page, 'playground');
  await page.getByRole('button', { name: 'New conversation' }).click();
  assert.equal(await page.locator('li.assistant').count(), 0);
  await finish(page);
});

test('parameters, pictures and a system prompt are sent as the protocol has them', async () => {
  const page = await logIn(relay, '/playground?model=openai%2Fgpt-4o');
  await page.getByLabel('System prompt').fill('Be brief.');
  await page.getByLabel('Temperature').fill('0.5');
  await page.getByLabel('Max tokens').fill('50');
  await page.getByLabel('Answer in JSON').check();
  await page.getByLabel('More fields').fill('{"stop": ["END"]}');
  await page.getByLabel('Add pictures').setInputFiles({ name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(PICTURE, 'base64') });
  await page.getByRole('img', { name: 'Picture to be sent' }).waitFor();
  await ask(page, 'What is this?');
  await fact(page, 'Tokens').waitFor();
  const sent = fake.requests.at(-1);
  assert.deepEqual(
    [sent.messages[0], sent.temperature, sent.response_format, sent.stop],
    [{ role: 'system', content: 'Be brief.' }, 0.5, { type: 'json_object' }, ['END']],
  );
  assert.equal(sent.max_tokens ?? sent.max_completion_tokens, 50);
  assert.equal(sent.messages[1].content[1].image_url.url, `data:image/png;base64,${PICTURE}`);
  await page.getByRole('link', { name: 'Its request' }).waitFor();
  const request = (await page.getByRole('link', { name: 'Its request' }).getAttribute('href')).split('/').pop();

  // Everything comes back from the kept body.
  await page.goto(`/playground?request=${request}`);
  await page.getByText('Filled in from a kept request').waitFor();
  assert.equal(await page.getByLabel('System prompt').inputValue(), 'Be brief.');
  assert.equal(await page.getByLabel('Message', { exact: true }).inputValue(), 'What is this?');
  assert.equal(await page.getByLabel('Max tokens').inputValue(), '50');
  assert.match(await page.getByLabel('More fields').inputValue(), /END/);
  assert.ok(await page.getByLabel('Answer in JSON').isChecked());
  await page.getByRole('img', { name: 'Picture to be sent' }).waitFor();
  await picture(page, 'playground-filled');

  await page.getByLabel('Protocol').selectOption('ollama');
  await page.getByRole('button', { name: 'Remove the picture' }).click();
  await page.getByLabel('Message', { exact: true }).evaluate((field, data) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([Uint8Array.from(atob(data), (character) => character.charCodeAt(0))], 'dot.png', { type: 'image/png' }));
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, PICTURE);
  await page.getByRole('img', { name: 'Picture to be sent' }).waitFor();
  await ask(page, 'And this?');
  await fact(page, 'Tokens').waitFor();
  const pasted = fake.requests.at(-1).messages.at(-1).content.find(({ type }) => type === 'image_url');
  assert.equal(pasted.image_url.url, `data:image/png;base64,${PICTURE}`);
  await finish(page);
});

test('thinking is told apart, and a router says what it chose and why', async () => {
  const page = await logIn(relay, '/playground?model=deep%2Fthinker');
  await ask(page, 'What is it?');
  await answer(page).getByText('Forty-two.').waitFor();
  await answer(page).getByText('Thinking', { exact: true }).click();
  await answer(page).getByText('Let me see.').waitFor();
  await page.getByLabel('Model', { exact: true }).fill('smart');
  await ask(page, 'Choose');
  await until(async () => /^smart: .+, openai\/gpt-4o-mini$/.test(await fact(page, 'Router').textContent()));
  await picture(page, 'playground-router');
  await finish(page);
});

test('two models answer side by side, an error shows as clients see it, and one can be stopped', async () => {
  const page = await logIn(relay, '/playground?model=fast&model2=slow%2Fendless');
  const sides = page.locator('.conversation');
  await ask(page, 'Compare');
  await sides.nth(0).getByText('light.').waitFor();
  await sides.nth(1).getByText('again again').waitFor();
  await sides.nth(1).getByRole('button', { name: 'Stop the second model' }).click();
  await sides.nth(1).getByText('Stopped.').waitFor();
  const list = await until(async () => {
    const { requests } = await relay.ask('GET', 'requests?tag=playground&error=client_closed');
    return requests.length === 1 && requests;
  });
  assert.equal(list[0].model, 'endless');
  await page.getByLabel('Second model', { exact: true }).fill('nobody');
  await ask(page, 'Again');
  await sides.nth(1).getByText('404 Not Found').waitFor();
  await sides.nth(1).getByText(/"message":\s*"model 'nobody' not found/).waitFor();
  await fact(page, 'Cost').or(sides.nth(0).locator('dl').last()).first().waitFor();
  await picture(page, 'playground-two');
  await page.getByRole('button', { name: 'Compare two' }).click();
  assert.equal(await sides.count(), 1);
  await finish(page);
});
