// What lists say, against what is in force: compare, choose, apply, undo.

import Alpine from '/static/vendor/alpine.js';
import { api, say } from '/static/js/relay.js';

const GROUPS = [
  ['price', 'Prices', 'US dollars per million tokens.', 'Price'],
  ['context_length', 'Context', 'The longest prompt, in tokens.', 'Tokens'],
  ['max_output', 'Longest answer', 'In tokens.', 'Tokens'],
  ['gone', 'Not listed any more', 'The provider does not list them; some can be called all the same. Those you choose are switched off.', ''],
  ['new', 'New', 'The provider lists them since just now; they can be called already.', ''],
];

// More of them are folded away: they are rarely what one came for.
const FEW = 5;

const FLAGS = {
  operator: 'set by you',
  absurd: 'out of proportion',
  free: 'would be free',
};

Alpine.data('sync', () => ({
  isBusy: false,
  isDone: false,
  isGiving: false,
  problem: '',
  wrongList: '',
  sources: [],
  lines: [],
  get action() { return this.isBusy ? 'Asking…' : this.isDone ? 'Compare again' : 'Compare now'; },
  get failed() { return this.sources.filter(({ error }) => error).map(({ name, error }) => ({ name, words: error.includes(name) ? `${capital(error)}. Use a file instead, or set PRICE_LIST_URL.` : `${name} cannot be asked for its models: ${error}.` })); },
  get summary() { return this.sources.filter(({ error }) => !error).map(({ name, models }) => `${name}: ${models.toLocaleString('en')} models`).join(' · '); },
  get isSame() { return this.isDone && this.lines.length === 0; },
  get groups() {
    return GROUPS.map(([what, title, hint, column]) => {
      const lines = this.lines.filter((line) => line.what === what);
      return { what, title: `${title} (${lines.length})`, hint, column, lines, canApply: lines.some(({ set }) => set), isOpen: !['gone', 'new'].includes(what) || lines.length <= FEW };
    }).filter(({ lines }) => lines.length > 0);
  },
  get chosen() { return this.lines.filter(({ on }) => on); },
  get canApply() { return this.lines.some(({ set }) => set); },
  get isIdle() { return this.isBusy || this.chosen.length === 0; },
  get applyWords() { const { length } = this.chosen; return length === 0 ? 'Choose what to apply' : `Apply ${length} ${length === 1 ? 'change' : 'changes'}`; },

  give() { this.isGiving = !this.isGiving; if (this.isGiving) this.$nextTick(() => document.getElementById('file').focus()); },
  async load() {
    const [file] = document.getElementById('file').files;
    if (file) document.getElementById('text').value = await file.text();
  },
  compare() { return this.ask(undefined); },
  compareGiven() {
    this.wrongList = '';
    let list;
    try { list = JSON.parse(document.getElementById('text').value); } catch (error) {
      this.wrongList = `That is no JSON: ${error.message}`;
      return undefined;
    }
    return this.ask({ price_list: list });
  },
  async ask(body) {
    this.isBusy = true;
    this.problem = '';
    try {
      const { sources, lines } = await api('POST', 'models/sync', { body });
      this.sources = sources;
      this.lines = lines.map(shown);
      this.isDone = true;
      this.isGiving = false;
    } catch (error) {
      this.problem = error.message;
    } finally {
      this.isBusy = false;
    }
  },

  words(flag) { return FLAGS[flag] ?? flag; },
  turn(line) { line.on = !line.on; },
  chooseAll(group) { for (const line of group.lines) line.on = Boolean(line.set); },
  chooseNone(group) { for (const line of group.lines) line.on = false; },

  async apply() {
    this.isBusy = true;
    try {
      const changes = this.chosen.map(({ name, version, set }) => ({ name, version, set }));
      const { applied, undo } = await api('POST', 'models/apply', { body: { changes } });
      // The others are compared again by whoever wants to: their versions may be others now.
      this.lines = this.lines.filter(({ on }) => !on);
      const names = new Set(changes.map(({ name }) => name));
      const versions = new Map(undo.changes.map(({ name, version }) => [name.toLowerCase(), version]));
      for (const line of this.lines) if (names.has(line.name)) line.version = versions.get(line.name.toLowerCase()) ?? null;
      say(`${applied} ${applied === 1 ? 'model' : 'models'} changed.`, {
        undo: async () => {
          await api('POST', 'models/apply', { body: undo });
          say('Taken back. Compare again to see what differs.');
        },
      });
    } catch (error) {
      say(error.message, { bad: true });
    } finally {
      this.isBusy = false;
    }
  },
}));

/** A line as it is shown: finished texts. */
function shown(line) {
  const count = (tokens) => (tokens === null ? 'not known' : tokens.toLocaleString('en'));
  const limits = ['context_length', 'max_output'].includes(line.what);
  const changes = line.prices
    ? line.prices.map(({ key, old = 'not known', new: now = 'not stated', percent = '' }) => ({ key: key.replaceAll('_', ' '), old, now, percent }))
    : limits ? [{ key: '', old: count(line.old), now: count(line.new), percent: '' }] : [];
  return {
    ...line,
    key: `${line.name} ${line.what}`,
    label: `${line.name}, ${line.what.replaceAll('_', ' ')}`,
    address: `/models/${line.name.split('/').map(encodeURIComponent).join('/')}`,
    on: line.selected,
    shown: changes.map((change) => ({ ...change, percent: change.percent && `${change.percent.replace('-', '−')} %`, class: change.percent.startsWith('-') ? 'down' : 'up' })),
  };
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
