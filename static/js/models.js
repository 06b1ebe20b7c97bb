// The catalogue: a list that follows its filters, and a model that can be edited in place.

import Alpine from '/static/vendor/alpine.js';
import { differences, lookAgain, overtaken } from '/static/js/conflict.js';
import { api, load, refresh, say, whileTyping } from '/static/js/relay.js';

// While somebody types only what was found is made anew, so that the field keeps what is typed.
Alpine.data('catalogue', () => ({
  init() {
    this.search = whileTyping((signal) => load(this.show(), signal), (page, error) => this.found(page, error));
    // What was typed before this script was there.
    const field = this.$root.elements.q;
    if (field.value !== field.defaultValue) this.search();
  },
  destroy() { this.search.stop(); },
  /** The address of what is looked for, which is the page's from now on. */
  show() {
    const filled = [...new FormData(this.$root)].filter(([, value]) => value.trim() !== '');
    const query = new URLSearchParams(filled).toString();
    const address = query === '' ? '/models' : `/models?${query}`;
    history.replaceState(null, '', address);
    return address;
  },
  found(page, error) {
    if (error) return say(error.message, { bad: true });
    const found = page.getElementById('catalogue');
    if (!found) return location.reload();
    document.getElementById('catalogue').replaceWith(document.adoptNode(found));
  },
}));

const TOKENS = /^[0-9]+$/;
const DOLLARS = /^[0-9]+(\.[0-9]+)?$|^\.[0-9]+$/;

/** What is wrong with a value before anybody is asked; '' for nothing. */
function slip(name, text) {
  if (name.endsWith('context_length') || name.endsWith('max_output') || name.endsWith('.above')) {
    return TOKENS.test(text) ? '' : 'A whole number of tokens, without separators: 128000';
  }
  if (name.startsWith('price.') && !name.endsWith('.inclusive')) {
    return DOLLARS.test(text) ? '' : 'Dollars as digits with a point: 0.075';
  }
  return '';
}

/** Puts a value into nested objects: `price.tier.input` goes into the tier of the price. */
function put(object, path, value) {
  const [key, ...rest] = path;
  if (rest.length === 0) object[key] = value;
  else put(object[key] ??= {}, rest, value);
}

const LABELS = { context_length: 'context', max_output: 'longest answer', capabilities: 'abilities', price: 'price', description: 'description', hidden: 'hidden', disabled: 'switched off' };

const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

