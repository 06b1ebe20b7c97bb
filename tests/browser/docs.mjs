// What /docs shows is what the API does: every example of a body is sent to a relay, and every example of an answer has
// the keys of the real one, no fewer and no more.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PASSWORD, fakeProvider, finish, logIn, serve, startRelay, until } from './harness.mjs';

const fake = await fakeProvider({ words: ['{"model":', '"m1"', '}'] });
const ollama = await serve((request, body, response) => {
  const details = { family: 'qwen3', parameter_size: '8B', quantization_level: 'Q4_K_M' };
  const answers = {
    '/api/version': { version: '0.14.0' },
    '/api/tags': { models: [{ name: 'qwen3:8b', model: 'qwen3:8b', size: 5_200_000_000, modified_at: '2026-10-01T00:00:00Z', details }] },
    '/api/ps': { models: [{ name: 'qwen3:8b', model: 'qwen3:8b', size_vram: 6_100_000_000, expires_at: '2026-11-21T09:00:00Z' }] },
    '/api/pull': { status: 'success' },
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(answers[request.url] ?? {})}\n`);
});
const relay = await startRelay({
  yaml: `providers:
  openai: { base_url: "${fake.url}", api_key: k, models: [gpt-4o-mini, gpt-4o] }
  ollama: { base_url: "${ollama}", models: ["qwen3:8b"] }
`,
  env: { KEEP_PROMPTS: 'all' },
});

/** Whom a path is about, in the order in which things are made, looked at and taken back. */
const names = {
  aliases: 'fast', redirects: 'gpt-4*', routers: 'smart', providers: 'lab', ollama: 'ollama', models: 'openai/gpt-4o', keys: 'open-webui', settings: 'keep_requests_days', tokens: 'ci',
};
/** What a question has to say besides. */
const queries = {
  'GET /admin/api/resolve': '?name=fast',
  'GET /admin/api/models': '?q=gpt-4o-mini',
  'GET /admin/api/history': '?kind=alias',
  'GET /admin/api/log': '?q=listening',
  'POST /admin/api/restore': '?dry_run=true&keep=true',
  'GET /admin/api/requests': '?router=smart',
};
/** What no example can know: the password there is. */
const refused = { 'POST /admin/api/password': 409 };
const ORDER = ['PUT', 'POST', 'GET', 'DELETE'];

/** The name in the path of an operation. */
async function nameFor(path, method) {
  const [, , , area, , action] = path.split('/');
  if (area === 'history') return (await relay.ask('GET', 'history?kind=alias')).history.find(({ before }) => before !== null).id;
  if (area === 'requests') return (await relay.ask('GET', 'requests?router=smart')).requests[0].id;
  if (area === 'decisions') return (await relay.ask('GET', 'decisions')).decisions[0].request_id;
  if (area === 'providers' && ['test', 'discover'].includes(action)) return 'openai';
  return names[area];
}

/** Where two values are not alike: other keys, or other types. A list of texts may be empty. */
function unlike(shown, real, at = '') {
  if (shown === null || real === null) return [];
  if (Array.isArray(shown) && Array.isArray(real)) {
    if (real.length > 0 && shown.length === 0 && typeof real[0] === 'object') return [`${at} is empty`];
    if (shown.length === 0 || real.length === 0) return [];
    // Some keys are there for some of them only, so one has to be like one that is shown.
    const pairs = real.flatMap((value) => shown.map((one) => unlike(one, value, `${at}[]`)));
    return pairs.sort((one, other) => one.length - other.length)[0];
  }
  if (Array.isArray(shown) || Array.isArray(real) || typeof shown !== typeof real) return [`${at} is a ${typeof real}`];
  if (typeof shown !== 'object') return [];
  const missing = Object.keys(real).filter((key) => !(key in shown)).map((key) => `${at}.${key} is missing`);
  const invented = Object.keys(shown).filter((key) => !(key in real)).map((key) => `${at}.${key} does not exist`);
  return [...missing, ...invented, ...Object.keys(shown).filter((key) => key in real).flatMap((key) => unlike(shown[key], real[key], `${at}.${key}`))];
}

test('each example of /docs is taken, and is what is answered', async () => {
  const page = await logIn(relay, '/docs');
  const operations = await page.locator('details.operation').evaluateAll((all) => all.map((one) => {
    const below = (title) => [...one.querySelectorAll('h3')].find((heading) => heading.textContent.startsWith(title));
    const text = (title) => below(title)?.nextElementSibling?.matches('pre') ? JSON.parse(below(title).nextElementSibling.textContent) : undefined;
    return { method: one.querySelector('.method').textContent, path: one.querySelector('summary code').textContent, status: Number(below('Answer').textContent.split(' ')[1]), body: text('Body'), answer: text('Answer') };
  }));
  await finish(page);
  assert.ok(operations.length > 60, `only ${operations.length} operations`);

  const wrong = [];
  const call = async ({ method, path, status, body, answer: shown }) => {
    const operation = `${method} ${path}`;
    const address = path.includes('{name}') ? path.replace('{name}', encodeURIComponent(await nameFor(path, method))) : path;
    const headers = { authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const isNew = method === 'PUT' && status === 201;
    if (['PUT', 'DELETE'].includes(method) && !isNew) headers['if-match'] = '*';
    const answer = await fetch(relay.admin + address + (queries[operation] ?? ''), { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const type = answer.headers.get('content-type') ?? '';
    const text = await answer.text();
    if (answer.status !== (refused[operation] ?? status)) return wrong.push(`${operation}: ${answer.status} ${text}`);
    if (shown === undefined) return text === '' || refused[operation] ? undefined : wrong.push(`${operation} answers ${text}`);
    if (!type.includes('json')) return undefined;
    // Of lines one is shown.
    const values = type.includes('ndjson') ? text.trim().split('\n').map((line) => JSON.parse(line)) : [JSON.parse(text)];
    const faults = values.map((value) => unlike(shown, value));
    if (!faults.some(({ length }) => length === 0)) wrong.push(`${operation}: ${faults[0].join(', ')}`);
    return undefined;
  };
  const inOrder = (methods) => methods.flatMap((method) => operations.filter((one) => one.method === method));
  const isLast = ({ path }) => /undo|restore/.test(path);
  for (const one of inOrder(['PUT', 'POST']).filter((one) => one.status === 201 && !isLast(one))) await call(one);
  // What is undone and what is answered later.
  await relay.ask('PUT', 'aliases/fast', { target: 'openai/gpt-4o-mini', description: 'quicker' }, { 'if-match': '*' });
  for (const model of ['fast', 'smart']) await relay.chat(model, { headers: { 'x-proxy-tag': 'team-a' } });
  await until(async () => (await relay.ask('GET', 'requests?router=smart')).requests.length === 1);
  for (const one of inOrder(['GET', 'POST', 'PUT']).filter((one) => one.status !== 201 && !isLast(one))) await call(one);
  for (const one of operations.filter(isLast)) await call(one);
  for (const one of inOrder(['DELETE'])) await call(one);
  assert.deepEqual(wrong, []);
});
