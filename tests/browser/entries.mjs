// Aliases, redirects, routers and their history: made, used, changed and taken back as an operator would.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAccess, fakeProvider, finish, focused, logIn, picture, startRelay, until } from './harness.mjs';

const fake = await fakeProvider({ models: ['gpt-4o-mini', 'gpt-4o', 'chooser'], words: ['{"model":', '"m1"', '}'] });
const provider = `providers:\n  lab: { protocol: openai, base_url: "${fake.url}", models: [gpt-4o-mini, gpt-4o, chooser] }\n`;
const start = (more = '') => startRelay({ yaml: provider + more });

const editor = (page) => page.locator('#editor');
const row = (page, name) => page.locator('[data-entry]').filter({ has: page.getByRole('heading', { name, exact: true }) });
const field = (page, label) => editor(page).getByLabel(label, { exact: true });
const toast = (page, text) => page.locator('#toasts').getByText(text);
const undo = (page) => page.locator('#toasts').getByRole('button', { name: 'Undo' }).last().click();
const save = (page) => editor(page).getByRole('button', { name: 'Save', exact: true }).click();

/** The model that answers; the status, if none does. */
async function answers(relay, name) {
  const { status, headers } = await relay.chat(name);
  return status === 200 ? headers.get('x-llm-relay-model') : status;
}

test('an alias is made, used, changed, deleted, and each step taken back', async () => {
  const relay = await start('aliases:\n  house: { target: lab/gpt-4o-mini, tags: [home] }\n');
  const page = await logIn(relay, '/aliases');
  assert.equal(await row(page, 'house').getByRole('button', { name: 'Edit house' }).count(), 0);
  assert.match(await row(page, 'house').textContent(), /locked: .*relay\.yaml:\d+:\d+/);

  await page.getByRole('button', { name: 'New alias' }).click();
  await field(page, 'Name').fill('house');
  await editor(page).getByText(/managed by the file/).waitFor();
  await field(page, 'Name').fill('gpt-4o');
  await field(page, 'Target').fill('nobody/x');
  await editor(page).getByText(/there is no provider `nobody`/).waitFor();
  await editor(page).getByText(/comes before the model of this name/).waitFor();
  assert.equal(await field(page, 'Target').getAttribute('aria-invalid'), 'true');
  await picture(page, 'alias-problems');
  await field(page, 'Name').fill('fast');
  await field(page, 'Target').fill('fast');
  await editor(page).getByText(/goes round in a circle: fast -> fast/).waitFor();
  await field(page, 'Target').fill('lab/gpt-4o-mini');
  await field(page, 'Tags').fill('team-a, team-b');
  await until(async () => await field(page, 'Target').getAttribute('aria-invalid') === null);
  await save(page);
  await toast(page, 'Created: alias fast.').waitFor();
  assert.equal(await answers(relay, 'fast'), 'gpt-4o-mini');

  await undo(page);
  await toast(page, 'Undone').waitFor();
  assert.equal(await row(page, 'fast').count(), 0);
  assert.equal(await answers(relay, 'fast'), 404);
  await undo(page);
  await row(page, 'fast').waitFor();
  assert.equal(await answers(relay, 'fast'), 'gpt-4o-mini');

  // What the traffic says, once it is in the log.
  await until(async () => (await relay.ask('GET', 'aliases/fast/impact')).requests === 2);
  await page.getByRole('button', { name: 'Edit fast' }).click();
  await field(page, 'Target').fill('lab/gpt-4o');
  await editor(page).getByText(/2 requests led through this alias.*All of them would/).waitFor();
  await picture(page, 'alias-edit');
  await page.keyboard.press('Enter');
  assert.equal(await field(page, 'Target').count(), 1);
  await toast(page, 'Saved: alias fast.').waitFor();
  assert.equal(await answers(relay, 'fast'), 'gpt-4o');
  await undo(page);
  await until(async () => await answers(relay, 'fast') === 'gpt-4o-mini');
  await row(page, 'fast').getByText('lab/gpt-4o-mini').first().waitFor();

  await page.getByRole('button', { name: 'Edit fast' }).click();
  await editor(page).getByRole('button', { name: 'Delete' }).click();
  await toast(page, 'Deleted: alias fast.').waitFor();
  assert.equal(await answers(relay, 'fast'), 404);
  await undo(page);
  await row(page, 'fast').waitFor();
  assert.equal(await answers(relay, 'fast'), 'gpt-4o-mini');
  await page.reload();
  await picture(page, 'aliases');

  await page.getByLabel('Filter aliases').fill('TEAM-b');
  await until(async () => await row(page, 'house').isHidden() && await row(page, 'fast').isVisible());
  assert.equal(new URL(page.url()).searchParams.get('q'), 'TEAM-b');

  await page.getByLabel('A name, as a client would write it').fill('fast@night');
  await page.getByText('lab/gpt-4o-mini').last().waitFor();
  await page.getByText(/tags night, team-a, team-b/).waitFor();

  await page.goto('/history');
  assert.equal(await page.locator('[data-id]').count(), 7);
  await picture(page, 'history');
  await page.getByRole('button', { name: /^Undo: alias fast/ }).click();
  await toast(page, 'Undone').waitFor();
  assert.equal(await answers(relay, 'fast'), 404);
  await page.getByRole('button', { name: /^Put back what was before: alias fast changed/ }).first().click();
  await page.getByRole('button', { name: 'Put it back' }).click();
  await until(async () => await answers(relay, 'fast') !== 404);
  await finish(page);
});

