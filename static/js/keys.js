// Keys: made, changed and taken back. The list itself is the server's.

import Alpine from '/static/vendor/alpine.js';
import { differences, overtaken } from '/static/js/conflict.js';
import { expiring, mix } from '/static/js/expiry.js';
import { api, ask, copy, refresh, say, whileTyping } from '/static/js/relay.js';
import { undoing } from '/static/js/undo.js';

const LABELS = { tags: 'tags', models: 'allowed models', expires: 'expires' };

/** What can be changed of a key, as it is told to people. */
const shown = ({ tags, models, expires_ms: expires }) => ({
  tags, models: models.length === 0 ? 'all' : models, expires: expires ? new Date(expires).toLocaleString() : 'never',
});

/** What the forms of a new key and of one that is changed have in common. `prefix` tells their ids apart. */
const form = (prefix) => mix(expiring(), {
  tags: [],
  models: [],
  tagText: '',
  modelText: '',
  problems: [],
  failure: '',
  isBusy: false,
  isOpen: false,

  get ids() {
    return { tags: `${prefix}-tags`, tagsHint: `${prefix}-tags-hint`, models: `${prefix}-models`, modelsHint: `${prefix}-models-hint`, expiry: `${prefix}-expiry` };
  },
  get terms() { return { tags: this.tags, models: this.models, expires_ms: this.expires_ms }; },

  problemsOf(place) { return this.problems.filter((problem) => problem.place === place); },
  isWrong(place) { return this.problemsOf(place).some(({ severity }) => severity === 'error'); },

  /** Takes what was typed as one more of the list, or as several if there are commas. */
  add(list) {
    const field = list === 'tags' ? 'tagText' : 'modelText';
    const typed = this[field].split(',').map((text) => text.trim()).filter((text) => text !== '');
    this[field] = '';
    const fresh = typed.filter((text, at) => typed.indexOf(text) === at && !this[list].includes(text));
    if (fresh.length === 0) return;
    this[list] = [...this[list], ...fresh];
    this.check();
  },
  addOnEnter(event, list) {
    const field = list === 'tags' ? 'tagText' : 'modelText';
    // With nothing typed, Enter saves.
    if (this[field].trim() === '') return;
    event.preventDefault();
    this.add(list);
  },
  onTyping(list) {
    const text = list === 'tags' ? this.tagText : this.modelText;
    const isOffered = list === 'models' && [...document.querySelectorAll('#patterns option')].some(({ value }) => value === text);
    if (text.includes(',') || isOffered) this.add(list);
  },
  drop(list, text) {
    this[list] = this[list].filter((other) => other !== text);
    document.getElementById(this.ids[list])?.focus();
    this.check();
  },

  /** What shows while one types what the API says about the form. */
  rehearsal() {
    const tell = ({ problems }) => { this.problems = problems.filter(({ place }) => place !== 'name' || this.isNamed); };
    return whileTyping((signal) => this.send({ dry_run: true, signal }), (answer, error) => tell(answer ?? error));
  },
  destroy() { this.check.stop(); },

  /** Saves, and gives what the API answers; `null` when it refused. */
  async submit() {
    this.add('tags');
    this.add('models');
    this.check.stop();
    if (this.isUndecided) {
      this.problems = [{ severity: 'error', place: 'expires_ms', message: 'choose a day' }];
      return null;
    }
    this.isBusy = true;
    this.failure = '';
    try {
      return await this.send({});
    } catch (error) {
      this.problems = error.problems;
      if (error.problems.length === 0) this.failure = error.message;
      this.onRefusal(error);
      return null;
    } finally {
      this.isBusy = false;
    }
  },
  onRefusal() {},
});

Alpine.data('opener', () => ({
  open() { this.$dispatch('new-key'); },
}));

Alpine.data('newKey', () => mix(form('new'), {
  name: '',

  init() {
    this.check = this.rehearsal();
    if (new URLSearchParams(location.search).has('new')) {
      history.replaceState(null, '', '/keys');
      this.open();
    }
  },
  get isNamed() { return this.name.trim() !== ''; },
  get body() { return { name: this.name, ...this.terms }; },
  send({ dry_run, signal }) { return api('POST', dry_run ? 'keys?dry_run=true' : 'keys', { body: this.body, signal }); },

  open() {
    this.isOpen = true;
    this.$nextTick(() => this.$refs.first.focus());
  },
  cancel() {
    this.check.stop();
    Object.assign(this, { isOpen: false, name: '', tags: [], models: [], tagText: '', modelText: '', expiry: 'never', date: '', problems: [], failure: '' });
    document.getElementById('new-key')?.focus();
  },
  async save() {
    const made = await this.submit();
    if (!made) return this.isWrong('name') ? this.$refs.first.focus() : undefined;
    this.cancel();
    this.$dispatch('key-made', { name: made.name, key: made.key });
  },
}));

