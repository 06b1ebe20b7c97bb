// The settings: changed, undone, locked; what is cut out; backup and restore; password, tokens; the live log.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkAccess, fakeProvider, finish, focused, logIn, picture, startRelay, until } from './harness.mjs';

const fake = await fakeProvider();
const yaml = `providers:\n  lab: { protocol: openai, base_url: "${fake.url}", models: [gpt-4o-mini, gpt-4o] }\n`;
const relay = await startRelay({ yaml });

/** Logged in, at a section. */
const at = (section, where = relay) => logIn(where, `/settings#${section}`);

test('a default model is set, used at once, undone and taken back', async () => {
  const page = await logIn(relay, '/settings');
  assert.equal((await relay.chat('nobody-knows')).status, 404);
  const field = page.getByLabel('Default model');
  await field.fill('nobody/x');
  await page.keyboard.press('Enter');
  await page.getByText('there is no provider').waitFor();
  await checkAccess(page);
  await page.keyboard.press('Escape');
  assert.equal(await field.inputValue(), '');
  await field.fill('lab/gpt-4o');
  await page.keyboard.press('Enter');
  await page.getByText('Saved; it is in force.').waitFor();
  assert.equal((await relay.chat('nobody-knows')).headers.get('x-llm-relay-model'), 'gpt-4o');
  await page.getByRole('button', { name: 'Back to the default: none' }).waitFor();
  // A message stays while the keyboard is in it, however long the pictures take.
  await page.getByRole('button', { name: 'Undo' }).focus();
  await picture(page, 'settings-general');
  await page.getByRole('button', { name: 'Undo' }).click();
  await until(async () => (await relay.chat('nobody-knows')).status === 404);
  await until(async () => (await page.getByLabel('Default model').inputValue()) === '');
  await finish(page);
});

