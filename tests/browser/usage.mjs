// Usage and cost, as somebody who gets the bill looks at them; and the way from nothing to the first answer.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkAccess, fakeProvider, finish, logIn, picture, startRelay, until } from './harness.mjs';

const fake = await fakeProvider();
const YAML = `providers:\n  lab: { protocol: openai, base_url: "${fake.url}", models: [gpt-4o-mini, gpt-4o, brand-new] }\n`;
const PRICES = 'providers:\n  lab:\n    models:\n      gpt-4o-mini: { price: { input: 15, output: 60 } }\n      gpt-4o: { price: { input: 250, output: 1000 } }\n';

/** A relay with prices, and requests of two teams. */
async function withTraffic() {
  const relay = await startRelay({ yaml: YAML });
  writeFileSync(join(relay.folder, 'overrides.yaml'), PRICES);
  await relay.kill();
  await relay.start();
  const ask = async (model, tag, user) => {
    const { status } = await relay.chat(`lab/${model}`, { headers: { 'x-proxy-tag': tag }, user });
    assert.equal(status, 200);
  };
  for (const [model, tag, user] of [
    ['gpt-4o', 'team-a', 'ann'], ['gpt-4o-mini', 'team-a', 'ann'], ['gpt-4o-mini', 'team-b', 'bob'],
    ['gpt-4o', 'team-b, =cmd()', 'bob'], ['brand-new', 'team-c', '<img src=x onerror=alert(1)>'],
  ]) await ask(model, tag, user);
  await until(async () => (await relay.ask('GET', 'usage?period=24h')).total.requests === 5);
  return relay;
}

/** A CSV's lines as objects; cells of the test have no commas and no quotes. */
function lines(csv) {
  const [header, ...rows] = csv.trim().split('\n').map((line) => line.trim().split(','));
  return rows.map((row) => Object.fromEntries(row.map((cell, at) => [header[at], cell])));
}

async function download(page, name) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name, exact: true }).click()]);
  return readFileSync(await download.path(), 'utf8');
}

const relay = await withTraffic();

test('cost is filtered by tag, and the download has the numbers of the API', async () => {
  const page = await logIn(relay, '/usage?period=24h');
  await page.locator('.chart canvas').waitFor();
  await picture(page, 'usage');
  await page.getByRole('row', { name: /^team-a/ }).getByRole('link', { name: 'team-a', exact: true }).click();
  await page.waitForURL('**/usage?period=24h&tag=team-a');
  await page.getByRole('navigation', { name: 'Group by' }).getByRole('link', { name: 'Model' }).click();
  await page.waitForURL('**/usage?period=24h&by=model&tag=team-a');
  const report = await relay.ask('GET', 'usage?period=24h&by=model&tag=team-a');
  // 11 tokens in and 4 out: 11 × 250 + 4 × 1,000 and 11 × 15 + 4 × 60 USD per million.
  assert.deepEqual(report.rows.map(({ key, cost_nano_usd }) => [key, cost_nano_usd]), [['lab/gpt-4o', 6_750_000], ['lab/gpt-4o-mini', 405_000]]);
  const csv = lines(await download(page, 'CSV'));
  assert.equal(csv.length, report.rows.length);
  for (const [at, { key, kind, before, ...sums }] of report.rows.entries()) {
    const expected = { key, kind, ...sums, ...Object.fromEntries(Object.entries(before).map(([name, value]) => [`before_${name}`, value])) };
    assert.deepEqual(csv[at], Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, value === null ? '' : String(value)])));
  }
  assert.deepEqual(JSON.parse(await download(page, 'JSON')).rows, report.rows);
  await page.getByText('$0.0072').first().waitFor();
  await page.getByRole('row', { name: /gpt-4o-mini/ }).getByRole('link', { name: 'Requests' }).click();
  await page.waitForURL('**/requests?**');
  assert.equal(await page.locator('tbody tr').count(), 1);
  await page.goBack();
  await page.getByRole('link', { name: 'Remove the filter tag team-a' }).click();
  await page.waitForURL('**/usage?period=24h&by=model');
  await finish(page);
});