test('of two who edit the same alias the second is told, and nothing is lost', async () => {
  const relay = await start();
  await relay.ask('PUT', 'aliases/fast', { target: 'lab/gpt-4o-mini', description: 'first' });
  const [one, two] = [await logIn(relay, '/aliases'), await logIn(relay, '/aliases')];
  for (const page of [one, two]) await page.getByRole('button', { name: 'Edit fast' }).click();
  await field(two, 'Description').fill('by the second admin');
  // What is typed is checked a moment later; then it stands there, waiting.
  await two.waitForResponse((answer) => answer.url().endsWith('/impact') && answer.request().postData().includes('second'));
  await field(one, 'Description').fill('by the first admin');
  await field(one, 'Target').fill('lab/gpt-4o');
  await save(one);
  await toast(one, 'Saved').waitFor();
  await save(two);
  await two.getByText(/Somebody has changed the alias fast meanwhile/).waitFor();
  const seen = await two.getByRole('region', { name: 'Both versions' }).textContent();
  for (const text of ['by the first admin', 'by the second admin', 'lab/gpt-4o-mini']) assert.ok(seen.includes(text), seen);
  await picture(two, 'alias-conflict');
  assert.equal((await relay.ask('GET', 'aliases/fast')).alias.description, 'by the first admin');

  await two.getByRole('button', { name: 'Take theirs' }).click();
  assert.equal(await field(two, 'Description').inputValue(), 'by the first admin');
  await two.getByRole('button', { name: 'Bring mine back' }).click();
  assert.equal(await field(two, 'Description').inputValue(), 'by the second admin');
  await save(two);
  await toast(two, 'Saved').waitFor();
  assert.equal((await relay.ask('GET', 'aliases/fast')).alias.description, 'by the second admin');

  // The other way: mine over theirs, and what was deleted meanwhile.
  await one.reload();
  await one.getByRole('button', { name: 'Edit fast' }).click();
  await field(one, 'Description').fill('mine');
  // Seen while typing or when saving, whichever comes first.
  await relay.ask('PUT', 'aliases/fast', { target: 'lab/gpt-4o', description: 'theirs' }, { 'if-match': '*' });
  await field(one, 'Description').press('Enter');
  await one.getByRole('button', { name: 'Save mine over it' }).click();
  await toast(one, 'Saved').waitFor();
  assert.equal((await relay.ask('GET', 'aliases/fast')).alias.description, 'mine');
  await one.getByRole('button', { name: 'Edit fast' }).click();
  await field(one, 'Description').fill('again');
  await relay.ask('DELETE', 'aliases/fast', undefined, { 'if-match': '*' });
  await field(one, 'Description').press('Enter');
  await one.getByRole('button', { name: 'Create it again' }).click();
  await until(async () => (await relay.ask('GET', 'aliases')).aliases[0]?.alias.description === 'again');
  for (const page of [one, two]) await finish(page);
});