test('an undo takes back what was saved here, and not what somebody else changed since', async () => {
  const page = await logIn(relay, '/settings');
  await page.getByLabel('Default model').fill('lab/gpt-4o');
  await page.keyboard.press('Enter');
  await page.getByText('Saved; it is in force.').waitFor();
  await relay.ask('PUT', 'settings/default_model', { value: 'lab/gpt-4o-mini' }, { 'if-match': '*' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('`default_model` has been changed since').waitFor();
  assert.equal((await relay.ask('GET', 'settings/default_model')).value, 'lab/gpt-4o-mini');
  await relay.ask('DELETE', 'settings/default_model', undefined, { 'if-match': '*' });
  await finish(page);
});

test('two admins: the second one is told, and nothing is lost', async () => {
  const page = await at('records');
  const days = page.getByLabel('Days to keep records');
  await days.fill('x');
  await page.keyboard.press('Enter');
  await page.getByText('whole number of days').waitFor();
  await days.fill('30');
  await relay.ask('PUT', 'settings/keep_requests_days', { value: 90 });
  await page.keyboard.press('Enter');
  await page.getByText(/Somebody has changed what this is set to meanwhile.*Theirs: value: 90/).waitFor();
  assert.equal(await days.inputValue(), '30');
  await page.keyboard.press('Enter');
  await page.getByText('Saved; it is in force.').waitFor();
  assert.equal((await relay.ask('GET', 'settings/keep_requests_days')).value, 30);
  // Taken back meanwhile: saved again it is set again. A button is about what is shown, which is made anew.
  await page.getByRole('button', { name: 'Back to the default: for good' }).waitFor();
  await days.fill('40');
  await relay.ask('DELETE', 'settings/keep_requests_days', undefined, { 'if-match': '*' });
  await page.keyboard.press('Enter');
  await page.getByText(/Somebody has deleted what this is set to meanwhile.*Save again to make it anew/).waitFor();
  await page.keyboard.press('Enter');
  await until(async () => (await relay.ask('GET', 'settings/keep_requests_days')).value === 40);
  await until(async () => (await days.inputValue()) === '40' && await page.getByRole('button', { name: 'Save' }).locator('visible=true').count() === 0);
  await relay.ask('PUT', 'settings/keep_requests_days', { value: 50 }, { 'if-match': '*' });
  await page.getByRole('button', { name: 'Back to the default: for good' }).click();
  await page.getByText('It is shown as it is now').waitFor();
  await until(async () => (await days.inputValue()) === '50');
  await finish(page);
});

test('what is kept is measured and forecast', async () => {
  await relay.chat('lab/gpt-4o');
  await until(async () => (await relay.ask('GET', 'requests')).requests.length > 0);
  const page = await at('records');
  await page.getByRole('row', { name: /Records of requests/ }).waitFor();
  await page.getByText('The file has').waitFor();
  await picture(page, 'settings-records');
  await page.getByRole('button', { name: 'Delete what is too old now' }).click();
  await page.getByText('being deleted in the background').waitFor();
  await finish(page);
});

test('patterns are tried before they are saved, and cut out of what is kept', async () => {
  const page = await at('redaction');
  await page.getByRole('button', { name: 'Add a pattern' }).click();
  await focused(page.getByLabel('Name', { exact: true }));
  await page.keyboard.type('customer');
  await page.getByLabel('Pattern', { exact: true }).fill('(');
  await page.getByLabel('A text, or the JSON of a body').fill('I am K-123456 <img src=x onerror=alert(1)> with sk-abcdefghijklmnopqrst');
  await page.getByText('unclosed group').waitFor();
  await page.getByLabel('Pattern', { exact: true }).fill('K-\\d{6}');
  await page.getByText('I am [redacted: customer] <img src=x onerror=alert(1)> with [redacted: API key]').waitFor();
  await picture(page, 'settings-redaction');
  await relay.ask('PUT', 'settings/redaction_patterns', { value: [{ name: 'theirs', pattern: 'T-1' }] });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/Somebody has changed the patterns meanwhile.*Theirs: patterns: theirs \(T-1\)/).waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved; bodies').waitFor();
  assert.deepEqual((await relay.ask('GET', 'settings/redaction_patterns')).value, [{ name: 'customer', pattern: 'K-\\d{6}' }]);
  await finish(page);
});

test('a backup is downloaded, and restored after a look at what would change', async () => {
  await relay.ask('PUT', 'aliases/fast', 'lab/gpt-4o-mini');
  const page = await at('backup');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download definitions' }).click()]);
  const file = await download.path();
  assert.ok(JSON.parse(readFileSync(file, 'utf8')).entries.aliases.fast);
  await relay.ask('DELETE', 'aliases/fast', undefined, { 'if-match': '*' });
  await relay.ask('PUT', 'aliases/later', 'lab/gpt-4o');
  await page.getByLabel(/A file made by/).setInputFiles(file);
  await page.getByText('2 would change').waitFor();
  await picture(page, 'settings-backup');
  await page.getByRole('button', { name: 'Make these 2 changes' }).click();
  await page.getByText('Restored: 2 changed').waitFor();
  // The page is made anew then.
  await page.getByRole('button', { name: 'Make these 2 changes' }).waitFor({ state: 'hidden' });
  const { aliases } = await relay.ask('GET', 'aliases');
  assert.deepEqual(aliases.map(({ name }) => name), ['fast']);
  await page.getByLabel(/A file made by/).setInputFiles({ name: 'x.txt', mimeType: 'text/plain', buffer: Buffer.from('no') });
  await page.getByText('is no JSON').waitFor();
  await finish(page);
});

test('a token is made, used and revoked', async () => {
  await relay.ask('POST', 'tokens', { name: 'nightly', expires_ms: Date.now() + 3 * 86_400_000 });
  const page = await at('access');
  await page.getByText('ADMIN_PASSWORD').first().waitFor();
  await page.getByRole('row', { name: /nightly expires soon .*in 2 d 23 h/ }).waitFor();
  await page.getByLabel('Name of a new token').fill('ci <b>');
  await page.getByLabel('Expires').selectOption('date');
  await page.getByLabel('Last day').fill('2020-02-02');
  await page.getByRole('button', { name: 'Make a token' }).click();
  await page.getByText('this moment has passed').waitFor();
  await picture(page, 'settings-token-past');
  await page.getByLabel('Expires').selectOption('90');
  await page.getByText('this moment has passed').waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Make a token' }).click();
  const token = await until(async () => (await page.locator('#made-token').textContent()).trim());
  const asked = () => fetch(`${relay.admin}/admin/api/aliases`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await asked()).status, 200);
  await checkAccess(page);
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByRole('row', { name: /ci <b>.*in 89 d 23 h/ }).waitFor();
  await picture(page, 'settings-access');
  await page.getByRole('row', { name: /ci <b>/ }).getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('is revoked').waitFor();
  assert.equal((await asked()).status, 401);
  await finish(page);
});

