// The settings: each saves itself; the sections come when they are looked at.

import Alpine from '/static/vendor/alpine.js';
import { api, ask, copy, refresh, say, stream, whileTyping } from '/static/js/relay.js';

const SECTIONS = ['general', 'records', 'redaction', 'backup', 'access', 'system', 'log'];
const here = () => (SECTIONS.includes(location.hash.slice(1)) ? location.hash.slice(1) : SECTIONS[0]);

/** Undoes the newest change of a setting. */
async function undo(name) {
  const { history } = await api('GET', `history?kind=setting&name=${encodeURIComponent(name)}&limit=1`);
  await api('POST', `history/${history[0].id}/undo`);
  await refresh();
}

/** What went wrong: the problems where there are such. */
const messages = ({ problems, message }) => (problems?.length ? problems.map((one) => one.message) : [message]);
const words = (error) => messages(error).join(' ');

/** The version that `If-Match` needs; none while nobody has set it. */
const versionOf = (entry) => (entry.origin === 'database' ? entry.version : undefined);

Alpine.data('sections', () => ({
  section: here(),
  look() { this.section = here(); },
  at(name) { return this.section === name; },
  current(name) { return this.section === name ? 'page' : false; },
  again() { refresh(); },
}));

// What a component does not declare would become its parent's.
Alpine.data('setting', () => ({
  entry: null,
  input: '',
  version: undefined,
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
      say('Saved; it is in force.', { undo: () => undo(name) });
    });
  },
  reset() {
    const { name } = this.entry;
    return this.change(async () => {
      await api('DELETE', `settings/${name}`, { version: this.version });
      say('Back to the default.', { undo: () => undo(name) });
    });
  },
  async change(action) {
    this.isBusy = true;
    this.problem = '';
    try {
      await action();
      await refresh();
    } catch (error) {
      this.problem = words(error);
      // Somebody was quicker: what they said is told, and saving again replaces it.
      if (error.current) {
        this.problem = `Somebody has set this to “${error.current.value ?? 'nothing'}” meanwhile. Save again to replace that.`;
        this.version = error.current.version;
      } else if (error.code === 'gone') {
        this.problem = 'Somebody has taken this back to the default meanwhile. Save again to set it.';
        this.version = undefined;
      }
    } finally {
      this.isBusy = false;
    }
  },
}));

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];
function bytes(size) {
  let [rest, unit] = [size, 0];
  while (rest >= 1000 && unit < UNITS.length - 1) { rest /= 1000; unit += 1; }
  return `${unit === 0 ? rest : rest.toFixed(1)} ${UNITS[unit]}`;
}
const NAMES = { requests: 'Records of requests', decisions: 'Decisions of routers', bodies: 'Request bodies' };
const number = new Intl.NumberFormat('en');

