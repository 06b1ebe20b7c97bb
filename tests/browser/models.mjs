// The catalogue: found, looked at, edited in place, hidden, switched off, compared with a price list.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAccess, fakeProvider, finish, focused, logIn, picture, serve, startRelay, until } from './harness.mjs';

const NASTY = '<img src=x onerror=alert(1)>';
const MANY = 2000;

const lab = await fakeProvider({ models: ['gpt-4o-mini', 'gpt-4o', NASTY] });
const farm = await fakeProvider({ models: Array.from({ length: MANY }, (_, at) => `org-${at % 40}/model-${String(at).padStart(4, '0')}:7b`) });
const row = (input, output, more = {}) => ({ litellm_provider: 'openai', mode: 'chat', input_cost_per_token: input, output_cost_per_token: output, ...more });
const PRICES = {
  sample_spec: { mode: 'one of these' },
  'gpt-4o-mini': row(2e-7, 6e-7, { cache_read_input_token_cost: 7.5e-8, max_input_tokens: 200000, max_output_tokens: 16384 }),
  'gpt-4o': row(2.5, 1e-5),
  'gpt-4.1': row(0, 0),
};
const prices = await serve((request, body, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(PRICES));
});
const yaml = (more = '') => `providers:
  openai: { base_url: "${lab.url}", api_key: k }
  farm: { protocol: openai, base_url: "${farm.url}" }
${more}aliases: { fast: openai/gpt-4o-mini }
`;
const relay = await startRelay({ yaml: yaml(), env: { PRICE_LIST_URL: `${prices}/prices.json` } });
await until(async () => (await relay.ask('GET', 'models?provider=farm')).total === MANY);
const mini = 'models/openai%2Fgpt-4o-mini';
const inForce = () => relay.ask('GET', mini);

test('2,000 models are searched as one types, and the address keeps the filters', async () => {
  const page = await logIn(relay, '/models');
  await page.getByText(/^2,0\d\d models/).waitFor();
  assert.equal(await page.locator('tbody tr:not(.group)').count(), 100);
  await page.getByRole('link', { name: 'Next →' }).click();
  await page.getByRole('link', { name: 'First' }).waitFor();
  await page.getByRole('searchbox', { name: 'Name' }).fill('0042');
  await page.getByText('1 model.').waitFor();
  assert.equal(new URL(page.url()).search, '?q=0042');
  await page.goto('/models?provider=openai');
  await page.getByText('More filters').click();
  await page.getByLabel('sees images').check();
  await until(() => new URL(page.url()).search.includes('is=vision'));
  await page.getByRole('link', { name: 'gpt-4o-mini' }).waitFor();
  await page.reload();
  assert.equal(await page.getByLabel('sees images').isChecked(), true);
  await page.getByRole('searchbox', { name: 'Name' }).fill('nothing like it');
  await page.getByText('No model is like this.').waitFor();
  await page.goto('/models?q=onerror');
  await page.getByRole('link', { name: NASTY }).click();
  await page.getByRole('heading', { name: NASTY }).waitFor();
  await picture(page, 'model-unknown');
  const answer = await page.goto('/models?is=clever');
  assert.equal(answer.status(), 400);
  await page.getByRole('alert').waitFor();
  page.wrong = page.wrong.filter((text) => !text.includes('400 (Bad Request)'));
  await finish(page);
});

