// Providers: added, changed, switched, deleted and tried out in place.

import Alpine from '/static/vendor/alpine.js';
import { differences, lookAgain, overtaken } from '/static/js/conflict.js';
import { ApiError, api, refresh, say, stream, whileTyping } from '/static/js/relay.js';
import { undoing } from '/static/js/undo.js';

const at = (name) => `providers/${encodeURIComponent(name)}`;
const lines = (text) => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');

/** `a = b` or `a: b` per line, as an object. */
function pairs(text, sign) {
  return Object.fromEntries(lines(text).map((line) => {
    const [key, ...rest] = line.split(sign);
    return [key.trim(), rest.join(sign).trim()];
  }));
}

const unpaired = (object, sign) => Object.entries(object ?? {}).map(([key, value]) => `${key}${sign}${value}`).join('\n');

// What the form shows of a provider, but for its key, which nobody is shown.
const LABELS = { base_url: 'base URL', models: 'models', headers: 'headers', deployments: 'deployments', api_version: 'API version', local: 'hardware of your own' };

/** What both forms have: fields, the body that is sent, and problems under the fields they are about. */
const form = () => ({
  fields: { base_url: '', api_key: '', drop_key: false, models: '', headers: '', deployments: '', api_version: '', local: false },
  problems: {},
  isWrong: {},
  isBusy: false,
  hasKey: false,
  fill(provider) {
    this.check.stop();
    this.fields = {
      base_url: provider.base_url ?? '',
      api_key: '',
      drop_key: false,
      models: (provider.models ?? []).join('\n'),
      headers: unpaired(provider.headers, ': '),
      deployments: unpaired(provider.deployments, ' = '),
      api_version: provider.api_version ?? '',
      local: provider.local ?? this.protocol === 'ollama',
    };
    this.noteProblems([]);
  },
  /** The entry, with what the form does not show as it was. */
  body(earlier) {
    const { fields } = this;
    const body = { ...earlier };
    const set = (key, value, isSet) => { if (isSet) body[key] = value; else delete body[key]; };
    set('base_url', fields.base_url.trim(), fields.base_url.trim() !== '');
    set('models', lines(fields.models), lines(fields.models).length > 0);
    set('headers', pairs(fields.headers, ':'), fields.headers.trim() !== '');
    set('deployments', pairs(fields.deployments, '='), this.isAzure && fields.deployments.trim() !== '');
    set('api_version', fields.api_version.trim(), this.isAzure && fields.api_version.trim() !== '');
    set('local', fields.local, fields.local !== (this.protocol === 'ollama'));
    if (fields.drop_key) body.api_key = null;
    else if (fields.api_key.trim() !== '') body.api_key = fields.api_key;
    return body;
  },
  get isAzure() { return this.protocol === 'azure'; },
  get keyPlaceholder() { return this.hasKey ? 'unchanged' : ''; },
  get urlHint() {
    if (this.usualUrl !== '') return `Empty: ${this.usualUrl}`;
    return this.isAzure ? 'Like https://resource-name.openai.azure.com' : 'Where its API begins, like http://gpu-box:8000/v1';
  },
  noteProblems(problems, other = '') {
    const found = {};
    const wrong = {};
    const unplaced = [];
    for (const { place, message, severity } of problems) {
      const key = place.split('.').pop();
      if (key in this.fields || key === 'id') {
        found[key] = message;
        wrong[key] = severity === 'error' ? 'true' : null;
      } else if (key === 'protocol') unplaced.push(message);
      else unplaced.push(message);
    }
    found.other = [other, ...unplaced].filter((text) => text !== '').join(' ');
    this.problems = found;
    this.isWrong = wrong;
  },
  noteError(error) {
    if (!(error instanceof ApiError)) throw error;
    this.noteProblems(error.problems, error.problems.length > 0 ? '' : error.message);
  },
  /** What says while one types what would be wrong, once there is enough to ask about. */
  rehearsal() {
    const ask = (signal) => (this.isFilled ? api('PUT', `${at(this.id)}?dry_run=true`, { body: this.body(this.base), signal }) : { problems: [] });
    return whileTyping(ask, (answer, error) => (error ? this.noteError(error) : this.noteProblems(answer.problems)), 400);
  },
});

/** The form with everything of `more`; getters stay getters. */
function withForm(more) {
  const whole = form();
  return Object.defineProperties(whole, Object.getOwnPropertyDescriptors(more));
}