Alpine.data('storage', () => ({
  kinds: [],
  summary: 'Measuring…',
  how: '',
  problem: '',
  canCompact: false,
  isBusy: false,
  isRead: false,
  look(isShown) {
    if (!isShown || this.isRead) return;
    this.isRead = true;
    this.act(() => api('GET', 'storage'));
  },
  async act(action) {
    this.isBusy = true;
    this.problem = '';
    try {
      const found = await action();
      if (found) this.show(found);
    } catch (error) {
      this.problem = error.message;
    } finally {
      this.isBusy = false;
    }
  },
  show(found) {
    this.kinds = found.kinds.map((kind) => ({
      what: kind.what,
      words: NAMES[kind.what],
      rows: number.format(kind.rows),
      size: bytes(kind.size_bytes),
      row: kind.bytes_per_row === undefined ? '–' : bytes(kind.bytes_per_row),
      day: number.format(Math.round(kind.rows_per_day * 10) / 10),
      forecast: kind.forecast_bytes === undefined ? 'not known yet' : `${bytes(kind.forecast_bytes)} after ${kind.forecast_days} days`,
    }));
    this.canCompact = !found.shrinks || found.free_bytes > found.total_bytes / 4;
    this.summary = `The file has ${bytes(found.total_bytes)}, of which ${bytes(found.free_bytes)} are free; everything else takes ${bytes(found.rest_bytes)}. With these settings the three will take about ${bytes(found.forecast_bytes)}.`;
    this.how = `The forecast: ${found.how}.`;
  },
  tidy() {
    return this.act(async () => {
      await api('POST', 'storage/tidy');
      say('What is too old is being deleted in the background.');
    });
  },
  async compact() {
    if (!await ask('Write the database’s file anew? Requests go on meanwhile, and their records wait in the journal; changes on these pages have to wait.', { yes: 'Compact' })) return;
    await this.act(() => api('POST', 'storage/compact'));
  },
}));

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
  test: null,
  init() {
    this.entry = JSON.parse(this.$el.dataset.setting);
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
    this.problems = error ? messages(error) : [];
    if (!found) return;
    this.redacted = found.redacted;
    this.cuts = found.cuts.map((cut, id) => ({ id, ...cut }));
  },
  async save() {
    this.test.stop();
    this.isBusy = true;
    const { name } = this.entry;
    try {
      await api('PUT', `settings/${name}`, { body: { value: this.plain() }, version: versionOf(this.entry) });
      say('Saved; bodies that are kept from now on are without them.', { undo: () => undo(name) });
      await refresh();
    } catch (error) {
      this.problems = messages(error);
    } finally {
      this.isBusy = false;
    }
  },
}));

const STYLES = { new: 'badge good', changed: 'badge warn', gone: 'badge bad' };
const short = (value) => (value === null || value === undefined ? '–' : JSON.stringify(value));

Alpine.data('restore', () => ({
  backup: null,
  keeps: false,
  problem: '',
  changes: [],
  skipped: [],
  warnings: [],
  summary: '',
  isPlanned: false,
  isBusy: false,
  get hasChanges() { return this.changes.length > 0; },
  get yes() { return this.changes.length === 1 ? 'Make this change' : `Make these ${this.changes.length} changes`; },
  async read(event) {
    const [file] = event.target.files;
    this.isPlanned = false;
    this.changes = [];
    this.problem = '';
    if (!file) return;
    try {
      this.backup = JSON.parse(await file.text());
    } catch {
      this.backup = null;
      this.problem = `${file.name} is no JSON, so it is no backup.`;
      return;
    }
    await this.rehearse();
  },
  send(isRehearsal) { return api('POST', `restore?dry_run=${isRehearsal}&keep=${this.keeps}`, { body: this.backup }); },
  async rehearse() {
    if (this.backup === null) return;
    this.problem = '';
    try {
      const { plan, problems } = await this.send(true);
      this.changes = plan.changes.map((change, id) => ({ ...change, id, style: STYLES[change.change], before: short(change.before), after: short(change.after) }));
      this.skipped = plan.skipped.map((one, id) => ({ id, text: `${one.kind} ${one.name}: ${one.reason}` }));
      this.warnings = problems.map((one, id) => ({ id, text: `${one.place}: ${one.message}` }));
      this.summary = this.changes.length === 0 ? 'Everything is as the file has it.' : `${this.changes.length} would change, ${plan.unchanged} are the same already.`;
      this.isPlanned = true;
    } catch (error) {
      this.isPlanned = false;
      this.changes = [];
      this.problem = words(error);
    }
  },
  async apply() {
    this.isBusy = true;
    try {
      const { plan } = await this.send(false);
      say(`Restored: ${plan.changes.length} changed. Each change of an entry can be undone by itself.`);
      await refresh();
    } catch (error) {
      this.problem = words(error);
    } finally {
      this.isBusy = false;
    }
  },
}));

