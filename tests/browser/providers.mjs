// Providers and Ollama instances, as operators meet them: added, tried out, changed, switched off, deleted and brought
// back; models pulled with their progress, unloaded and deleted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAccess, fakeProvider, finish, focused, logIn, picture, serve, startRelay, until } from './harness.mjs';

const KEY = 'sk-browser-secret-123456';
const fake = await fakeProvider({ key: KEY, pace: 20 });
const relay = await startRelay({
  yaml: `providers:\n  house: { protocol: openai, base_url: "${fake.url}", models: [gpt-4o-mini] }\n`,
  env: { MISTRAL_API_KEY: 'mistral-secret-000', MISTRAL_BASE_URL: fake.url },
});

const card = (page, name) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: new RegExp(`^${name} `) }) });

test('a server of one’s own is added with the keyboard, called, tried out, changed and switched off', async () => {
  const page = await logIn(relay, '/providers');
  await page.getByRole('button', { name: 'Add a provider' }).focus();
  await page.keyboard.press('Enter');
  await focused(page.getByLabel('What is it?'));
  await page.getByLabel('What is it?').selectOption('+openai');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('Give it an id, like lab.').waitFor();
  await page.getByLabel('Id', { exact: true }).fill('2nd lab');
  await page.getByLabel('Base URL').fill('ftp://gpu-box');
  await page.getByText('`ftp` is not a scheme we speak').waitFor();
  await page.getByText('a provider\'s id is a letter').waitFor();
  await picture(page, 'providers-add');
  await page.getByLabel('Id', { exact: true }).fill('lab');
  await page.getByLabel('Base URL').fill(fake.url);
  await page.getByLabel('API key').fill(KEY);
  await page.keyboard.press('Enter');
  await page.getByText('lab is ready to be called.').waitFor();
  assert.equal((await relay.chat('lab/gpt-4o')).status, 200);
  const lab = card(page, 'lab');
  await lab.getByText('ends with …3456').waitFor();

  await lab.getByRole('button', { name: 'Test lab' }).click();
  await focused(lab.getByLabel('Model', { exact: true }));
  await page.keyboard.press('Enter');
  await lab.getByText('It works').waitFor();
  await lab.getByText('Hello from the fake.').waitFor();
  await lab.getByText('11 tokens in · 4 out').waitFor();
  await lab.getByText('Answered with status 200').waitFor();
  await picture(page, 'providers-test');
  const record = await lab.getByRole('link', { name: 'Its record' }).getAttribute('href');
  await until(async () => (await relay.ask('GET', 'requests?tag=provider-test')).requests.some(({ id }) => record.endsWith(id)));

  await lab.getByRole('button', { name: 'Models of lab' }).click();
  await lab.getByText('It has 2 models').waitFor();
  await checkAccess(page);

  // A wrong key: the test says so. Undone, the right one is back.
  await lab.getByRole('button', { name: 'Edit lab' }).click();
  await focused(lab.getByLabel('Base URL'));
  await page.keyboard.press('Escape');
  await focused(lab.getByRole('button', { name: 'Edit lab' }));
  await page.keyboard.press('Enter');
  await lab.getByLabel('API key').fill('sk-wrong-key-000000');
  await picture(page, 'providers-edit');
  await page.keyboard.press('Enter');
  await page.getByText('Saved.').waitFor();
  await lab.getByRole('button', { name: 'Test lab' }).click();
  await lab.getByRole('button', { name: 'Call it' }).click();
  await lab.getByText('The key is not accepted').waitFor();
  // A message stays while the keyboard is in it, however long the pictures take.
  const back = page.locator('.toast', { hasText: 'Saved.' }).getByRole('button', { name: 'Undo' });
  await back.focus();
  await picture(page, 'providers-wrong-key');
  await back.click();
  await until(async () => (await relay.chat('lab/gpt-4o')).status === 200);
  // The page follows a moment after; who edits what it showed before is told that it has changed.
  await lab.getByText('ends with …3456').waitFor();

  await lab.getByRole('switch').click();
  await lab.getByText('switched off').waitFor();
  const off = await relay.chat('lab/gpt-4o');
  assert.match(off.body.error.message, /provider `lab` is switched off/);
  await focused(lab.getByRole('switch'));
  await page.keyboard.press('Space');
  await until(async () => (await relay.chat('lab/gpt-4o')).status === 200);
  await lab.getByText('switched off').waitFor({ state: 'detached' });

  // After an undo nothing acts on what the page showed before, until it shows what there is.
  let letGo;
  let asked = 0;
  const held = new Promise((resolve) => { letGo = resolve; });
  await page.route('**/providers', async (route) => { await held; await route.continue(); });
  page.on('request', (request) => { asked += request.method() === 'PUT' ? 1 : 0; });
  const renewal = page.waitForRequest('**/providers');
  await page.locator('.toast', { hasText: 'lab is switched on' }).getByRole('button', { name: 'Undo' }).click();
  await renewal;
  await lab.getByRole('switch').focus();
  await page.keyboard.press('Space');
  letGo();
  await lab.getByText('switched off').waitFor();
  await page.unroute('**/providers');
  assert.equal(asked, 0, 'the switch was not turned again');
  await focused(lab.getByRole('switch'));
  await page.keyboard.press('Space');
  await lab.getByText('switched off').waitFor({ state: 'detached' });

  await lab.getByRole('button', { name: 'Delete lab' }).click();
  await page.getByText('lab is deleted.').waitFor();
  await lab.waitFor({ state: 'detached' });
  assert.equal((await relay.chat('lab/gpt-4o')).status, 404);
  await page.locator('.toast', { hasText: 'lab is deleted.' }).getByRole('button', { name: 'Undo' }).click();
  await lab.waitFor();
  assert.equal((await relay.chat('lab/gpt-4o')).status, 200);
  assert.ok(!(await page.content()).includes(KEY));
  await finish(page);
});