let forms = 0;

Alpine.data('key', () => {
  forms += 1;
  return mix(form(`key-${forms}`), {
    isNamed: true,

    init() {
      this.entry = JSON.parse(this.$el.dataset.entry);
      this.name = this.entry.name;
      this.version = this.entry.version;
      this.check = this.rehearsal();
      if (new URLSearchParams(location.search).get('name') === this.name) this.$el.scrollIntoView({ block: 'center' });
    },
    get path() { return `keys/${encodeURIComponent(this.entry.id)}`; },
    get body() { return this.terms; },
    send({ dry_run, signal }) { return api('PUT', dry_run ? `${this.path}?dry_run=true` : this.path, { body: this.body, version: this.version, signal }); },

    edit() {
      if (this.isOpen) return this.cancel();
      const { tags, models, expires_ms: kept = null } = this.entry;
      Object.assign(this, { tags, models, kept, expiry: kept === null ? 'never' : 'keep', problems: [], failure: '', isOpen: true });
      this.$refs.place.replaceChildren(document.getElementById('key-form').content.cloneNode(true));
      this.$nextTick(() => document.getElementById(this.ids.tags)?.focus());
    },
    cancel() {
      this.check.stop();
      this.isOpen = false;
      this.$refs.place.replaceChildren();
      this.$refs.edit.focus();
    },
    onRefusal(error) {
      if (!error.isOvertaken) return;
      const { version, text } = overtaken(error, `the key ${this.name}`, (theirs) => differences(shown(theirs), shown(this.terms), LABELS));
      this.failure = text;
      this.version = version;
    },
    async save() {
      const { entry, version } = this;
      const saved = await this.submit();
      if (!saved) return;
      this.$refs.edit.focus();
      // Where nothing is another, there is nothing to undo.
      const undo = saved.version === version ? undefined : await undoing('key', entry.name, entry.id);
      await refresh();
      say(`Saved ${entry.name}: it holds from the next request on.`, { undo });
    },
    async revoke() {
      const then = this.entry.is_needed ? 'Whoever uses it is refused from now on.' : 'Its tags and limits no longer count; as AUTH_MODE is open, whoever has it may still call.';
      const yes = await ask(`Revoke the key “${this.name}”? ${then} This cannot be undone.`, { yes: 'Revoke' });
      if (!yes) return;
      try {
        await api('DELETE', this.path);
      } catch (error) {
        return say(error.message, { bad: true });
      }
      await refresh();
      say(`Revoked ${this.name}.`);
    },
  });
});

Alpine.data('madeKey', () => ({
  name: '',
  key: '',
  chosen: '',
  isInsisting: false,

  init() {
    this.place = this.$el.dataset.place;
    this.snippets = JSON.parse(this.$el.dataset.snippets);
    this.chosen = this.snippets[0].id;
  },
  get tabs() {
    return this.snippets.map(({ id, tab }) => ({ id, tab, buttonId: `made-tab-${id}`, tabindex: id === this.chosen ? 0 : -1 }));
  },
  get snippet() { return this.snippets.find(({ id }) => id === this.chosen); },
  get code() { return this.snippet.code.replaceAll(this.place, this.key); },
  get note() { return this.snippet.note; },
  get chosenButtonId() { return `made-tab-${this.chosen}`; },

  choose(id) { this.chosen = id; },
  turn(by) {
    const at = this.snippets.findIndex(({ id }) => id === this.chosen);
    this.chosen = this.snippets[(at + by + this.snippets.length) % this.snippets.length].id;
    this.$nextTick(() => document.getElementById(this.chosenButtonId)?.focus());
  },
  show({ name, key }) {
    Object.assign(this, { name, key, isInsisting: false });
    this.$root.showModal();
    this.$refs.copy.focus();
  },
  copyKey() { copy(this.key, this.$refs.secret); },
  copySnippet() { copy(this.code, this.$refs.snippet); },
  insist() { this.isInsisting = true; },
  close() { this.$root.close(); },
  async leave() {
    const { name } = this;
    Object.assign(this, { name: '', key: '' });
    say(`${name} is in force.`);
    await refresh();
  },
}));
