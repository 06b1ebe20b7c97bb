// What all pages have in common: the login, the list of pages, the palette, the keyboard, what never happens.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHONE, checkAccess, fakeProvider, finish, focused, logIn, openWindow, picture, startRelay } from './harness.mjs';

const fake = await fakeProvider();
const relay = await startRelay({
  yaml: `providers:\n  lab: { protocol: openai, base_url: "${fake.url}", models: [gpt-4o-mini, gpt-4o] }\n`,
});

test('the form lets in whoever knows the password, and leads to where they wanted to go', async () => {
  const page = await openWindow(relay);
  await page.goto('/requests?tag=team-a');
  await page.getByLabel('Admin password').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  await picture(page, 'login');
  await page.getByLabel('Admin password').fill(relay.password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/requests?tag=team-a');
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Admin password').waitFor();
  // Chromium reports the refusal of the first password.
  page.wrong = page.wrong.filter((text) => !text.includes('403 (Forbidden)'));
  await finish(page);
});

test('a login leads back to the section that was asked for, and so does one that has ended', async () => {
  const page = await openWindow(relay);
  await page.goto('/settings#redaction');
  const logIn = async () => {
    await page.getByLabel('Admin password').fill(relay.password);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/settings#redaction');
  };
  await page.getByLabel('Admin password').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  await logIn();
  await page.context().clearCookies();
  await page.getByLabel('A text, or the JSON of a body').fill('a question of whoever is not known');
  await logIn();
  // Chromium reports the refusal of the first password.
  page.wrong = page.wrong.filter((text) => !text.includes('403 (Forbidden)'));
  await finish(page);
});

test('every page of the list exists and can be used by everybody', async () => {
  const page = await logIn(relay);
  const addresses = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  assert.equal(addresses.length, 12, addresses.join(' '));
  for (const address of addresses) {
    const answer = await page.goto(address);
    assert.equal(answer.status(), 200, address);
    assert.equal(await page.locator('h1').count(), 1, address);
    assert.equal(await page.locator('header [aria-current]').count(), 1, address);
    await checkAccess(page);
  }
  await finish(page);
});

test('whoever comes for the first time loads 150 KB at most, whatever the page', async () => {
  const page = await logIn(relay);
  const login = await page.context().storageState();
  const addresses = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  for (const address of addresses) {
    const fresh = await openWindow(relay, { login });
    const loaded = [];
    fresh.on('requestfinished', (request) => loaded.push(request));
    await fresh.goto(address, { waitUntil: 'networkidle' });
    // Asked only now: a request may end while the window closes.
    const sizes = await Promise.all(loaded.map((request) => request.sizes()));
    const bytes = sizes.reduce((sum, { responseBodySize, responseHeadersSize }) => sum + responseBodySize + responseHeadersSize, 0);
    assert.ok(bytes > 20_000 && bytes <= 150_000, `${address} takes ${bytes} bytes`);
    await finish(fresh);
  }
  await finish(page);
});

test('the palette goes anywhere without a mouse', async () => {
  const page = await logIn(relay);
  await page.keyboard.press('Control+k');
  await focused(page.getByRole('combobox'));
  await page.keyboard.type('reque');
  await page.getByRole('option', { name: /^Requests/ }).waitFor();
  await checkAccess(page);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/requests');
  await page.keyboard.press('g');
  await page.keyboard.press('o');
  await page.waitForURL((url) => url.pathname === '/');
  // What has a name is found by it: also who answers, and who asks.
  await relay.ask('POST', 'keys', { name: 'laptop' });
  for (const [text, what, address] of [['LAB', 'provider', '/providers?name=lab'], ['apt', 'key', '/keys?name=laptop']]) {
    await page.keyboard.press('Control+k');
    await focused(page.getByRole('combobox'));
    await page.keyboard.type(text);
    await page.getByRole('option', { name: new RegExp(what) }).click();
    await page.waitForURL(`**${address}`);
  }
  await page.keyboard.press('?');
  await page.getByRole('heading', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await finish(page);
});

test('on a phone the pages are behind a button', async () => {
  const page = await logIn(relay, '/', { size: PHONE });
  const link = page.getByRole('link', { name: 'Requests', exact: true });
  assert.equal(await link.isVisible(), false);
  await page.getByRole('button', { name: 'Menu' }).click();
  await link.click();
  await page.waitForURL('**/requests');
  await finish(page);
});

test('requests show as they happen, and each has its page', async () => {
  const page = await logIn(relay, '/requests');
  await picture(page, 'requests-empty');
  await page.getByRole('button', { name: 'Follow' }).click();
  const name = '<img src=x onerror=alert(1)>';
  const { status } = await relay.chat('lab/gpt-4o-mini', { headers: { 'x-proxy-tag': `team-a, ${name}` } });
  assert.equal(status, 200);
  await page.getByText(name).waitFor();
  await picture(page, 'requests');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.locator('tbody a').first().click();
  await page.getByRole('heading', { name: 'Price', exact: true }).waitFor();
  await picture(page, 'request');
  await finish(page);
});