test('a known vendor needs its key alone, and what is locked says where', async () => {
  const page = await logIn(relay, '/providers');
  await page.getByText('Known vendors without a key').click();
  await page.getByRole('button', { name: 'openai', exact: true }).click();
  assert.equal(await page.getByLabel('What is it?').inputValue(), 'openai');
  await page.getByLabel('API key').fill(KEY);
  await page.keyboard.press('Enter');
  await page.getByText('openai is ready to be called.').waitFor();
  await card(page, 'openai').getByText('https://api.openai.com/v1').waitFor();
  await card(page, 'house').getByText('relay.yaml:2:3 providers.house').waitFor();
  await card(page, 'mistral').getByText('comes from the environment: MISTRAL_API_KEY').waitFor();
  assert.equal(await card(page, 'house').getByRole('button', { name: 'Delete' }).count(), 0);
  await picture(page, 'providers');
  // Nobody else edits it meanwhile, or both are told.
  await card(page, 'openai').getByRole('button', { name: 'Edit openai' }).click();
  await relay.ask('PUT', 'providers/openai', { enabled: false }, { 'if-match': '*' });
  await card(page, 'openai').getByLabel('Base URL').fill('https://proxy.example/v1');
  await card(page, 'openai').getByRole('button', { name: 'Save' }).click();
  await card(page, 'openai').getByText(/Somebody has changed the provider openai meanwhile.*Theirs: base URL: nothing\. Save again/).waitFor();
  await card(page, 'openai').getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const { provider } = await relay.ask('GET', 'providers/openai');
  assert.deepEqual([provider.base_url, provider.enabled], ['https://proxy.example/v1', false], 'what the form does not show is theirs');
  await relay.ask('PUT', 'providers/openai', { base_url: 'https://other.example/v1' }, { 'if-match': '*' });
  await card(page, 'openai').getByRole('switch').click();
  await page.getByText('It is shown as it is now').waitFor();
  await card(page, 'openai').getByText('https://other.example/v1').waitFor();
  await finish(page);
});

