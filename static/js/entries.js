// Aliases, redirects and routers: a list that filters itself, and one form that opens in the place of what it edits.

import Alpine from '/static/vendor/alpine.js';
import { api, refresh, say, whileTyping } from '/static/js/relay.js';
import { differences, happened } from '/static/js/conflict.js';
import { FORMS, candidate, inWords } from '/static/js/entry_forms.js';
import { undoing } from '/static/js/undo.js';
import '/static/js/resolver.js';
import '/static/js/trial.js';

// As the server writes names into ids and addresses.
const encoded = (name) => encodeURIComponent(name).replace(/[-_.!~*'()]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const count = (number, noun) => `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;

function usd(nano) {
  if (nano > 0 && nano < 50_000) return '< $0.0001';
  return `$${(nano / 1e9).toLocaleString('en', { minimumFractionDigits: 4, maximumFractionDigits: 4 })}`;
}

const costOf = ({ cost_nano_usd: cost, unpriced_requests: unpriced }) => {
  if (unpriced > 0) return cost > 0 ? `at least ${usd(cost)}` : 'an unknown amount';
  return usd(cost);
};

const endInWords = ({ model, router, error }) => model ?? (router ? `router ${router}` : `nowhere (${error})`);

/** The address of the page without what opened a form. */
function plainAddress() {
  const address = new URL(location.href);
  ['new', 'target', 'name'].forEach((key) => address.searchParams.delete(key));
  return address;
}

// The page is made anew after every change. What the address asks for is done once; a form that was open opens again.
let isStarted = false;
let kept = null;

Alpine.data('entries', () => ({
  isOpen: false,
  isNew: false,
  isBusy: false,
  name: '',
  version: null,
  form: {},
  errors: {},
  warnings: {},
  wrong: {},
  conflict: null,
  mine: null,
  hasMine: false,
  impact: '',
  impactNames: [],
  counted: '',
  title: '',
  saved: '',

  init() {
    this.kind = this.$el.dataset.kind;
    this.spec = FORMS[this.kind];
    this.form = this.spec.read({});
    this.touched = new Set();
    this.tell({}, []);
    const rehearse = whileTyping((signal) => this.rehearse(signal), (answer, error) => this.rehearsed(answer, error));
    const weigh = whileTyping((signal) => this.weigh(signal), (impact) => this.tellImpact(impact));
    this.check = () => { rehearse(); weigh(); };
    this.stop = () => { rehearse.stop(); weigh.stop(); };
    this.$nextTick(() => this.start());
  },

  /** What the address asks for. */
  start() {
    this.sift();
    if (kept) return this.reopen(kept);
    if (isStarted) return;
    isStarted = true;
    const asked = new URLSearchParams(location.search);
    if (asked.has('new')) return this.create({ name: asked.get('new'), target: asked.get('target') ?? '' });
    const wanted = asked.get('name') ?? decodeURIComponent(location.hash.slice(1));
    const row = wanted && this.rows().find((row) => row.dataset.name.toLowerCase() === wanted.toLowerCase());
    if (row) {
      row.classList.add('named');
      row.scrollIntoView({ block: 'center' });
      row.querySelector('button')?.focus({ preventScroll: true });
    }
  },

  destroy() {
    this.stop();
    const { isOpen, name, form, version, title, saved } = this;
    kept = isOpen ? { name, form, version, title, saved, focused: document.activeElement?.id ?? '' } : null;
  },

  rows() { return [...this.$root.querySelectorAll('[data-entry]')]; },

  /** Shows the rows that have the filter's text in them; the address keeps it. */
  sift() {
    const filter = this.$root.querySelector('[data-filter]');
    if (!filter) return;
    const text = filter.value.trim().toLowerCase();
    const rows = this.rows();
    rows.forEach((row) => { row.hidden = !row.dataset.text.includes(text) && !row.contains(this.$refs.editor); });
    this.counted = text === '' ? '' : `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
    const address = new URL(location.href);
    if (text === '') address.searchParams.delete('q'); else address.searchParams.set('q', filter.value.trim());
    history.replaceState(null, '', address);
  },

  // The form.

  create({ name = '', ...rest } = {}) {
    this.open({ name, form: this.spec.read(rest), version: null, title: `New ${this.kind}` });
    this.$refs.home.after(this.$refs.editor);
    this.invite(name === '' || this.kind === 'router' ? 'name' : 'target');
  },

  edit(element) {
    const row = element.closest('[data-entry]');
    const entry = JSON.parse(row.dataset.entry);
    this.open({ name: entry.name, form: this.spec.read(entry[this.kind]), version: entry.version, title: `Edit ${entry.name}` });
    row.append(this.$refs.editor);
    this.isNew = false;
    this.touchAll();
    this.invite(Object.keys(this.spec.labels)[0]);
  },

  /** A new one like another. */
  copy(element) {
    const entry = JSON.parse(element.closest('[data-entry]').dataset.entry);
    this.create(entry[this.kind]);
  },

  open({ name, form, version, title }) {
    this.close();
    Object.assign(this, { name, form, version, title, isNew: version === null, isOpen: true, saved: JSON.stringify({ name, form: this.spec.write(form) }) });
    this.opener = document.activeElement?.id ?? '';
    this.complete();
    this.check();
  },

  /** Opens a form again as it was left. */
  reopen({ saved, focused, ...form }) {
    kept = null;
    this.open(form);
    this.saved = saved;
    this.rows().find((row) => form.version !== null && row.dataset.name === form.name)?.append(this.$refs.editor);
    this.touchAll();
    if (focused) this.focusOn(focused); else this.invite(Object.keys(this.spec.labels)[0]);
  },

  close() {
    this.$refs.home.after(this.$refs.editor);
    this.stop();
    this.touched.clear();
    Object.assign(this, { isOpen: false, conflict: null, mine: null, hasMine: false, impact: '', impactNames: [] });
    this.tell({}, []);
  },

  /** What was typed is not lost by a wrong key. */
  cancel() {
    const { name, form, version, title, saved, opener } = this;
    const isChanged = JSON.stringify({ name, form: this.spec.write(form) }) !== saved;
    this.close();
    document.getElementById(opener)?.focus();
    history.replaceState(null, '', plainAddress());
    if (!isChanged) return;
    say('Closed without saving.', { undo: async () => this.reopen({ name, form, version, title, saved }) });
  },

  /** Begins in a field, unless somebody was quicker and types in another one. */
  invite(field) {
    this.$nextTick(() => setTimeout(() => {
      if (!this.$refs.editor.contains(document.activeElement)) document.getElementById(`field-${field}`)?.focus();
    }));
  },

  /** Once it is there: what `x-show` shows, it shows a moment later. */
  focus(field) { this.focusOn(`field-${field}`); },
  focusOn(id) { this.$nextTick(() => setTimeout(() => document.getElementById(id)?.focus())); },

  /** Fills the list of names to choose from, once. */
  async complete() {
    const place = document.getElementById('names');
    if (!place || place.childElementCount > 0) return;
    try {
      const { names } = await api('GET', 'names');
      const options = names.filter(({ kind }) => this.spec.targets.includes(kind)).map(({ name, kind, model }) => {
        const option = document.createElement('option');
        option.value = name;
        option.label = kind === 'model' ? '' : `${kind}${model ? `, ${model}` : ''}`;
        return option;
      });
      place.replaceChildren(...options);
    } catch { /* Names can be typed all the same. */ }
  },

  changed(event) {
    if (event.target.name) this.touched.add(event.target.name);
    this.check();
  },

  touchAll() { this.touched.add('name'); Object.keys(this.spec.labels).forEach((field) => this.touched.add(field)); },

  path(rest = '') { return `${this.spec.section}/${encoded(this.name.trim())}${rest}`; },

  /** What would be wrong with the entry. Nobody is asked about what we can say ourselves. */
  rehearse(signal) {
    const found = this.found();
    if (Object.keys(found).length > 0) return { found, problems: [] };
    return api('PUT', this.path('?dry_run=true'), { body: this.spec.write(this.form), version: this.version, signal });
  },

  rehearsed(answer, error) {
    if (error) this.refused(error); else this.tell(answer.found ?? {}, answer.problems);
  },

  /** What the traffic says of it. */
  weigh(signal) {
    if (Object.keys(this.found()).length > 0) return undefined;
    return api('POST', this.path('/impact'), { body: this.spec.write(this.form), signal });
  },

  /** What can be said without asking. */
  found() {
    const found = this.spec.problems(this.form);
    if (this.name.trim() === '') found.name = 'a name is missing';
    return found;
  },

  /** Shows problems under their fields, once somebody was there. */
  tell(found, problems) {
    const errors = {};
    const warnings = {};
    const add = (to, field, message) => { to[field] = to[field] ? `${to[field]}; ${message}` : message; };
    Object.entries(found).forEach(([field, message]) => add(errors, field, message));
    const rows = this.form.candidates ?? [];
    rows.forEach((row) => { row.error = ''; row.warning = ''; });
    for (const { severity, field = 'whole', message } of problems) {
      const [part, at] = field.split('.');
      const row = part === 'candidates' && at !== undefined ? rows[Number(at)] : undefined;
      const isKnown = part === 'name' || part === 'whole' || part in this.spec.labels;
      if (row) row[severity] = message.replace(/^candidate: /, '');
      else add(severity === 'error' ? errors : warnings, isKnown ? part : 'whole', message.replace(new RegExp(`^${part}: `), ''));
    }
    for (const said of [errors, warnings]) {
      Object.keys(said).filter((field) => field !== 'whole' && !this.touched.has(field)).forEach((field) => delete said[field]);
    }
    this.errors = errors;
    this.warnings = warnings;
    // Null takes the attribute away; Alpine would write what is not there as an empty one.
    this.wrong = Object.fromEntries(['name', ...Object.keys(this.spec.labels)].map((field) => [field, field in errors ? 'true' : null]));
  },

  refused(error) {
    if (error.isOvertaken) this.meet(error.current);
    else if (error.status === 422 && error.problems.length > 0) this.tell({}, error.problems);
    else if (error.code === 'managed_by_file') this.tell({ name: error.message }, []);
    else this.tell({ whole: error.message }, []);
  },

  tellImpact(impact) {
    this.impactNames = [];
    if (!impact) { this.impact = ''; return; }
    const when = impact.complete ? 'In the last 24 hours' : `Of the newest ${count(impact.looked_at, 'request')}`;
    const noun = this.kind === 'router' ? 'this router' : `this ${this.kind}`;
    if (impact.requests === 0) { this.impact = `${when} no request asked for a name that leads through ${noun}.`; return; }
    const moved = { 0: 'None of them would', [impact.requests]: impact.requests === 1 ? 'It would' : 'All of them would' }[impact.moved] ?? `${impact.moved.toLocaleString('en')} of them would`;
    this.impact = `${when} ${count(impact.requests, 'request')} led through ${noun} or would then, and cost ${costOf(impact)}. ${moved} be answered by somebody else.`;
    this.impactNames = impact.names.map((name) => {
      const went = name.went.map(({ model, requests }) => `${model || 'nobody'}${name.went.length > 1 ? ` (${requests})` : ''}`).join(', ');
      const then = endInWords(name.then);
      const about = name.moved > 0 && name.then_cost_nano_usd !== undefined ? `, where as many tokens cost about ${usd(name.then_cost_nano_usd)}` : '';
      return { asked: name.asked, text: `${count(name.requests, 'request')} for ${costOf(name)}, answered by ${went}; would go to ${then}${about}` };
    });
    if (impact.left_off > 0) this.impactNames.push({ asked: '…', text: `and ${count(impact.left_off, 'more name')}` });
  },

  async save() {
    this.touchAll();
    const found = this.found();
    if (Object.keys(found).length > 0) {
      this.tell(found, []);
      return this.focus(Object.keys(found)[0]);
    }
    this.stop();
    this.isBusy = true;
    const { name, kind, isNew } = this;
    try {
      await api('PUT', this.path(), { body: this.spec.write(this.form), version: this.version });
    } catch (error) {
      this.refused(error);
      const field = Object.keys(this.errors).find((field) => field !== 'whole');
      if (field) this.focus(field);
      return;
    } finally {
      this.isBusy = false;
    }
    await this.leave(`${isNew ? 'Created' : 'Saved'}: ${kind} ${name.trim()}.`);
  },

  async remove() {
    this.stop();
    this.isBusy = true;
    try {
      await api('DELETE', this.path(), { version: this.version });
    } catch (error) {
      return this.refused(error);
    } finally {
      this.isBusy = false;
    }
    await this.leave(`Deleted: ${this.kind} ${this.name}.`);
  },

  /** Shows the list as it is now, with a way back. */
  async leave(text) {
    const { kind } = this;
    const name = this.name.trim();
    const undo = await undoing(kind, name);
    this.close();
    history.replaceState(null, '', plainAddress());
    await refresh();
    (document.getElementById(`edit-${encoded(name)}`) ?? document.getElementById('new'))?.focus();
    say(text, { undo });
  },

  // Somebody else was quicker.

  meet(theirs) {
    this.conflict = { theirs };
    this.tell({}, []);
    this.$nextTick(() => this.$refs.conflict.scrollIntoView({ block: 'nearest' }));
  },

  get isGone() { return this.conflict !== null && this.conflict.theirs === null; },
  get isOld() { return !this.isNew; },
  get isFree() { return this.conflict === null; },
  get isConflict() { return this.conflict !== null; },
  get canTake() { return this.conflict !== null && this.conflict.theirs !== null && this.conflict.theirs.origin !== 'file'; },
  get conflictText() {
    if (!this.conflict) return '';
    if (this.isNew) return `There is ${this.kind === 'alias' ? 'an' : 'a'} ${this.kind} ${this.name} already. What you typed is still here.`;
    return happened(this.isGone, `the ${this.kind} ${this.name}`);
  },
  get overText() { return this.isGone ? 'Create it again' : 'Save mine over it'; },

  /** The fields in which the two differ. */
  get lines() {
    if (!this.canTake) return [];
    return differences(this.spec.read(this.conflict.theirs[this.kind]), this.form, this.spec.labels, inWords);
  },

  takeTheirs() {
    const { theirs } = this.conflict;
    this.mine = { form: this.form };
    this.hasMine = true;
    Object.assign(this, { form: this.spec.read(theirs[this.kind]), name: theirs.name, version: theirs.version, isNew: false, conflict: null, title: `Edit ${theirs.name}` });
    this.check();
  },

  takeMine() {
    this.form = this.mine.form;
    this.mine = null;
    this.hasMine = false;
    this.check();
  },

  async saveMine() {
    const { theirs } = this.conflict;
    this.version = theirs === null ? null : theirs.version;
    if (theirs !== null) this.isNew = false;
    this.conflict = null;
    await this.save();
  },

  // Candidates of a router.

  addCandidate() {
    const added = candidate();
    this.form.candidates.push(added);
    this.touched.add('candidates');
    this.focus(`candidate-${added.key}`);
    this.check();
  },

  dropCandidate(key) {
    const list = this.form.candidates;
    const at = list.findIndex((one) => one.key === key);
    list.splice(at, 1);
    this.touched.add('candidates');
    const next = list[Math.min(at, list.length - 1)];
    if (next) this.focus(`candidate-${next.key}`);
    this.check();
  },

  moveCandidate(key, by) {
    const list = this.form.candidates;
    const at = list.findIndex((one) => one.key === key);
    const to = at + by;
    if (to < 0 || to >= list.length) return;
    const focused = document.activeElement?.id;
    list.splice(to, 0, ...list.splice(at, 1));
    this.$nextTick(() => document.getElementById(focused)?.focus());
    this.check();
  },

  get isPerSession() { return this.form.strategy === 'per_session'; },
  /** The router as it would be, to be tried out. */
  definition() { return this.spec.write(this.form); },
}));