test('a redirect is made and taken back by the keyboard alone', async () => {
  const relay = await start();
  const page = await logIn(relay, '/redirects');
  await picture(page, 'redirects-empty');
  await page.keyboard.press('n');
  const type = async (text) => { await page.keyboard.type(text); await page.keyboard.press('Tab'); };
  await focused(field(page, 'Name or pattern'));
  await type('old-*');
  await type('lab/gpt-4o');
  await type('old-clients');
  await focused(field(page, 'Try a name'));
  await page.keyboard.type('old-thing');
  await editor(page).locator('.steps').getByText('old-thing').first().waitFor();
  await editor(page).locator('.end').getByText('lab/gpt-4o', { exact: true }).waitFor();
  await picture(page, 'redirect-new');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await toast(page, 'Created: redirect old-*.').waitFor();
  assert.equal(await answers(relay, 'old-one'), 'gpt-4o');
  // The focus is on the new row's button: change it, and give that up.
  await focused(page.getByLabel('Edit old-*', { exact: true }));
  await page.keyboard.press('Enter');
  await focused(field(page, 'New name'));
  await page.keyboard.press('Control+a');
  await page.keyboard.type('lab/gpt-4o-mini');
  await page.keyboard.press('Escape');
  await toast(page, 'Closed without saving.').waitFor();
  await undo(page);
  assert.equal(await field(page, 'New name').inputValue(), 'lab/gpt-4o-mini');
  await focused(field(page, 'New name'));
  await page.keyboard.press('Enter');
  await toast(page, 'Saved: redirect old-*.').waitFor();
  assert.equal(await answers(relay, 'old-one'), 'gpt-4o-mini');
  await undo(page);
  await until(async () => await answers(relay, 'old-one') === 'gpt-4o');
  await row(page, 'old-*').getByText('lab/gpt-4o-mini').first().waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Edit old-*' }).click();
  await editor(page).getByRole('button', { name: 'Delete' }).click();
  await toast(page, 'Deleted').waitFor();
  assert.equal(await answers(relay, 'old-one'), 404);
  await undo(page);
  await until(async () => await answers(relay, 'old-one') === 'gpt-4o');
  await picture(page, 'redirects');
  await finish(page);
});

