// Patterns of one's own that are cut out of what is kept, and a text to try them on.

import Alpine from '/static/vendor/alpine.js';
import { differences, overtaken } from '/static/js/conflict.js';
import { api, refresh, say, whileTyping } from '/static/js/relay.js';
import { undoing } from '/static/js/undo.js';
import { versionOf } from '/static/js/settings/setting.js';

let counter = 0;
const pattern = ({ name, pattern: text }) => {
  counter += 1;
  return { id: counter, nameId: `pattern-name-${counter}`, patternId: `pattern-${counter}`, name, pattern: text };
};

Alpine.data('redaction', () => ({
  patterns: [],
  problems: [],
  text: '',
  redacted: '',
  cuts: [],
  hasResult: false,
  isBusy: false,
  entry: null,
  version: null,
  test: null,
  init() {
    this.entry = JSON.parse(this.$el.dataset.setting);
    this.version = versionOf(this.entry);
    this.test = whileTyping((signal) => this.ask(signal), (found, error) => this.tell(found, error));
    this.revert();
  },
  destroy() { this.test.stop(); },
  plain() { return this.patterns.map((one) => ({ name: one.name.trim(), pattern: one.pattern })); },
  get isEmpty() { return this.patterns.length === 0; },
  get isChanged() { return JSON.stringify(this.plain()) !== JSON.stringify(this.entry.value ?? []); },
  get isClean() { return this.cuts.length === 0; },
  revert() {
    this.patterns = (this.entry.value ?? []).map(pattern);
    this.problems = [];
    this.test();
  },
  add() {
    const one = pattern({ name: '', pattern: '' });
    this.patterns.push(one);
    this.$nextTick(() => document.getElementById(one.nameId).focus());
  },
  remove(one) { this.patterns = this.patterns.filter((other) => other.id !== one.id); this.test(); },
  ask(signal) {
    if (this.text === '') return null;
    return api('POST', 'settings/redaction/test', { body: { text: this.text, patterns: this.plain() }, signal });
  },
  tell(found, error) {
    this.hasResult = Boolean(found);
    this.problems = error?.messages ?? [];
    if (!found) return;
    this.redacted = found.redacted;
    this.cuts = found.cuts.map((cut, id) => ({ id, ...cut }));
  },
  meet(error) {
    const shown = (patterns) => ({ value: patterns.map(({ name, pattern: text }) => `${name} (${text})`) });
    const { version, text } = overtaken(error, 'the patterns', (theirs) => differences(shown(theirs.value ?? []), shown(this.plain()), { value: 'patterns' }));
    this.version = version;
    this.problems = [text];
  },
  async save() {
    this.test.stop();
    this.isBusy = true;
    const { name } = this.entry;
    try {
      await api('PUT', `settings/${name}`, { body: { value: this.plain() }, version: this.version });
      say('Saved; bodies that are kept from now on are without them.', { undo: await undoing('setting', name) });
      await refresh();
    } catch (error) {
      if (error.isOvertaken) this.meet(error); else this.problems = error.messages;
    } finally {
      this.isBusy = false;
    }
  },
}));