test('any filter, any dates, by the keyboard alone', async () => {
  const page = await logIn(relay, '/usage?period=24h&by=user');
  await page.getByText('<img src=x onerror=alert(1)>').first().waitFor();
  await page.getByText('Filter', { exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Tag', { exact: true }).focus();
  await page.keyboard.type('team-b');
  await checkAccess(page);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/usage?period=24h&by=user&tag=team-b**');
  await page.getByRole('row', { name: /^bob/ }).waitFor();
  assert.equal(await page.locator('main section table').last().locator('tbody tr').count(), 1);
  await page.getByText('Other dates').click();
  await page.getByLabel('First day (UTC)').fill('2026-01-01');
  await page.getByLabel('Last day').fill('2026-01-31');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByText('passes all filters').waitFor();
  await picture(page, 'usage-nothing');
  await page.goto('/usage?period=soon');
  await page.getByRole('alert').waitFor();
  // Chromium reports the status of the page.
  page.wrong = page.wrong.filter((text) => !text.includes('400 (Bad Request)'));
  await finish(page);
});

test('the chart says what is under the pointer, and follows light and dark', async () => {
  const page = await logIn(relay, '/usage?period=24h&by=model');
  const canvas = page.locator('.chart canvas');
  await canvas.waitFor();
  const shown = () => canvas.evaluate((element) => element.toDataURL());
  const light = await shown();
  await page.emulateMedia({ colorScheme: 'dark' });
  await until(async () => (await shown()) !== light);
  const box = await page.locator('.chart .u-over').boundingBox();
  // The newest hour is the last one.
  await page.mouse.move(box.x + box.width - 8, box.y + box.height / 2);
  await page.locator('.readout', { hasText: 'lab/gpt-4o' }).waitFor();
  await page.getByText('The same in numbers').click();
  await page.getByRole('columnheader', { name: 'lab/gpt-4o', exact: true }).waitFor();
  await picture(page, 'usage-numbers');
  await finish(page);
});

test('a month of a tag can be printed', async () => {
  const page = await logIn(relay, '/usage');
  await page.getByRole('row', { name: /^team-b/ }).getByRole('link', { name: 'Month' }).click();
  await page.getByRole('heading', { name: /^team-b/ }).waitFor();
  await page.getByRole('row', { name: /^Total/ }).first().getByText('$0.0072').waitFor();
  await picture(page, 'usage-month');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.getByRole('button', { name: 'Show' }).isVisible(), false);
  assert.equal(await page.locator('.side').isVisible(), false);
  await page.emulateMedia({ media: 'screen' });
  await finish(page);
});

test('the overview leads from nothing to the first answer', async () => {
  const empty = await startRelay();
  const page = await logIn(empty, '/');
  await page.getByRole('heading', { name: 'To the first answer' }).waitFor();
  await page.getByRole('link', { name: 'Add a provider' }).first().waitFor();
  await picture(page, 'first-run');
  // Whichever way the provider comes, the step ticks itself off.
  empty.rewrite(YAML);
  const example = page.locator('.guide code', { hasText: 'curl' });
  await example.waitFor();
  await picture(page, 'first-run-ready');
  const body = (await example.textContent()).match(/-d '(.*)'$/)[1];
  const answer = await fetch(`${empty.api}/api/chat`, { method: 'POST', body });
  assert.equal(answer.status, 200, await answer.text());
  await page.getByRole('heading', { name: 'To the first answer' }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'All requests, with search' }).waitFor();
  await finish(page);
});

test('the overview shows what matters', async () => {
  const page = await logIn(relay, '/');
  await page.getByText('≥ $0.0143').first().waitFor();
  await page.getByText('answering').waitFor();
  await picture(page, 'overview');
  await finish(page);
});