/** An Ollama that pulls as slowly as it is let. */
async function fakeOllama() {
  const state = { models: ['qwen3:4b', '<b>odd</b>:1b'], running: ['qwen3:4b'], go: null, isLeft: false };
  const details = { family: 'qwen3', parameter_size: '4B', quantization_level: 'Q4_K_M' };
  const reply = (response, value) => { response.writeHead(200, { 'content-type': 'application/json' }); response.end(JSON.stringify(value)); };
  state.url = await serve(async (request, body, response) => {
    if (request.url === '/api/version') return reply(response, { version: '0.33.0' });
    if (request.url === '/api/tags') return reply(response, { models: state.models.map((name) => ({ name, model: name, size: 2_600_000_000, modified_at: '2026-10-01T00:00:00Z', details })) });
    if (request.url === '/api/ps') return reply(response, { models: state.running.map((name) => ({ name, model: name, size_vram: 3_100_000_000, expires_at: new Date(Date.now() + 300_000).toISOString() })) });
    if (request.url === '/api/generate') { state.running = []; return reply(response, { done: true }); }
    if (request.url === '/api/delete') { state.models = state.models.filter((name) => name !== body.model); return reply(response, {}); }
    if (request.url === '/api/chat') return reply(response, { model: body.model, message: { role: 'assistant', content: 'Hi' }, done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 1 });
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.on('close', () => { state.isLeft = true; });
    const line = (value) => response.write(`${JSON.stringify(value)}\n`);
    line({ status: 'pulling manifest' });
    if (body.model === 'nothing') return response.end(`${JSON.stringify({ error: 'pull model manifest: file does not exist' })}\n`);
    line({ status: 'pulling aaaa', digest: 'sha256:aaaa', total: 1_000_000_000, completed: 420_000_000 });
    await new Promise((resolve) => { state.go = resolve; });
    line({ status: 'pulling aaaa', digest: 'sha256:aaaa', total: 1_000_000_000, completed: 1_000_000_000 });
    state.models.push(body.model);
    response.end(`${JSON.stringify({ status: 'success' })}\n`);
  });
  return state;
}

test('an Ollama instance shows what it has, pulls with progress, unloads and deletes', async () => {
  const ollama = await fakeOllama();
  const home = await startRelay();
  const page = await logIn(home, '/ollama');
  await page.getByText('No Ollama instance is configured').waitFor();
  await picture(page, 'ollama-empty');
  await page.getByRole('link', { name: 'Add one', exact: true }).click();
  await page.getByLabel('Id', { exact: true }).fill('box');
  await page.getByLabel('Base URL').fill(ollama.url);
  await page.keyboard.press('Enter');
  await page.getByText('box is ready to be called.').waitFor();
  await home.ask('PUT', 'providers/dead', { protocol: 'ollama', base_url: 'http://127.0.0.1:9' });
  await page.goto('/ollama');
  const box = card(page, 'box');
  await box.getByText('version 0.33.0').waitFor();
  await card(page, 'dead').getByText('It does not answer').waitFor();
  await box.getByRole('rowheader', { name: '<b>odd</b>:1b' }).waitFor();

  await box.getByLabel('Pull a model').fill('tiny:1b');
  await page.keyboard.press('Enter');
  await box.getByText('420 MB of 1.0 GB (42%)').waitFor();
  await picture(page, 'ollama');
  ollama.go();
  await page.getByText('tiny:1b is installed at box.').waitFor();
  await box.getByRole('rowheader', { name: 'tiny:1b' }).waitFor();
  await until(async () => (await home.chat('tiny:1b')).status === 200);

  ollama.isLeft = false;
  await box.getByLabel('Pull a model').fill('large:70b');
  await page.keyboard.press('Enter');
  await box.getByText('(42%)').waitFor();
  await box.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('The pull was cancelled').waitFor();
  await until(() => ollama.isLeft);

  await box.getByLabel('Pull a model').fill('nothing');
  await page.keyboard.press('Enter');
  await box.getByText('pull model manifest: file does not exist').waitFor();

  await box.getByRole('button', { name: 'Unload qwen3:4b' }).click();
  await box.getByText('In memory').waitFor({ state: 'detached' });
  await box.getByRole('button', { name: 'Delete tiny:1b' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await box.getByRole('rowheader', { name: 'tiny:1b' }).waitFor({ state: 'detached' });
  await checkAccess(page);
  await finish(page);
});