Alpine.data('model', () => ({
  isOpen: false,
  isWrong: false,
  init() {
    const { name, version, entry, in_force, on } = JSON.parse(this.$root.dataset.model);
    Object.assign(this, { name, version, entry, in_force, on });
    this.check = whileTyping((signal) => this.rehearse(signal), ({ problems } = {}, error) => this.tell(problems ?? problemsOf(error)));
  },
  destroy() { this.check.stop(); },
  edit() {
    this.isOpen = !this.isOpen;
    if (this.isOpen) this.$nextTick(() => this.$refs.form.querySelector('input').focus());
  },
  cancel() {
    this.check.stop();
    this.$refs.form.reset();
    this.tell([]);
    this.isOpen = false;
    document.getElementById('edit').focus();
  },

  /** What the form says of the model, and what is wrong with it before anybody is asked. */
  read() {
    const [said, slips] = [{}, []];
    for (const [name, value] of new FormData(this.$refs.form)) {
      const text = value.trim();
      const message = text === '' ? '' : slip(name, text);
      if (message) slips.push({ severity: 'error', place: name, message });
      if (text === '') continue;
      const isNumber = TOKENS.test(text) && !name.startsWith('price.') || name.endsWith('.above');
      put(said, name.split('.'), ['true', 'false'].includes(text) ? text === 'true' : isNumber ? Number(text) : text);
    }
    const entry = {};
    for (const key of ['hidden', 'disabled', 'price_source', 'limits_source']) {
      if (this.entry[key] !== undefined) entry[key] = this.entry[key];
    }
    // Abilities that the form does not offer stay as they were said.
    const offered = [...this.$refs.form.elements].map((field) => field.name).filter((name) => name.startsWith('capabilities.'));
    const others = Object.entries(this.entry.capabilities ?? {}).filter(([key]) => !offered.includes(`capabilities.${key}`));
    const capabilities = { ...Object.fromEntries(others), ...said.capabilities };
    if (Object.keys(capabilities).length > 0) entry.capabilities = capabilities;
    // The form shows what is in force; what is left so and was never said here stays unsaid.
    for (const key of ['context_length', 'max_output']) {
      const isUnsaid = this.entry[key] === undefined && same(said[key], this.in_force[key]);
      if (said[key] !== undefined && !isUnsaid) entry[key] = said[key];
      if (!same(entry[key], this.entry[key])) delete entry.limits_source;
    }
    const price = tidy(said.price);
    const isUnsaid = this.entry.price === undefined && samePrice(price, this.in_force.price);
    if (price && !isUnsaid) entry.price = price;
    if (!samePrice(entry.price, this.entry.price)) delete entry.price_source;
    if (said.description) entry.description = said.description;
    return { entry, slips };
  },

  /** Asks what would become of it. */
  rehearse(signal) {
    const { entry, slips } = this.read();
    if (slips.length > 0) return { problems: slips };
    return api('PUT', `models/${encodeURIComponent(this.name)}?dry_run`, { body: entry, signal });
  },

  /** Puts each problem under its field, and the others at the end. */
  tell(problems) {
    const { form } = this.$refs;
    this.isWrong = problems.some(({ severity }) => severity === 'error');
    const places = [...form.querySelectorAll('[data-problem]')];
    for (const place of places) { place.hidden = true; place.textContent = ''; }
    for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
    const warning = form.querySelector('[data-warning]');
    const warnings = problems.filter(({ severity }) => severity === 'warning').map(({ message }) => sentence(message));
    warning.textContent = warnings.join(' ');
    warning.hidden = warnings.length === 0;
    for (const { severity, place, message } of problems) {
      if (severity !== 'error') continue;
      const key = place.replace(`models.${this.name}`, '').replace(/^\./, '');
      const under = places.find((element) => element.dataset.problem === key) ?? places.find((element) => element.dataset.problem === '');
      under.textContent = sentence(message);
      under.hidden = false;
      form.elements[key]?.setAttribute?.('aria-invalid', 'true');
    }
  },

  async save() {
    this.check.stop();
    const { entry, slips } = this.read();
    if (slips.length > 0) return this.tell(slips);
    await this.change({ model: Object.keys(entry).length === 0 ? null : entry }, `${this.name} saved.`);
  },
  hide() { return this.change({ set: { hidden: true } }, `${this.name} is not in lists any more. It can still be called.`); },
  show() { return this.change({ set: { hidden: false } }, `${this.name} is in lists again.`); },
  switchOff() { return this.change({ set: { disabled: true } }, `${this.name} is switched off: requests to it are refused.`); },
  switchOn() { return this.change({ set: { disabled: this.on } }, `${this.name} is switched on.`); },
  reset() { return this.change({ model: null }, `${this.name} is what lists and files say of it.`); },

  async change(what, words) {
    try {
      const { undo } = await api('POST', 'models/apply', { body: { changes: [{ name: this.name, version: this.version, ...what }] } });
      await refresh();
      say(words, { undo: async () => { await api('POST', 'models/apply', { body: undo }); await refresh(); } });
    } catch (error) {
      if (error.isOvertaken) await (this.isOpen ? this.meet() : lookAgain(this.name));
      else if (error.problems?.length > 0 && this.isOpen) this.tell(error.problems);
      else say(error.message, { bad: true });
    }
  },

  /** Somebody was quicker. Many models can be changed at once, so the refusal does not say what each is now. */
  async meet() {
    const { override: current } = await api('GET', `models/${encodeURIComponent(this.name)}`);
    const { entry } = this.read();
    const { version, text } = overtaken({ current }, `what is said of ${this.name}`, (theirs) => differences(theirs.model, entry, LABELS));
    this.version = version;
    // What the form does not show is theirs from now on.
    for (const key of ['hidden', 'disabled']) this.entry[key] = current?.model[key];
    this.tell([{ severity: 'warning', place: '', message: text }]);
  },
}));

const problemsOf = ({ problems, message }) => (problems.length > 0 ? problems : [{ severity: 'error', place: '', message }]);

/** A price without empty parts; a tier without a length is none. */
function tidy(price) {
  if (!price) return undefined;
  const { tier, off_peak, search_per_query: fees, ...base } = price;
  if (tier && Object.keys(tier).some((key) => key !== 'inclusive')) base.tier = tier;
  if (off_peak) base.off_peak = off_peak;
  if (fees) base.search_per_query = ['0', '1', '2'].map((at) => fees[at] ?? '');
  return Object.keys(base).length > 0 ? base : undefined;
}

/** Whether two prices are the same, however their keys are ordered and their digits written. */
function samePrice(a, b) {
  const flat = (value) => {
    if (value === null || typeof value !== 'object') return typeof value === 'string' ? String(Number(value)) : value;
    return Object.keys(value).filter((key) => value[key] !== false).sort().map((key) => [key, flat(value[key])]);
  };
  return same(flat(a ?? null), flat(b ?? null));
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
