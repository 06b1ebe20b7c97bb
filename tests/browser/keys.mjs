// Keys: made, copied, used over the real API, changed, and taken back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAccess, fakeProvider, finish, focused, logIn, picture, startRelay, until } from './harness.mjs';

const fake = await fakeProvider();
const relay = await startRelay({
  yaml: `aliases: { fast: lab/gpt-4o-mini }\nproviders:\n  lab: { protocol: openai, base_url: "${fake.url}", models: [gpt-4o-mini, gpt-4o] }\n`,
  env: { AUTH_MODE: 'keys', API_KEYS: 'sk-environment-0123456789' },
});
const authorized = (key) => ({ headers: { authorization: `Bearer ${key}` } });
const status = async (key, model = 'fast') => (await relay.chat(model, authorized(key))).status;

test('a key is made, shown once with what to do with it, used, changed and revoked', async () => {
  // The first start has made a key; without it the list begins empty but for the environment's.
  for (const { id } of (await relay.ask('GET', 'keys')).keys) if (id) await relay.ask('DELETE', `keys/${id}`);
  const page = await logIn(relay, '/keys');
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByLabel('Name', { exact: true }).fill('open-webui');
  await page.getByLabel('Tags').pressSequentially('home, team <b>a</b>,');
  await page.getByLabel('Allowed models').fill('gpt-4o');
  await page.keyboard.press('Enter');
  await page.getByText('written as provider/model, here lab/gpt-4o').or(page.getByText('written as provider/model')).first().waitFor();
  await picture(page, 'keys-new');
  await page.getByRole('button', { name: 'Remove gpt-4o' }).click();
  await page.getByLabel('Allowed models').fill('fast');
  await page.getByLabel('Expires').selectOption('30');
  await page.getByRole('button', { name: 'Make the key' }).click();

  const dialog = page.getByRole('dialog', { name: 'The key open-webui' });
  await dialog.waitFor();
  const key = await dialog.locator('#made-key').textContent();
  assert.match(key, /^sk-relay-[\w-]{43}$/);
  await dialog.getByRole('button', { name: 'Copy', exact: true }).click();
  await until(async () => (await page.evaluate(() => navigator.clipboard.readText())) === key);
  for (const tab of ['Ollama', 'Python: openai', 'Python: ollama', 'JavaScript', 'curl', 'Open WebUI']) {
    await dialog.getByRole('tab', { name: tab, exact: true }).click();
    const code = await dialog.getByRole('tabpanel').textContent();
    assert.ok(code.includes(key) && code.includes(relay.api), `${tab}: ${code}`);
  }
  await page.keyboard.press('ArrowRight');
  assert.equal(await dialog.getByRole('tab', { selected: true }).textContent(), 'Ollama');
  await picture(page, 'keys-made');
  await page.keyboard.press('Escape');
  await dialog.getByText('nobody can see the key again').waitFor();
  assert.ok(await dialog.isVisible());
  assert.deepEqual([await status(key), await status(key, 'lab/gpt-4o')], [200, 403]);
  await dialog.getByRole('button', { name: 'I have saved it' }).click();
  await page.getByRole('row', { name: /open-webui/ }).waitFor();
  assert.equal((await page.content()).includes(key), false, 'the key is nowhere any more');

  await page.getByRole('button', { name: 'Edit open-webui' }).click();
  await page.getByRole('button', { name: 'Remove fast' }).click();
  await page.getByRole('button', { name: 'Remove team <b>a</b>' }).click();
  await picture(page, 'keys-edit');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved open-webui').waitFor();
  assert.equal(await status(key, 'lab/gpt-4o'), 200);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Undone: open-webui is as it was before').waitFor();
  assert.equal(await status(key, 'lab/gpt-4o'), 403);
  await page.getByRole('button', { name: 'Undo' }).click();
  await until(async () => await status(key, 'lab/gpt-4o') === 200);
  await until(async () => {
    await page.reload();
    return (await page.getByRole('row', { name: /open-webui/ }).textContent()).includes('3 requests');
  });
  await picture(page, 'keys');

  await page.getByRole('button', { name: 'Revoke open-webui' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('Revoked open-webui').waitFor();
  assert.equal(await status(key), 401);
  await page.getByText(/^Revoked \(/).click();
  await checkAccess(page);
  await picture(page, 'keys-revoked');
  await page.getByRole('link', { name: 'History of open-webui' }).click();
  await page.getByRole('heading', { name: 'key open-webui revoked' }).waitFor();
  assert.equal(await page.locator('[data-id]').count(), 5);
  assert.equal(await page.getByRole('button', { name: /key open-webui/ }).count(), 0, 'nothing brings it back');
  await page.getByText('A revoked key cannot come back.').first().waitFor();
  await picture(page, 'history-of-a-revoked-key');
  await finish(page);
});

test('what somebody else changed meanwhile is said, and the keyboard is enough', async () => {
  await relay.ask('POST', 'keys', { name: 'shared', tags: ['one'] });
  const page = await logIn(relay, '/keys?new=');
  // The keyboard is where the script puts it, once it runs.
  await focused(page.locator('#new-name'));
  await page.keyboard.type('shared');
  await page.getByText('there is a key `shared` already').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Edit shared' }).focus();
  await page.keyboard.press('Enter');
  await focused(page.locator('.chips input'));
  const { version } = await relay.ask('GET', 'keys/shared');
  await relay.ask('PUT', 'keys/shared', { tags: ['other'], models: [], expires_ms: null }, { 'if-match': `"${version}"` });
  await page.keyboard.type('two');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.getByText(/Somebody has changed the key shared meanwhile.*Theirs: tags: other\. Save again/).waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('Saved shared').waitFor();
  assert.deepEqual((await relay.ask('GET', 'keys/shared')).tags, ['one', 'two']);
  await focused(page.getByRole('button', { name: 'Edit shared' }));
  await page.keyboard.press('n');
  await page.getByRole('form', { name: 'New key' }).waitFor();
  await finish(page);
});

test('what was done to a key is told with whoever did it, and taken back', async () => {
  await relay.ask('POST', 'keys', { name: 'of the operator' });
  const { token } = await relay.ask('POST', 'tokens', { name: 'ci <b>' });
  const script = { authorization: `Bearer ${token}` };
  const { key } = await relay.ask('POST', 'keys', { name: 'nightly', tags: ['night'], models: ['fast'] }, script);
  const widen = { tags: ['night'], models: [], expires_ms: Date.now() + 30 * 86_400_000 };
  await relay.ask('PUT', 'keys/nightly', widen, { 'if-match': '*', ...script });
  const page = await logIn(relay, '/keys');
  await page.getByRole('link', { name: 'History of nightly' }).click();
  await page.getByRole('heading', { name: 'key nightly changed' }).waitFor();
  await page.locator('.what').getByText('by token:ci <b>').first().waitFor();
  await page.getByLabel('Changes by').selectOption('token:ci <b>');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.waitForURL(/who=token/);
  assert.equal(await page.locator('[data-id]').count(), 2);
  await picture(page, 'history-of-a-key');
  assert.equal(await status(key, 'lab/gpt-4o'), 200);
  await page.getByRole('button', { name: 'Undo: key nightly changed' }).click();
  await page.getByText('Undone: key nightly changed').waitFor();
  assert.equal(await status(key, 'lab/gpt-4o'), 403);
  // It was the operator who undid it, so it is not among what the token did.
  assert.equal(await page.locator('[data-id]').count(), 2);
  await page.getByRole('button', { name: 'Revoke to undo: key nightly created' }).click();
  await page.getByRole('dialog').getByText('A revoked key cannot come back').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('Undone: key nightly created').waitFor();
  assert.equal(await status(key), 401);
  assert.equal(await page.getByText('Undone: key nightly created').locator('..').getByRole('button', { name: 'Undo' }).count(), 0);
  await finish(page);
});

test('without any key the page says what one is good for', async () => {
  const empty = await startRelay();
  const page = await logIn(empty, '/keys');
  await page.getByText('No key is in use').waitFor();
  await page.getByText('whoever reaches the API may use it').waitFor();
  await picture(page, 'keys-empty');
  await finish(page);
});