test('a router is made, tried out, used, changed, deleted and taken back', async () => {
  const relay = await start();
  const page = await logIn(relay, '/routers');
  await picture(page, 'routers-empty');
  await page.getByRole('button', { name: 'New router' }).click();
  await save(page);
  await editor(page).getByText('a name is missing').waitFor();
  await field(page, 'Name').fill('smart');
  await field(page, 'Purpose').fill('a test');
  await field(page, 'Designator').fill('lab/chooser');
  await field(page, 'Fallback').fill('lab/gpt-4o-mini');
  const candidates = () => editor(page).getByLabel('Candidate', { exact: true });
  await candidates().nth(0).fill('lab/gpt-4o-mini');
  await editor(page).getByText(/a candidate needs a `model`/).waitFor();
  await candidates().nth(1).fill('nobody/x');
  await editor(page).getByText(/there is no provider `nobody`/).waitFor();
  await candidates().nth(1).fill('lab/gpt-4o');
  await editor(page).getByLabel('Notes for the designator').nth(1).fill('hard questions');
  await editor(page).getByText('Times, second designator').click();
  await field(page, 'Budget').fill('soon');
  await editor(page).getByText(/“soon” is not a time span/).waitFor();
  await field(page, 'Budget').fill('2s');
  // Its order, by the keyboard.
  await candidates().nth(1).focus();
  await page.keyboard.press('Alt+ArrowUp');
  await until(async () => await candidates().nth(0).inputValue() === 'lab/gpt-4o');
  await focused(candidates().nth(0));
  // Before it is saved it can be tried out.
  await editor(page).getByText('Try it out as it stands here').click();
  await editor(page).getByLabel('A prompt to choose for').fill('Prove it.');
  await editor(page).getByRole('button', { name: 'Have it choose' }).click();
  await editor(page).locator('.outcome').getByText(/the designator chose|so the fallback/).waitFor();
  assert.equal((await relay.ask('GET', 'routers')).routers.length, 0);
  await picture(page, 'router-new');
  await save(page);
  await toast(page, 'Created: router smart.').waitFor();
  const { router } = await relay.ask('GET', 'routers/smart');
  assert.deepEqual(router.candidates.map(({ model }) => model), ['lab/gpt-4o', 'lab/gpt-4o-mini']);
  assert.equal(router.budget, '2s');
  assert.match(await answers(relay, 'smart'), /^gpt-4o/);

  await until(async () => (await relay.ask('GET', 'decisions?router=smart')).decisions.length > 0);
  await page.reload();
  await row(page, 'smart').getByText('Latest decisions').click();
  await row(page, 'smart').locator('.recent a').first().waitFor();
  await row(page, 'smart').getByText('Try it out').click();
  await row(page, 'smart').getByLabel('A prompt to choose for').fill('Again.');
  await row(page, 'smart').getByRole('button', { name: 'Have it choose' }).click();
  await row(page, 'smart').locator('.outcome').getByText(/the designator chose|so the fallback/).waitFor();
  await picture(page, 'routers');
  await row(page, 'smart').locator('.recent a').first().click();
  await page.getByRole('heading', { name: /Decision of router/ }).waitFor();

  await page.goto('/routers?name=smart');
  await page.locator('.entry.named').waitFor();
  await page.getByRole('button', { name: 'Edit smart' }).click();
  await field(page, 'Fallback').waitFor();
  await editor(page).getByText('Switched on').click();
  await save(page);
  await toast(page, 'Saved').waitFor();
  assert.notEqual(await answers(relay, 'smart'), 'gpt-4o');
  await row(page, 'smart').getByText('switched off').waitFor();
  await undo(page);
  await until(async () => /^gpt-4o/.test(await answers(relay, 'smart')));
  await page.getByRole('button', { name: 'Edit smart' }).click();
  await editor(page).getByRole('button', { name: 'Delete' }).click();
  await toast(page, 'Deleted').waitFor();
  assert.equal(await answers(relay, 'smart'), 404);
  await undo(page);
  await until(async () => /^gpt-4o/.test(await answers(relay, 'smart')));
  await finish(page);
});

test('links from other pages open the form filled in, and foreign names stay text', async () => {
  const relay = await start();
  const name = '<img src=x onerror=alert(1)>';
  const page = await logIn(relay, `/aliases?new=${encodeURIComponent(name)}&target=lab%2Fgpt-4o`);
  await until(async () => await field(page, 'Target').inputValue() === 'lab/gpt-4o');
  assert.equal(await field(page, 'Name').inputValue(), name);
  await save(page);
  await toast(page, 'Created').waitFor();
  assert.equal(new URL(page.url()).search, '');
  await row(page, name).waitFor();
  assert.equal(await page.locator('main img').count(), 0);
  assert.equal(await answers(relay, name), 'gpt-4o');
  await checkAccess(page);
  // The page is made anew under an open form, which stays.
  await page.getByRole('button', { name: 'New alias' }).click();
  await field(page, 'Name').fill('half-typed');
  await undo(page);
  await row(page, name).waitFor({ state: 'detached' });
  assert.equal(await field(page, 'Name').inputValue(), 'half-typed');
  await undo(page);
  await row(page, name).waitFor();
  assert.equal(await field(page, 'Name').inputValue(), 'half-typed');
  await page.goto('/history');
  await page.getByText(name).first().waitFor();
  assert.equal(await page.locator('main img').count(), 0);
  // What cannot be deleted says why.
  await relay.ask('PUT', 'aliases/more', name);
  await page.goto('/aliases');
  await page.getByRole('button', { name: `Edit ${name}` }).click();
  await editor(page).getByRole('button', { name: 'Delete' }).click();
  await editor(page).getByText(/alias `more` leads to/).waitFor();
  await finish(page);
});
