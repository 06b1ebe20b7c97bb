// Forms ask the relay while somebody types: what they show is about what stands there, however late an answer comes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeProvider, finish, focused, logIn, startRelay, until } from './harness.mjs';

const fake = await fakeProvider();
const relay = await startRelay({
  yaml: `providers:\n  lab: { protocol: openai, base_url: "${fake.url}", models: [gpt-4o-mini, gpt-4o] }\naliases: { fast: lab/gpt-4o, faster: lab/gpt-4o-mini }\n`,
});
await relay.ask('PUT', 'aliases/mine', 'lab/gpt-4o');
await relay.ask('PUT', 'providers/house', { protocol: 'openai', base_url: fake.url, models: ['other'] });
await relay.ask('POST', 'keys', { name: 'shared', tags: [] });
await relay.chat('mine');
await until(async () => (await relay.ask('GET', 'aliases/mine/impact')).requests === 1);

/**
 * Holds back the answer to the first question that fits. `asked` resolves once it has been asked; `release()` lets the
 * answer go, and returns when the page has had its chance to show it.
 */
async function holdFirst(page, fits) {
  let ask;
  const asked = new Promise((resolve) => { ask = resolve; });
  let isFirst = true;
  const release = async () => {
    const { route, answer } = await asked;
    const request = route.request();
    const isOver = (one) => one === request;
    // A page that does not want the answer any more has ended the request.
    const over = request.failure() ? undefined : Promise.race([
      page.waitForEvent('requestfinished', { predicate: isOver }),
      page.waitForEvent('requestfailed', { predicate: isOver }),
    ]);
    await route.fulfill({ response: answer }).catch(() => {});
    await over;
    await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve)); }));
  };
  await page.route(fits, async (route) => {
    if (!isFirst) return route.continue();
    isFirst = false;
    return ask({ route, answer: await route.fetch() });
  });
  return { asked, release };
}

const open = (name, role = 'button') => (page) => page.getByRole(role, { name, exact: true }).click();

// Of each form: what opens it, the field, what is asked, two things to type with what is shown about each.
const FORMS = [
  { what: 'patterns tried', address: '/settings#redaction', field: 'A text, or the JSON of a body', asks: /redaction\/test/,
    first: ['sk-firstfirstfirstfirst', '[redacted: API key]'], second: ['second thoughts', 'Nothing would be cut out.'] },
  { what: 'the catalogue', address: '/models', field: 'Name', role: 'searchbox', asks: /\/models\?q=/,
    first: ['4o-mini', '1 model.'], second: ['nothing like it', 'No model is like this.'] },
  { what: 'a model', address: '/models/lab/gpt-4o', open: open('Edit'), field: 'Context', asks: /dry_run/,
    first: ['99999999999999999999', 'Invalid type'], second: ['5', ''] },
  { what: 'a new provider', address: '/providers?add=%2Bopenai', field: 'Id', open: (page) => page.getByLabel('Base URL').fill('http://127.0.0.1:9'), asks: /dry_run/,
    first: ['1st', 'a provider\'s id is a letter'], second: ['second', ''] },
  { what: 'a provider', address: '/providers', open: open('Edit house'), form: 'Change house', field: 'Base URL', asks: /dry_run/,
    first: ['ftp://first', '`ftp` is not a scheme we speak'], second: ['gopher://second', '`gopher` is not a scheme we speak'] },
  { what: 'an alias', address: '/aliases', open: open('Edit mine'), field: 'Target', asks: /dry_run/,
    first: ['first/x', 'there is no provider `first`'], second: ['second/x', 'there is no provider `second`'] },
  { what: 'what the traffic says', address: '/aliases', open: open('Edit mine'), field: 'Target', asks: /impact/,
    first: ['faster', 'It would be answered by somebody else'], second: ['lab/gpt-4o', 'None of them would'] },
  { what: 'where a name leads', address: '/aliases', field: 'A name, as a client would write it', asks: /resolve/,
    first: ['first', 'model `first`'], second: ['second', 'model `second`'] },
  { what: 'a new key', address: '/keys?new=', field: 'Name', asks: /dry_run/,
    first: ['shared', 'there is a key `shared` already'], second: ['second', ''] },
  { what: 'a key for thirty days', address: '/keys?new=', field: 'Name', open: (page) => page.getByLabel('Expires').selectOption('30'), asks: /dry_run/,
    first: ['shared', 'there is a key `shared` already'], second: ['second', ''] },
  { what: 'the palette', address: '/', open: (page) => page.keyboard.press('Control+k'), field: 'Find a page', role: 'combobox', asks: /names\?q=/,
    first: ['fast', 'faster'], second: ['gpt-4o-mini', 'lab/gpt-4o-mini'] },
];

for (const { what, address, form, field, role, asks, first, second, open: prepare = () => {} } of FORMS) {
  test(`${what}: an answer that comes too late is not shown`, async () => {
    const page = await logIn(relay, address);
    await prepare(page);
    const part = form ? page.getByRole('form', { name: form }) : page;
    const input = role ? part.getByRole(role, { name: field }) : part.getByLabel(field, { exact: true });
    const shown = (text) => page.getByText(text).locator('visible=true').first();
    const isAsAnswered = async () => {
      await shown(first[1]).waitFor({ state: 'detached' });
      if (second[1] !== '') await shown(second[1]).waitFor();
    };
    // Where nobody is quicker both are shown.
    await input.fill(first[0]);
    await shown(first[1]).waitFor();
    await input.fill(second[0]);
    await isAsAnswered();
    const held = await holdFirst(page, asks);
    await input.fill(first[0]);
    await held.asked;
    const answered = page.waitForResponse((answer) => asks.test(answer.url()));
    await input.fill(second[0]);
    await answered;
    await held.release();
    assert.equal(await page.getByText(first[1]).locator('visible=true').count(), 0, `“${first[1]}” is about “${first[0]}”`);
    await isAsAnswered();
    await finish(page);
  });
}

test('a form that was closed hears nothing more', async () => {
  const page = await logIn(relay, '/providers');
  const held = await holdFirst(page, /dry_run/);
  const field = page.getByRole('form', { name: 'Change house' }).getByLabel('Base URL');
  await open('Edit house')(page);
  await focused(field);
  await field.fill('ftp://first');
  await held.asked;
  await page.keyboard.press('Escape');
  await focused(page.getByRole('button', { name: 'Edit house' }));
  await page.keyboard.press('Enter');
  await focused(field);
  await held.release();
  assert.equal(await page.getByText('`ftp` is not a scheme').count(), 0);
  await finish(page);
});
