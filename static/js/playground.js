// The playground: asks any name as a client would, and shows what the client would get and what it took.

import Alpine from '/static/vendor/alpine.js';
import { api, copy } from '/static/js/relay.js';
import { PROTOCOLS, fill, parameters } from '/static/js/protocols.js';

const ROOT = '/admin/api/playground';
const RECORDED_WITHIN = 3000;

let ids = 0;
const id = () => { ids += 1; return ids; };

const picture = (url) => ({ id: id(), url });
const seconds = (millis) => (millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(2)} s`);
const usd = (nano) => `$${(nano / 1e9).toFixed(9).replace(/(\.\d{4}\d*?)0+$/, '$1')}`;
const counted = (number) => number.toLocaleString('en-US');
const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const wait = (millis) => new Promise((resolve) => { setTimeout(resolve, millis); });

const userTurn = (text, images, raw = null) => ({ id: id(), role: 'user', who: 'You', text, images, thinking: '', failure: '', isAnswer: false, raw });
const answerTurn = (who, text = '', raw = null) => ({
  id: id(), role: 'assistant', who, text, images: [], thinking: '', failure: '', status: '', raw,
  isAnswer: true, isWaiting: false, waiting: '', isDone: false, facts: [], steps: [], address: '', curl: '',
});

const newSide = (number, model, protocol) => ({
  id: id(), number, model, protocol, turns: [], isBusy: false,
  modelId: `model-${number}`, protocolId: `protocol-${number}`, label: number === 1 ? 'Model' : 'Second model', region: number === 1 ? 'First conversation' : 'Second conversation', stopLabel: `Stop ${number === 1 ? 'the model' : 'the second model'}`,
});

Alpine.data('playground', () => ({
  sides: [],
  message: '',
  images: [],
  isStreamed: true,
  isWide: matchMedia('(min-width: 68rem)').matches,
  notice: '',
  problem: '',
  sendKeys: /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘ Enter' : 'Ctrl Enter',
  ...parameters(),

  init() {
    this.setting = JSON.parse(this.$el.dataset.setting);
    // Not a part of what is shown: what is under way, by side.
    this.running = new Map();
    const said = new URLSearchParams(location.search);
    const protocol = (name) => (said.get(name) === 'ollama' ? 'ollama' : 'openai');
    this.isStreamed = said.get('stream') !== '0';
    this.sides = [newSide(1, said.get('model') ?? this.setting.first ?? '', protocol('protocol'))];
    if (said.has('model2')) this.sides.push(newSide(2, said.get('model2'), protocol('protocol2')));
    if (said.has('request')) this.take(said.get('request'));
  },
  destroy() { this.stop(); },

  get isComparing() { return this.sides.length === 2; },
  get columns() { return this.isComparing ? 'two' : ''; },
  get isBusy() { return this.sides.some((side) => side.isBusy); },
  get isEmpty() { return this.sides.every((side) => side.turns.length === 0); },
  get isMoreWrong() { return this.extra() === null; },

  /** The fields written by hand; `null` where they are no JSON object. */
  extra() {
    if (this.more.trim() === '') return {};
    try {
      const fields = JSON.parse(this.more);
      return fields !== null && typeof fields === 'object' && !Array.isArray(fields) ? fields : null;
    } catch {
      return null;
    }
  },

  /** Names and protocols stand in the address, so that it can be kept or sent to somebody. */
  remember() {
    const query = new URLSearchParams();
    this.sides.forEach(({ model, protocol, number }) => {
      const end = number === 1 ? '' : number;
      query.set(`model${end}`, model);
      if (protocol !== 'openai') query.set(`protocol${end}`, protocol);
    });
    if (!this.isStreamed) query.set('stream', '0');
    history.replaceState(null, '', `/playground?${query}`);
  },

  compare() {
    if (this.isComparing) {
      this.stopSide(this.sides[1]);
      this.sides = [this.sides[0]];
    } else {
      const [first] = this.sides;
      const second = newSide(2, first.model, first.protocol);
      // Both go on from the same conversation.
      second.turns = first.turns.filter((turn) => !turn.isAnswer || turn.isDone).map((turn) => ({ ...turn, id: id() }));
      this.sides = [first, second];
    }
    this.remember();
  },

  begin() {
    this.stop();
    for (const side of this.sides) side.turns = [];
    this.notice = '';
    document.getElementById('message').focus();
  },

  onEnter(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (!this.isBusy) this.send();
  },

  onFiles(event) {
    this.attach([...event.target.files]);
    event.target.value = '';
  },
  onPaste(event) {
    const files = [...event.clipboardData.files].filter(({ type }) => type.startsWith('image/'));
    if (files.length === 0) return;
    event.preventDefault();
    this.attach(files);
  },
  async attach(files) {
    for (const file of files) {
      const url = await new Promise((resolve) => {
        const reader = new FileReader();
        reader.addEventListener('load', () => resolve(reader.result));
        reader.addEventListener('error', () => resolve(null));
        reader.readAsDataURL(file);
      });
      if (url) this.images.push(picture(url));
      else this.problem = `${file.name} cannot be read.`;
    }
  },
  dropImage(image) { this.images = this.images.filter((other) => other.id !== image.id); },

  send() {
    const text = this.message.trim();
    this.problem = '';
    if (this.isBusy) return;
    if (text === '' && this.images.length === 0) this.problem = 'Write a message first.';
    else if (this.sides.some(({ model }) => model.trim() === '')) this.problem = 'Say which model to ask.';
    else if (this.isMoreWrong) this.problem = 'The fields written as JSON are no JSON object.';
    if (this.problem) return;
    this.remember();
    for (const side of this.sides) {
      side.turns.push(userTurn(text, this.images.map(({ url }) => picture(url))));
      this.answer(side);
    }
    this.message = '';
    this.images = [];
  },

  isLast(side, turn) { return !side.isBusy && side.turns.at(-1).id === turn.id; },
  again(side) {
    side.turns.pop();
    this.answer(side);
  },
  stop() { for (const side of this.sides) this.stopSide(side); },
  stopSide(side) { this.running.get(side.id)?.abort(); },

  /** Asks for the side's next turn and shows it as it comes. */
  async answer(side) {
    const protocol = PROTOCOLS[side.protocol];
    const messages = side.turns.filter((turn) => !turn.failure && (turn.text !== '' || turn.images.length > 0 || turn.raw));
    const body = JSON.stringify({ ...protocol.body(side.model.trim(), messages, this), ...this.extra() });
    side.turns.push(answerTurn(side.model.trim()));
    // The one that is watched, not the plain one that was put in.
    const turn = side.turns.at(-1);
    turn.curl = this.curl(protocol.path, body);
    const stopping = new AbortController();
    this.running.set(side.id, stopping);
    side.isBusy = true;
    turn.isWaiting = true;
    turn.waiting = 'Waiting for the first token …';
    const started = performance.now();
    const took = () => performance.now() - started;
    const seen = { first: null, tokens: null };
    let answer;
    try {
      answer = await fetch(ROOT + protocol.path, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: stopping.signal });
      if (answer.ok) await protocol.read(answer, (piece) => {
        if (piece.text || piece.thinking) seen.first ??= took();
        turn.isWaiting = false;
        turn.text += piece.text ?? '';
        turn.thinking += piece.thinking ?? '';
        seen.tokens = piece.tokens ?? seen.tokens;
        if (piece.error) this.fail(turn, 'Error in the stream', piece.error);
      });
      else this.fail(turn, `${answer.status} ${answer.statusText}`, await answer.text());
    } catch (error) {
      if (error.name === 'AbortError') turn.waiting = 'Stopped.';
      else this.fail(turn, 'The answer broke off', error.message);
    }
    const total = took();
    turn.isWaiting = stopping.signal.aborted;
    side.isBusy = false;
    turn.isDone = true;
    this.running.delete(side.id);
    const isCounted = Number.isFinite(seen.tokens?.output) && seen.tokens.output > 0;
    const generating = total - (this.isStreamed ? seen.first ?? 0 : 0);
    turn.facts = [
      ['Model', [answer?.headers.get('x-llm-relay-provider'), answer?.headers.get('x-llm-relay-model')].filter(Boolean).join('/')],
      ['Resolved by', answer?.headers.get('x-llm-relay-resolved-by')],
      ['Router', answer?.headers.get('x-llm-relay-router-cause')],
      ['Tokens', seen.tokens && `${counted(seen.tokens.input)} in, ${counted(seen.tokens.output)} out`],
      ['First token', seen.first === null || !this.isStreamed ? null : seconds(seen.first)],
      ['Total', answer ? seconds(total) : null],
      ['Speed', isCounted && generating > 0 ? `${(seen.tokens.output / generating * 1000).toFixed(1)} tokens/s` : null],
      ['Left out', answer?.headers.get('x-llm-relay-warning')],
    ].filter(([, value]) => value).map(([name, value]) => ({ name, value }));
    if (answer) await this.account(turn, answer.headers.get('x-llm-relay-request-id'));
  },

  fail(turn, status, text) {
    turn.isWaiting = false;
    turn.status = status;
    turn.failure = typeof text === 'string' ? text : JSON.stringify(text, null, 2);
  },

  /**
   * Adds what the record says, which is written a moment after the answer has ended. A refusal before a provider was asked
   * leaves none.
   */
  async account(turn, request) {
    if (!request) return;
    const deadline = Date.now() + RECORDED_WITHIN;
    for (let pause = 60; Date.now() < deadline; pause = Math.min(pause * 1.5, 500)) {
      await wait(pause);
      let whole;
      try { whole = await api('GET', `requests/${request}`); } catch (error) {
        if (error.status === 404) continue;
        return;
      }
      const { record, decision } = whole;
      const said = (name, value) => { if (value) turn.facts = [...turn.facts.filter((fact) => fact.name !== name), { name, value }]; };
      turn.address = `/requests/${request}`;
      // A step that changes nothing says no more than who answered.
      turn.steps = (record.steps ?? []).filter(({ from, to }) => from !== to).map((step, at) => ({ ...step, key: at }));
      const { usage = {} } = record;
      if (usage.input !== undefined || usage.output !== undefined) {
        const parts = [['in', usage.input], ['cached', usage.cache_read], ['out', usage.output], ['thinking', usage.reasoning]];
        const words = parts.filter(([name, count]) => count !== undefined && (count > 0 || ['in', 'out'].includes(name)));
        said('Tokens', words.map(([name, count]) => `${counted(count)} ${name}`).join(', ') + (record.estimated ? ', estimated' : ''));
      }
      said('Cost', record.cost === undefined ? 'unknown' : usd(record.cost) + (record.cost_source === 'estimated' ? ', estimated' : ''));
      if (decision) said('Router', `${decision.router}: ${decision.cause}, ${decision.choice}`);
      return;
    }
  },

  curl(path, body) {
    const key = this.setting.needs_key ? ' \\\n  -H "Authorization: Bearer $RELAY_KEY"' : '';
    return `curl ${this.isStreamed ? '-N ' : ''}${this.setting.api}${path}${key} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(body)}`;
  },
  copyCurl(turn) { copy(turn.curl); },

  /** Fills the form from a request whose body was kept. */
  async take(request) {
    let whole;
    try {
      whole = await api('GET', `requests/${encodeURIComponent(request)}`);
    } catch (error) {
      this.notice = `The request cannot be shown: ${error.message}`;
      return;
    }
    const [side] = this.sides;
    side.model = whole.record.asked;
    side.protocol = whole.record.client_protocol === 'ollama' ? 'ollama' : 'openai';
    if (!whole.prompt) {
      this.notice = 'The body of that request was not kept, so only its model is filled in. KEEP_PROMPTS=all keeps bodies.';
      return;
    }
    try {
      const filled = fill(JSON.parse(whole.prompt.body), side.protocol);
      Object.assign(this, filled.parameters);
      this.isStreamed = filled.isStreamed;
      const turns = filled.turns.map(({ role, text, images, raw }) => (role === 'assistant' ? { ...answerTurn('Earlier answer', text, raw), isDone: true, isAnswer: false } : { ...userTurn(text, images.map(picture), raw), role, who: role === 'user' ? 'You' : role }));
      const last = turns.at(-1);
      if (last?.role === 'user') {
        turns.pop();
        this.message = last.text;
        this.images = last.images;
      }
      side.turns = turns;
      this.notice = 'Filled in from a kept request. Sending it is a new request.';
    } catch {
      this.notice = 'The body of that request is not one the playground can read; its model is filled in.';
    }
  },
}));
