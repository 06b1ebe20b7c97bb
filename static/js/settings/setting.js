// A setting that saves itself.

import Alpine from '/static/vendor/alpine.js';
import { differences, lookAgain, overtaken } from '/static/js/conflict.js';
import { api, refresh, say } from '/static/js/relay.js';
import { undoing } from '/static/js/undo.js';

/** The version that saving replaces; `null` while nobody has set it. */
export const versionOf = (entry) => (entry.origin === 'database' ? entry.version : null);

// What a component does not declare would become its parent's.
Alpine.data('setting', () => ({
  entry: null,
  input: '',
  version: null,
  draft: '',
  saved: '',
  problem: '',
  isBusy: false,
  init() {
    this.entry = JSON.parse(this.$el.dataset.setting);
    this.input = this.$el.dataset.input;
    const { value } = this.entry;
    this.saved = this.input === 'flag' ? value === true : String(value ?? '');
    this.draft = this.saved;
    this.version = versionOf(this.entry);
  },
  get isChanged() { return this.draft !== this.saved; },
  get isAsSaved() { return this.draft === this.saved; },
  revert() { this.draft = this.saved; this.problem = ''; },
  /** What the API takes, or an error that says why it cannot be that. */
  value() {
    if (this.input === 'flag' || this.input === 'choice') return this.draft;
    const text = this.draft.trim();
    if (this.input === 'name') return text === '' ? null : text;
    if (text === '' && this.input === 'days-or-ever') return null;
    if (!/^\d{1,5}$/.test(text)) throw new Error('This needs a whole number of days.');
    return Number(text);
  },
  save() {
    const { name } = this.entry;
    return this.change(async () => {
      await api('PUT', `settings/${name}`, { body: { value: this.value() }, version: this.version });
      say('Saved; it is in force.', { undo: await undoing('setting', name) });
    });
  },
  reset() {
    const { name } = this.entry;
    return this.change(async () => {
      await api('DELETE', `settings/${name}`, { version: this.version });
      say('Back to the default.', { undo: await undoing('setting', name) });
    });
  },
  meet(error) {
    const what = 'what this is set to';
    if (this.isAsSaved) return lookAgain(what);
    const { version, text } = overtaken(error, what, (theirs) => differences(theirs, { value: this.draft }, { value: 'value' }));
    this.version = version;
    this.problem = text;
    return undefined;
  },
  async change(action) {
    this.isBusy = true;
    this.problem = '';
    try {
      await action();
      await refresh();
    } catch (error) {
      if (error.isOvertaken) await this.meet(error); else this.problem = (error.messages ?? [error.message]).join(' ');
    } finally {
      this.isBusy = false;
    }
  },
}));
