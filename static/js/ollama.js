// Ollama instances: each is asked by itself, so that a dead one holds up nothing but its own card.

import Alpine from '/static/vendor/alpine.js';
import { ApiError, api, ask, say, stream } from '/static/js/relay.js';

/** Bytes as people say them. */
function size(bytes) {
  if (!bytes) return '';
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const number = bytes / 1000 ** power;
  return `${number.toFixed(number < 10 && power > 0 ? 1 : 0)} ${units[power]}`;
}

/** When a running model leaves memory. */
function until(text) {
  const minutes = Math.round((new Date(text) - Date.now()) / 60_000);
  if (Number.isNaN(minutes)) return '';
  if (minutes > 60 * 24 * 365) return 'never';
  if (minutes < 1) return 'in less than a minute';
  return minutes < 120 ? `in ${minutes} min` : `in ${Math.round(minutes / 60)} h`;
}

Alpine.data('instance', () => ({
  known: null,
  failure: '',
  models: [],
  running: [],
  wanted: '',
  isPulling: false,
  status: '',
  percent: null,
  amount: '',
  pullFailure: '',
  init() {
    this.name = this.$root.dataset.name;
    if (this.$root.dataset.reason === '') this.look();
  },
  // Whoever leaves ends the pull.
  destroy() { this.pulling?.abort(); },
  get path() { return `ollama/${encodeURIComponent(this.name)}`; },
  get isReachable() { return this.known !== null; },
  get isIdle() { return !this.isPulling; },
  get hasRunning() { return this.running.length > 0; },
  get isEmpty() { return this.isReachable && this.models.length === 0; },
  get state() {
    if (this.$root.dataset.reason !== '') return 'not in use';
    if (this.failure !== '') return 'not reachable';
    if (!this.known) return 'asking…';
    return this.known.version ? `version ${this.known.version}` : 'reachable';
  },
  get badge() {
    if (this.failure !== '') return 'bad';
    return this.known ? 'good' : '';
  },
  async look() {
    this.failure = '';
    try {
      const said = await api('GET', this.path);
      this.known = said.reachable ? said : null;
      this.failure = said.reachable ? '' : `It does not answer: ${said.reason}. Is it running, and is the address right?`;
      this.models = (said.models ?? []).map((model) => ({
        name: model.name,
        size: size(model.size),
        family: [model.family, model.parameters].filter(Boolean).join(', '),
        quantisation: model.quantisation ?? '',
        modified: model.modified?.slice(0, 10) ?? '',
        deletes: `Delete ${model.name}`,
      }));
      this.running = (said.running ?? []).map((model) => ({
        name: model.name, vram: size(model.vram) || 'none', expires: until(model.expires), unloads: `Unload ${model.name}`,
      }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.known = null;
      this.failure = error.message;
    }
  },
  async pull() {
    const model = this.wanted.trim();
    if (model === '') return;
    Object.assign(this, { isPulling: true, status: 'Asking for it…', percent: null, amount: '', pullFailure: '' });
    this.pulling = new AbortController();
    const layers = new Map();
    let isDone = false;
    try {
      await stream('POST', `${this.path}/pull`, { body: { model }, signal: this.pulling.signal }, (line) => {
        const said = JSON.parse(line);
        if (said.error) throw new ApiError(502, { message: said.error });
        if (said.total) layers.set(said.digest, said);
        isDone = said.status === 'success';
        this.progress(said.status, [...layers.values()]);
      });
      if (!isDone) throw new ApiError(502, { message: 'The instance broke off. What it has got is kept: pull again to go on.' });
      this.wanted = '';
      say(`${model} is installed at ${this.name}.`);
      await this.look();
    } catch (error) {
      if (error.name === 'AbortError') say('The pull was cancelled; what was fetched is kept for the next time.');
      else if (error instanceof ApiError) this.pullFailure = error.message;
      else throw error;
    } finally { this.isPulling = false; }
  },
  progress(status, layers) {
    const sum = (key) => layers.reduce((total, layer) => total + (layer[key] ?? 0), 0);
    const [total, completed] = [sum('total'), sum('completed')];
    // Ollama names each layer by its digest, which tells people nothing.
    this.status = status?.startsWith('pulling ') && status !== 'pulling manifest' ? 'Pulling' : (status ?? '');
    if (total === 0) return;
    this.percent = Math.floor((100 * completed) / total);
    this.amount = `${size(completed) || '0 B'} of ${size(total)} (${this.percent}%)`;
  },
  stop() { this.pulling?.abort(); },
  async remove(event) {
    const { model } = event.currentTarget.dataset;
    if (!(await ask(`Delete the files of ${model} at ${this.name}? This cannot be undone; it can be pulled again.`, { yes: 'Delete' }))) return;
    await this.act('delete', model, `${model} is deleted.`);
  },
  async unload(event) {
    const { model } = event.currentTarget.dataset;
    await this.act('unload', model, `${model} is out of memory; the next request loads it again.`);
  },
  async act(what, model, words) {
    try {
      await api('POST', `${this.path}/${what}`, { body: { model } });
      say(words);
      await this.look();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      say(error.message, { bad: true });
    }
  },
}));