Alpine.data('adding', () => withForm({
  isOpen: false,
  vendors: [],
  vendor: '',
  name: '',
  init() {
    this.vendors = JSON.parse(this.$root.dataset.vendors);
    this.check = this.rehearsal();
    const wanted = new URLSearchParams(location.search).get('add');
    if (wanted) this.open(wanted);
  },
  destroy() { this.check.stop(); },
  get isClosed() { return !this.isOpen; },
  get known() { return this.vendors.find(({ id }) => id === this.vendor); },
  get protocol() { return this.known?.protocol ?? this.vendor.slice(1); },
  get needsName() { return !this.known; },
  get id() { return this.known?.id ?? this.name.trim(); },
  get base() { return this.known ? {} : { protocol: this.protocol }; },
  get usualUrl() { return this.known?.base_url ?? ''; },
  get isFilled() { return this.id !== '' && (this.usualUrl !== '' || this.fields.base_url.trim() !== ''); },
  get keyHint() {
    const wish = this.known?.needs_key ? 'It needs one. ' : 'Only if the server wants one. ';
    return `${wish}It is encrypted and never shown again.`;
  },
  openFor(event) { this.open(event.currentTarget.dataset.vendor); },
  open(vendor) {
    this.isOpen = true;
    this.vendor = vendor || this.vendors[0]?.id || '+openai';
    this.chosen();
    this.$nextTick(() => {
      // The options are made by the list of vendors, which may come after the choice.
      this.$refs.first.value = this.vendor;
      this.$refs.first.focus();
      this.$refs.first.scrollIntoView({ block: 'nearest' });
    });
  },
  chosen() { this.fill({}); },
  cancel() {
    this.check.stop();
    this.isOpen = false;
    this.$nextTick(() => this.$refs.opener.focus());
  },
  async save() {
    this.check.stop();
    if (this.id === '') return this.noteProblems([{ place: 'providers..id', severity: 'error', message: 'Give it an id, like lab.' }]);
    this.isBusy = true;
    try {
      const { name } = await api('PUT', at(this.id), { body: this.body(this.base), version: null });
      const undo = await undoing('provider', name);
      this.isOpen = false;
      await refresh(location.pathname);
      say(`${name} is ready to be called.`, { undo });
    } catch (error) {
      if (error.isOvertaken) this.noteProblems([], `There is a provider ${this.id} already.`);
      else this.noteError(error);
    } finally { this.isBusy = false; }
  },
}));

const STEPS = {
  asking: ({ model, address }) => `Asking ${model} at ${address}`,
  resolved: ({ addresses }) => (addresses.length === 0 ? 'A proxy looks the name up' : `Found at ${addresses.join(', ')}`),
  connected: () => 'Connected',
  headers: ({ status }) => `Answered with status ${status}`,
  first_token: () => 'First token',
};

/** Nano-dollars, to the first digits that are any. */
function usd(nano) {
  if (nano === undefined) return 'cost not known';
  const dollars = nano / 1e9;
  return `$${dollars === 0 ? '0' : dollars.toFixed(Math.max(2, 2 - Math.floor(Math.log10(dollars))))}`;
}

const tokens = (count, words) => (count === undefined ? '' : `${count} ${words}`);