test('a model is edited in place, and each change can be undone', async () => {
  await relay.chat('openai/gpt-4o-mini');
  await until(async () => (await inForce()).use?.requests === 1);
  const page = await logIn(relay, '/models/openai/gpt-4o-mini');
  await page.getByRole('link', { name: 'fast' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Make an alias' }).first().getAttribute('href'), '/aliases?new=&target=openai%2Fgpt%2D4o%2Dmini');
  await page.getByRole('button', { name: 'Edit' }).click();
  const input = page.getByLabel('input', { exact: true }).first();
  assert.equal(await input.inputValue(), '0.15');
  await input.fill('cheap');
  await page.getByText('Dollars as digits with a point').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Save' }).isDisabled(), true);
  await input.fill('0.1234567');
  await page.getByText('is not a decimal number').waitFor();
  await input.fill('0.123456');
  await page.getByLabel('Context', { exact: true }).fill('64000');
  await until(async () => !(await page.getByRole('button', { name: 'Save' }).isDisabled()));
  await picture(page, 'model-edit');
  await page.getByLabel('Context', { exact: true }).press('Enter');
  await page.getByText('openai/gpt-4o-mini saved.').waitFor();
  const saved = await inForce();
  assert.deepEqual([saved.price.input, saved.price.output, saved.context_length], ['0.123456', '0.6', 64000]);
  assert.deepEqual(Object.keys(saved.override.model).sort(), ['context_length', 'price'], 'what was left as it was is not said');
  await page.getByText('64,000 tokens').waitFor();
  // A message stays while the keyboard is in it, however long the pictures take.
  await page.getByRole('button', { name: 'Undo' }).focus();
  await picture(page, 'model');
  await page.getByRole('button', { name: 'Undo' }).click();
  await until(async () => (await inForce()).override === null);
  await page.getByText('changed here', { exact: true }).waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Hide from lists' }).click();
  await page.getByRole('button', { name: 'Show in lists' }).waitFor();
  const listed = async () => (await (await fetch(`${relay.api}/v1/models`)).json()).data.some(({ id }) => id === 'openai/gpt-4o-mini');
  assert.equal(await listed(), false);
  assert.equal((await relay.chat('openai/gpt-4o-mini')).status, 200);
  await page.getByRole('button', { name: 'Switch off' }).click();
  await page.getByRole('button', { name: 'Switch on' }).waitFor();
  assert.equal((await relay.chat('openai/gpt-4o-mini')).status, 404);
  await page.getByRole('button', { name: 'Switch on' }).click();
  await page.getByRole('button', { name: 'Switch off' }).waitFor();
  await page.getByRole('button', { name: 'Reset' }).click();
  await page.getByRole('button', { name: 'Hide from lists' }).waitFor();
  assert.equal(await listed(), true);
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await page.getByRole('button', { name: 'Show in lists' }).waitFor();
  await page.getByRole('button', { name: 'Reset' }).click();
  await page.getByRole('button', { name: 'Hide from lists' }).waitFor();
  assert.equal((await inForce()).override, null);

  // Without a mouse: Escape leaves the form and goes back to where it was opened.
  await page.getByRole('button', { name: 'Edit' }).focus();
  await page.keyboard.press('Enter');
  await focused(page.locator('[name=context_length]'));
  await page.keyboard.type('1');
  await page.keyboard.press('Escape');
  await focused(page.locator('#edit'));
  await finish(page);
});

test('two who edit the same model do not overwrite each other', async () => {
  const page = await logIn(relay, '/models/openai/gpt-4o-mini');
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Context', { exact: true }).fill('64000');
  await relay.ask('PUT', mini, { max_output: 100 });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/Somebody has changed what is said of openai\/gpt-4o-mini meanwhile.*Theirs: context: nothing; longest answer: 100/).waitFor();
  assert.deepEqual((await inForce()).override.model, { max_output: 100 });
  assert.equal(await page.getByLabel('Context', { exact: true }).inputValue(), '64000');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('openai/gpt-4o-mini saved.').waitFor();
  assert.deepEqual((await inForce()).override.model, { context_length: 64000 });
  // A button is about what is shown, which is made anew.
  await relay.ask('PUT', mini, { max_output: 200 }, { 'if-match': '*' });
  await page.getByRole('button', { name: 'Hide from lists' }).click();
  await page.getByText('It is shown as it is now').waitFor();
  assert.deepEqual((await inForce()).override.model, { max_output: 200 });
  await page.getByRole('button', { name: 'Hide from lists' }).click();
  await until(async () => (await inForce()).override.model.hidden === true);
  await relay.ask('DELETE', mini, undefined, { 'if-match': '*' });
  await finish(page);
});

test('a price list is compared, and what was chosen applies and can be taken back', async () => {
  const page = await logIn(relay, '/models');
  await page.getByRole('link', { name: 'Sync prices…' }).click();
  await page.getByRole('button', { name: 'Compare now' }).click();
  const change = page.getByRole('checkbox', { name: 'openai/gpt-4o-mini, price' });
  await change.waitFor();
  assert.equal(await change.isChecked(), true);
  await page.getByText('+33.3 %').waitFor();
  // The list has a mistake, and one for nothing: neither is chosen by itself.
  await page.getByText('is no price').waitFor();
  await page.getByText('would be free').waitFor();
  assert.equal(await page.getByRole('checkbox', { name: 'openai/gpt-4.1, price' }).isChecked(), false);
  await picture(page, 'models-sync');
  await page.getByRole('checkbox', { name: 'openai/gpt-4o-mini, context length' }).uncheck();
  await page.getByRole('button', { name: 'Apply 1 change' }).click();
  await page.getByText('1 model changed.').waitFor();
  let now = await inForce();
  assert.deepEqual([now.price.input, now.context_length], ['0.2', 128000]);
  assert.match(now.price_source, /^litellm 20/);
  // The line that was left can be applied after it.
  await page.getByRole('checkbox', { name: 'openai/gpt-4o-mini, context length' }).check();
  await page.getByRole('button', { name: 'Apply 1 change' }).click();
  await until(async () => (await inForce()).context_length === 200000);
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await until(async () => (await inForce()).context_length === 128000);
  now = await inForce();
  assert.equal(now.price.input, '0.2');
  await page.goto('/models/openai/gpt-4o-mini');
  await page.getByText(/^litellm 20/).first().waitFor();
  await page.getByRole('heading', { name: 'Prices so far' }).waitFor();
  await picture(page, 'model-priced');
  await finish(page);
});

test('without a way out a file does, and what is no list is told of', async () => {
  const alone = await startRelay({ yaml: `providers:\n  openai: { base_url: "${lab.url}", api_key: k }\n`, env: { PRICE_LIST_URL: 'http://127.0.0.1:9/prices.json' } });
  const page = await logIn(alone, '/models/sync');
  await page.getByRole('button', { name: 'Compare now' }).click();
  await page.getByText(/127\.0\.0\.1:9\/prices\.json cannot be fetched/).waitFor();
  await page.getByRole('button', { name: 'Use a file instead' }).click();
  await picture(page, 'models-sync-alone');
  await page.getByLabel('or its text').fill('{');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await page.getByText('That is no JSON').waitFor();
  await page.getByLabel('File').setInputFiles({ name: 'prices.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(PRICES)) });
  await until(async () => (await page.getByLabel('or its text').inputValue()).includes('sample_spec'));
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await page.getByRole('checkbox', { name: 'openai/gpt-4o-mini, price' }).waitFor();
  await finish(page);
});

test('the pages look right', async () => {
  await relay.ask('PUT', 'models/openai%2Fgpt-4o', { hidden: true });
  await relay.ask('PUT', 'models/openai%2Fgpt-4.1', { disabled: true });
  const page = await logIn(relay, '/models?provider=openai');
  await picture(page, 'models');
  await page.goto('/models?all=true&q=claude');
  await checkAccess(page);
  const sizes = [];
  page.on('response', async (answer) => { sizes.push((await answer.body().catch(() => Buffer.alloc(0))).length); });
  await page.goto('/models');
  await page.waitForLoadState('networkidle');
  assert.ok(sizes[0] < 120_000, `the page has ${sizes[0]} bytes`);
  const empty = await startRelay();
  const nobody = await logIn(empty, '/models');
  await nobody.getByText('No provider can be called yet').waitFor();
  await picture(nobody, 'models-empty');
  await finish(nobody);
  await finish(page);
});
