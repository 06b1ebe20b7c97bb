// The first hour of an operator: from nothing to an answer, its price, a name for it, and a restart that loses nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAccess, fakeProvider, finish, logIn, picture, startRelay, until } from './harness.mjs';

test('from nothing to an answer whose price can be read, and a name that outlives a crash', async () => {
  const fake = await fakeProvider();
  const relay = await startRelay();
  const page = await logIn(relay);

  // The guide leads to the providers.
  await page.getByRole('heading', { name: 'To the first answer' }).waitFor();
  await page.locator('.guide').getByRole('link', { name: /provider/i }).first().click();
  await page.waitForURL('**/providers**');
  if (!(await page.getByLabel('What is it?').isVisible())) await page.getByRole('button', { name: 'Add a provider' }).click();
  await page.getByLabel('What is it?').selectOption('+openai');
  await page.getByLabel('Id', { exact: true }).fill('lab');
  await page.getByLabel('Base URL').fill(fake.url);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('lab is ready to be called.').waitFor();
  await until(async () => (await relay.ask('GET', 'models?q=lab/gpt-4o-mini')).models.length === 1);
  await relay.ask('PUT', 'models/lab%2Fgpt-4o-mini', { price: { input: 2, output: 10 } });

  // The first answer, from the playground.
  await page.goto('/playground?model=lab/gpt-4o-mini');
  await page.getByLabel('Message').fill('Hello');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Hello from the fake.').waitFor();
  await page.getByRole('link', { name: 'Its request' }).click();

  // 11 tokens at 2 and 4 at 10 dollars a million.
  await page.getByRole('heading', { name: 'Price', exact: true }).waitFor();
  await page.getByText('$0.000062').first().waitFor();
  await checkAccess(page);

  // A name for it.
  await page.getByRole('link', { name: 'Make an alias from this' }).click();
  await page.locator('#editor').getByLabel('Name', { exact: true }).fill('fast');
  assert.equal(await page.locator('#editor').getByLabel('Target', { exact: true }).inputValue(), 'lab/gpt-4o-mini');
  await page.locator('#editor').getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('#toasts').getByText('Created: alias fast.').waitFor();
  assert.equal((await relay.chat('fast', { headers: { 'x-proxy-tag': 'team-a' } })).status, 200);

  // Killed at once: nothing of it is lost.
  await relay.kill();
  relay.rewrite('aliases:\n  house: fast\n');
  await relay.start();
  assert.equal((await relay.chat('fast', { headers: { 'x-proxy-tag': 'team-a' } })).headers.get('x-llm-relay-model'), 'gpt-4o-mini');
  await page.goto('/aliases');
  await page.getByRole('heading', { name: 'fast', exact: true }).waitFor();
  // The file is read again while the page is open.
  relay.rewrite('aliases:\n  house: fast\n  cottage: fast\n');
  await until(async () => (await relay.chat('cottage')).status === 200);
  await page.reload();
  await page.getByRole('heading', { name: 'cottage', exact: true }).waitFor();
  await page.getByRole('heading', { name: 'fast', exact: true }).waitFor();

  // Who spent what: two requests of the team, by the palette.
  await page.keyboard.press('Control+k');
  await page.keyboard.type('usage');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/usage');
  await until(async () => (await relay.ask('GET', 'usage?period=24h&tag=team-a')).total.requests === 2);
  assert.equal((await relay.ask('GET', 'usage?period=24h&tag=team-a')).total.cost_nano_usd, 2 * 62_000);
  await page.goto('/usage?period=24h&by=model&tag=team-a');
  assert.match(await page.getByRole('row', { name: /^lab\/gpt-4o-mini/ }).first().textContent(), /\$0\.0001/);
  await page.goto('/requests?tag=team-a');
  assert.equal(await page.locator('tbody tr').count(), 2);
  await picture(page, 'requests-of-a-team');
  await finish(page);
});
