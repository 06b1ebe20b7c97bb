// What the scripts of this folder share: relays, fake providers, and a browser that watches what pages do.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// Set by main.rs; a script that is started by hand finds what `cargo build` made.
const target = (path) => fileURLToPath(new URL(`../../target/${path}`, import.meta.url));
const RELAY = process.env.LLM_RELAY ?? target('debug/llm-relay');
const PICTURES = process.env.PICTURES ?? target('pictures');
// How many times slower than it is the browser runs its scripts: what a test forgot to wait for shows then.
const SLOWNESS = Number(process.env.SLOWNESS ?? 1);
export const PASSWORD = 'correct horse battery staple';
export const WIDE = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

// What was started, newest last; ended in the reverse order, whatever a test did.
const running = [];
after(async () => { for (const end of running.reverse()) await end(); });

/**
 * A relay with a folder of its own and nothing inherited but PATH. `api` and `admin` are its addresses.
 * `kill()` ends it as `kill -9` does; `start()` starts it again on the same folder and, as far as the system lets it,
 * the same ports. `rewrite(yaml)` replaces its relay.yaml.
 */
export async function startRelay({ yaml = '', env = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'relay-'));
  const rewrite = (text) => writeFileSync(join(folder, 'relay.yaml'), text);
  rewrite(yaml);
  const relay = { folder, rewrite, log: '', password: PASSWORD };
  let child;
  const ports = { api: '0', admin: '0' };
  relay.start = async () => {
    child = spawn(RELAY, [], {
      cwd: folder,
      env: { PATH: process.env.PATH, LOG_FORMAT: 'json', PORT: ports.api, ADMIN_PORT: ports.admin, ADMIN_PASSWORD: PASSWORD, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const line = await new Promise((resolve, reject) => {
      let text = '';
      const read = (chunk) => {
        text += chunk;
        relay.log += chunk;
        const found = text.split('\n').find((candidate) => candidate.includes('"api.address"') && candidate.includes('"admin.address"') && candidate.endsWith('}'));
        if (found) resolve(found);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.on('exit', (code) => reject(new Error(`the relay ended (${code}):\n${text}`)));
    });
    const said = JSON.parse(line);
    [ports.api, ports.admin] = [said['api.address'], said['admin.address']].map((address) => address.split(':').pop());
    relay.api = `http://${said['api.address']}`;
    relay.admin = `http://${said['admin.address']}`;
  };
  relay.kill = () => new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.on('exit', () => resolve());
    child.kill('SIGKILL');
  });
  await relay.start();
  running.push(async () => { await relay.kill(); rmSync(folder, { recursive: true, force: true }); });
  /** The admin API, as a script would use it: the parsed answer, or an error with the status. */
  relay.ask = async (method, path, body, headers = {}) => {
    const answer = await fetch(`${relay.admin}/admin/api/${path}`, {
      method,
      headers: { authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  /** A chat over the API listener: status, headers and the parsed answer. */
  relay.chat = async (model, { text = 'Hello', headers = {}, ...more } = {}) => {
    const answer = await fetch(`${relay.api}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: text }], ...more }),
    });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };
  return relay;
}

/** Serves requests on a free port until the tests end; `answer(request, body, response)` does. Gives the address. */
export async function serve(answer) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => answer(request, body === '' ? null : JSON.parse(body), response));
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  running.push(() => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }));
  return `http://127.0.0.1:${server.address().port}`;
}

function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

/**
 * An OpenAI-compatible provider. It answers every chat with `words`, one per chunk `pace` ms apart, for 11 tokens in
 * and as many out as there are words. `requests` has every body it was sent; a key other than `key` is refused.
 */
export async function fakeProvider({ models = ['gpt-4o-mini', 'gpt-4o'], words = ['Hello', ' from', ' the', ' fake.'], pace = 0, key } = {}) {
  const fake = { requests: [] };
  const usage = { prompt_tokens: 11, completion_tokens: words.length, total_tokens: 11 + words.length };
  const address = await serve(async (request, body, response) => {
    if (key && request.headers.authorization !== `Bearer ${key}`) {
      return json(response, 401, { error: { message: 'Incorrect API key provided.', type: 'invalid_request_error', code: 'invalid_api_key' } });
    }
    if (request.url.endsWith('/models')) return json(response, 200, { object: 'list', data: models.map((id) => ({ id, object: 'model', created: 0, owned_by: 'fake' })) });
    fake.requests.push(body);
    const base = { id: 'chatcmpl-1', created: 1, model: body.model };
    if (!body.stream) {
      return json(response, 200, { ...base, object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: words.join('') }, finish_reason: 'stop' }], usage });
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = (value) => response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...value })}\n\n`);
    for (const word of words) {
      event({ choices: [{ index: 0, delta: { role: 'assistant', content: word }, finish_reason: null }] });
      if (pace) await new Promise((resolve) => { setTimeout(resolve, pace); });
    }
    event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    if (body.stream_options?.include_usage) event({ choices: [], usage });
    response.end('data: [DONE]\n\n');
  });
  return Object.assign(fake, { url: `${address}/v1` });
}

let browser;

/**
 * A window of its own. Everything it should never do is noted in `window.wrong` and fails `finish`: errors on the
 * console, requests to another origin. Refusals of the API are a part of tests and no errors. `login` is the
 * `storageState` of a window that is logged in.
 */
export async function openWindow(relay, { size = WIDE, dark = false, login } = {}) {
  if (!browser) {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
    running.push(() => browser.close());
  }
  const context = await browser.newContext({ storageState: login, viewport: size, colorScheme: dark ? 'dark' : 'light', baseURL: relay.admin, acceptDownloads: true, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  if (SLOWNESS > 1) await (await context.newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate: SLOWNESS });
  page.wrong = [];
  page.on('pageerror', (error) => page.wrong.push(`script: ${error.message}`));
  page.on('console', (message) => {
    const isRefusal = message.text().startsWith('Failed to load resource') && message.location().url.includes('/admin/api/');
    if (['error', 'warning'].includes(message.type()) && !isRefusal) page.wrong.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== relay.admin && !['data:', 'blob:'].includes(protocol)) page.wrong.push(`asked ${request.url()}`);
  });
  return page;
}

/** A window that is logged in, at a page. */
export async function logIn(relay, address = '/', options = {}) {
  const page = await openWindow(relay, options);
  await page.goto(address);
  await page.getByLabel('Admin password').fill(relay.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  // With its scripts; the form has a heading, too.
  await page.waitForURL((url) => url.pathname !== '/login');
  return page;
}

/** Waits until the keyboard is where a page puts it: what is typed before that goes elsewhere. */
export const focused = (element) => element.and(element.page().locator(':focus')).waitFor();

/** Nothing happened that never should. */
export async function finish(page) {
  assert.deepEqual(page.wrong, []);
  await page.context().close();
}

/** Fails on what axe-core finds serious. */
export async function checkAccess(page) {
  // Injected by the debugger, which the pages' policy does not stop.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  const words = serious.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`));
  assert.deepEqual(words, [], `${page.url()} is hard to use`);
}

/** Pictures of what is shown: light and dark, wide and phone. Nothing is wider than the window. */
export async function picture(page, name) {
  mkdirSync(PICTURES, { recursive: true });
  for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
    await page.setViewportSize(viewport);
    // Charts are drawn again a moment after the window has another size.
    const fits = () => document.documentElement.scrollWidth <= document.documentElement.clientWidth;
    await page.waitForFunction(fits).catch(() => assert.fail(`${page.url()} is too wide for ${size}`));
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(PICTURES, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      await checkAccess(page);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(WIDE);
}

/** Waits until a condition gives something; fails with what it said last. */
export async function until(condition, patience = 10_000) {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = await condition();
    if (found) return found;
    assert.ok(Date.now() < deadline, `not in ${patience} ms: ${condition}`);
    await new Promise((resolve) => { setTimeout(resolve, 25); });
  }
}