Alpine.data('provider', () => withForm({
  panel: '',
  model: '',
  steps: [],
  text: '',
  failure: '',
  hint: '',
  outcome: '',
  request: '',
  models: [],
  init() {
    this.entry = JSON.parse(this.$root.dataset.entry);
    this.protocol = this.entry.protocol;
    this.hasKey = this.entry.key !== null;
    this.usualUrl = this.entry.known?.base_url ?? '';
    if (new URLSearchParams(location.search).get('name') === this.entry.name) this.$root.scrollIntoView({ block: 'center' });
    this.check = this.rehearsal();
  },
  destroy() {
    this.running?.abort();
    this.check.stop();
  },
  isFilled: true,
  get id() { return this.entry.name; },
  get base() { return this.entry.provider; },
  get isEditing() { return this.panel === 'edit'; },
  get isTesting() { return this.panel === 'test'; },
  get isListing() { return this.panel === 'models'; },
  get keyHint() {
    if (!this.hasKey) return 'It is encrypted and never shown again.';
    return `${this.entry.key === '' ? 'There is one' : `It ends with …${this.entry.key}`}. Enter another one to replace it.`;
  },
  turn(panel) {
    if (this.panel === panel) return this.close();
    this.running?.abort();
    this.forget();
    this.panel = panel;
    this.$nextTick(() => this.$refs.first?.focus());
  },
  forget() {
    Object.assign(this, { steps: [], text: '', failure: '', hint: '', outcome: '', request: '', models: [] });
  },
  /** Closes whatever is open; the keyboard goes back to the button that opened it. */
  close() {
    this.running?.abort();
    const opener = this.$root.querySelector('[aria-expanded="true"]');
    this.panel = '';
    this.$nextTick(() => opener?.focus());
  },
  edit() {
    if (this.isEditing) return this.close();
    this.running?.abort();
    this.fill(this.base);
    this.panel = 'edit';
    this.$nextTick(() => this.$root.querySelector('form input')?.focus());
  },
  cancel() { this.close(); },
  async save() {
    await this.put(this.body(this.base), 'Saved.');
  },
  async flip() {
    const isOn = this.base.enabled !== false;
    await this.put({ ...this.base, enabled: !isOn }, `${this.entry.name} is switched ${isOn ? 'off' : 'on'}.`);
  },
  async put(body, words) {
    const { name, version } = this.entry;
    this.check.stop();
    this.isBusy = true;
    try {
      await api('PUT', at(name), { body, version });
      const undo = await undoing('provider', name);
      this.panel = '';
      await refresh();
      say(words, { undo });
    } catch (error) {
      await this.refused(error);
    } finally { this.isBusy = false; }
  },
  async refused(error) {
    const what = `the provider ${this.entry.name}`;
    if (!(error instanceof ApiError)) throw error;
    if (!error.isOvertaken) return this.isEditing ? this.noteError(error) : say(error.message, { bad: true });
    if (!this.isEditing) return lookAgain(what);
    const { version, text } = overtaken(error, what, (theirs) => differences(theirs.provider, this.body(theirs.provider), LABELS));
    // What the form does not show is theirs from now on.
    this.entry = { ...this.entry, version, provider: error.current?.provider ?? this.base };
    this.noteProblems([], text);
  },
  async remove() {
    const { name, version } = this.entry;
    try {
      await api('DELETE', at(name), { version });
      const undo = await undoing('provider', name);
      await refresh();
      say(`${name} is deleted.`, { undo });
    } catch (error) {
      await this.refused(error);
    }
  },
  async test() {
    this.forget();
    this.isBusy = true;
    this.running = new AbortController();
    const body = this.model.trim() === '' ? {} : { model: this.model };
    try {
      await stream('POST', `${at(this.entry.name)}/test`, { body, signal: this.running.signal }, (line) => this.note(JSON.parse(line)));
      if (this.outcome === '' && this.failure === '') this.failure = 'The relay broke off.';
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (!(error instanceof ApiError)) throw error;
      this.failure = error.message;
    } finally { this.isBusy = false; }
  },
  note(step) {
    const words = STEPS[step.step];
    if (words) this.steps.push({ id: this.steps.length, ms: step.ms === undefined ? '' : `${step.ms} ms`, words: words(step) });
    if (step.request_id) this.record = `/requests/${encodeURIComponent(step.request_id)}`;
    if (step.step === 'text') this.text += step.text;
    if (step.step === 'failed') {
      this.failure = step.message;
      this.hint = step.hint;
    }
    if (step.step === 'done') {
      const facts = [`${step.ms} ms`, tokens(step.input_tokens, 'tokens in'), tokens(step.output_tokens, 'out'), usd(step.cost_nano_usd)];
      this.outcome = facts.filter((fact) => fact !== '').join(' · ');
    }
    if (['done', 'failed'].includes(step.step)) this.request = this.record;
  },
  async discover() {
    if (this.isListing) return this.close();
    this.turn('models');
    this.isBusy = true;
    try {
      const found = await api('POST', `${at(this.entry.name)}/discover`);
      this.models = found.models.map(({ context_length: context, priced, ...model }) => ({
        ...model, context: context?.toLocaleString('en') ?? '', price: priced ? 'known' : 'not known',
      })).sort((one, other) => Number(other.new) - Number(one.new));
      this.outcome = `It has ${found.models.length} models; ${found.new === 0 ? 'none is new' : `${found.new} new`}.`;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error.message;
    } finally { this.isBusy = false; }
  },
}));