test('the password is changed by whoever knows it', async () => {
  const own = await startRelay({ yaml, env: { ADMIN_PASSWORD: '' } });
  const printed = await until(() => own.log.match(/^ {4}(\S{20,})$/m));
  own.password = printed[1];
  const page = await at('access', own);
  const change = async (old) => {
    await page.getByLabel('Password now').fill(old);
    await page.getByLabel('New password', { exact: true }).fill('another long one');
    await page.getByLabel('New password again').fill('another long one');
    await page.getByRole('button', { name: 'Change password' }).click();
  };
  await change('wrong');
  await page.getByText('That is not the password').waitFor();
  await picture(page, 'settings-password');
  await change(printed[1]);
  await page.getByText('The password is changed').waitFor();
  own.password = 'another long one';
  await finish(await logIn(own, '/settings'));
  await finish(page);
});

test('the system is shown, and the log as it is written', async () => {
  const page = await at('system');
  await page.getByText('Running for').waitFor();
  await picture(page, 'settings-system');
  await page.goto('/settings#log');
  await page.locator('#log-lines').getByText('listening', { exact: true }).waitFor();
  await relay.ask('PUT', 'aliases/seen', 'lab/gpt-4o');
  await page.locator('#log-lines').getByText('entry changed').first().waitFor();
  await picture(page, 'settings-log');
  await page.getByRole('searchbox', { name: 'Find' }).fill('entry.name=');
  await page.getByText('No line is like this').waitFor();
  await page.getByRole('searchbox', { name: 'Find' }).fill('"seen"');
  await page.locator('#log-lines').getByText('entry.name=seen').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await relay.ask('DELETE', 'aliases/seen', undefined, { 'if-match': '*' });
  assert.equal(await page.locator('#log-lines > div').count(), 1);
  await page.getByRole('button', { name: 'Follow' }).click();
  await until(async () => (await page.locator('#log-lines > div').count()) === 2);
  await finish(page);
});

test('what the environment says is locked, and the API is described', async () => {
  const locked = await startRelay({ yaml: `default_model: lab/gpt-4o\n${yaml}`, env: { KEEP_PROMPTS: 'all' } });
  const page = await logIn(locked, '/settings');
  await page.getByText('relay.yaml:1:1').waitFor();
  assert.equal(await page.getByLabel('Default model').isDisabled(), true);
  await page.getByRole('link', { name: 'Records & bodies' }).click();
  await page.getByText('KEEP_PROMPTS in the environment').waitFor();
  assert.equal(await page.getByLabel('Request bodies').isDisabled(), true);
  await page.goto('/docs');
  await page.getByText('/admin/api/aliases/{name}').first().click();
  await picture(page, 'docs');
  await finish(page);
});

test('without scripts everything can still be read', async () => {
  const answer = await fetch(`${relay.admin}/settings`, { headers: { authorization: `Basic ${Buffer.from(`a:${relay.password}`).toString('base64')}` } });
  const text = await answer.text();
  for (const words of ['Default model', 'Days to keep records', 'Running for', 'Download definitions']) assert.ok(text.includes(words), words);
});