Alpine.data('password', () => ({
  old: '',
  next: '',
  again: '',
  problem: '',
  isBusy: false,
  async save() {
    this.problem = '';
    if (this.next !== this.again) { this.problem = 'The new password is not the same twice.'; return; }
    this.isBusy = true;
    try {
      await api('POST', 'password', { body: { old: this.old, new: this.next } });
      [this.old, this.next, this.again] = ['', '', ''];
      say('The password is changed; all other logins have ended.');
    } catch (error) {
      this.problem = error.code === 'wrong_password' ? 'That is not the password there is now.' : error.message;
    } finally {
      this.isBusy = false;
    }
  },
}));

Alpine.data('tokens', () => ({
  name: '',
  made: '',
  problem: '',
  isBusy: false,
  async create() {
    this.isBusy = true;
    this.problem = '';
    try {
      const { token } = await api('POST', 'tokens', { body: { name: this.name.trim() } });
      this.made = token;
      this.name = '';
    } catch (error) {
      this.problem = error.message;
    } finally {
      this.isBusy = false;
    }
  },
  copyMade() { copy(this.made, document.getElementById('made-token')); },
  // The list is made anew only now: the token would go with the old one.
  done() { this.made = ''; refresh(); },
  async revoke(name) {
    if (!await ask(`Revoke the token “${name}”? Scripts that use it stop working at once.`, { yes: 'Revoke' })) return;
    try {
      await api('DELETE', `tokens/${encodeURIComponent(name)}`);
      say(`The token “${name}” is revoked.`);
      await refresh();
    } catch (error) {
      say(error.message, { bad: true });
    }
  },
}));

const MOST_LINES = 1000;

Alpine.data('log', () => {
  // The number of the last line; 0 begins anew.
  let after = 0;
  const shown = () => document.getElementById('log-lines');

  return {
    text: '',
    level: 'info',
    isOn: true,
    isEmpty: false,
    problem: '',
    read: null,
    init() { this.read = whileTyping((signal) => this.bring(signal), () => {}); },
    destroy() { this.read.stop(); },
    get words() { return this.isOn ? 'Pause' : 'Follow'; },
    look(isShown) {
      if (isShown && this.isOn) this.read(); else this.read.stop();
    },
    turn() { this.isOn = !this.isOn; },
    restart() {
      after = 0;
      this.read();
    },
    /** Shows what there is, and then what comes for as long as it is followed. */
    async bring(signal) {
      if (after === 0) shown().replaceChildren();
      const get = (follow) => {
        const address = `log?level=${this.level}&q=${encodeURIComponent(this.text)}&after=${after}&follow=${follow}`;
        return stream('GET', address, { signal }, (line) => { if (!signal.aborted) this.add(line); });
      };
      for (;;) {
        try {
          await get(false);
          this.problem = '';
          this.isEmpty = shown().childElementCount === 0;
          if (this.isOn) await get(true);
        } catch (error) {
          if (!signal.aborted) this.problem = error.message;
        }
        if (!this.isOn || signal.aborted) return;
        // The relay was stopped, or it is time to ask again.
        await new Promise((resolve) => { setTimeout(resolve, 1000); });
      }
    },
    add(line) {
      const { n, timestamp = '', level = '', message = '', ...fields } = JSON.parse(line);
      after = n;
      const part = (kind, text) => {
        const made = document.createElement(kind === 'time' ? 'time' : 'span');
        if (kind !== 'time') made.className = kind;
        made.textContent = text;
        return made;
      };
      const item = document.createElement('div');
      item.className = level;
      const more = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' ');
      item.append(part('time', timestamp.slice(11, 23)), ' ', part('level', level), ' ', part('message', message), ' ', part('fields', more));
      const lines = shown();
      const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
      lines.append(item);
      while (lines.childElementCount > MOST_LINES) lines.firstElementChild.remove();
      if (isAtEnd) lines.scrollTop = lines.scrollHeight;
      this.isEmpty = false;
      this.problem = '';
    },
    copyAll() { copy([...shown().children].map((line) => line.textContent).join('\n'), shown()); },
  };
});
