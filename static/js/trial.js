// A router tried out with a prompt: the designator is really asked.

import Alpine from '/static/vendor/alpine.js';
import { api } from '/static/js/relay.js';

const MEANINGS = {
  designator: 'the designator chose', single: 'only one candidate passed the gates', cache: 'the same question was decided a moment ago',
  pin: 'the conversation has its model already', 'side-call': 'a question of the client program itself',
  'fallback-gates': 'no candidate passed the gates, so the fallback', 'fallback-timeout': 'no designator answered in time, so the fallback',
  'fallback-invalid': 'the designator named no candidate, so the fallback', 'fallback-error': 'the designator could not be asked, so the fallback',
  breaker: 'every designator is left alone for a while, so the fallback',
};
const OUTCOMES = { chosen: 'chose', invalid: 'named no candidate', timeout: 'timed out', error: 'failed' };

Alpine.data('trial', () => ({
  prompt: '',
  isBusy: false,
  isDone: false,
  error: '',
  choice: '',
  cause: '',
  took: '',
  candidates: [],
  calls: [],
  isRehearsal: false,

  init() { this.isRehearsal = this.$el.dataset.rehearsal !== undefined; },

  get words() { return this.isBusy ? 'Choosing…' : 'Have it choose'; },

  async choose() {
    const prompt = this.prompt.trim();
    if (prompt === '' || this.isBusy) return;
    Object.assign(this, { isBusy: true, isDone: false, error: '' });
    const name = this.isRehearsal ? this.name.trim() || 'new' : this.$root.dataset.name;
    const body = this.isRehearsal ? { prompt, router: this.definition() } : { prompt };
    try {
      this.show(await api('POST', `routers/${encodeURIComponent(name)}/resolve`, { body }));
    } catch (error) {
      this.error = [error.message, ...error.problems.filter(({ severity }) => severity === 'error').map(({ message }) => message)].join('; ');
    }
    this.isBusy = false;
  },

  show({ decision }) {
    const { choice, model, cause, took_us: micros, candidates, calls = [] } = decision;
    this.choice = choice === model ? model : `${choice} → ${model}`;
    this.cause = MEANINGS[cause] ?? cause;
    this.took = `${(micros / 1000).toLocaleString('en', { maximumFractionDigits: micros < 10_000 ? 2 : 0 })} ms`;
    this.candidates = candidates.map(({ name, reason }, key) => ({ key, name, said: reason ?? 'passes', isBad: reason !== undefined }));
    this.calls = calls.map((call) => ({
      key: call.id,
      page: `/requests/${call.id}`,
      model: call.model,
      text: [
        OUTCOMES[call.outcome] ?? call.outcome,
        call.answer && `“${call.answer}”`,
        `${call.ms} ms`,
        `${call.input_tokens ?? 'unknown'} tokens in, ${call.output_tokens ?? 'unknown'} out`,
        call.cost_nano_usd === undefined ? 'cost unknown' : `$${(call.cost_nano_usd / 1e9).toFixed(9)}`,
      ].filter(Boolean).join(', '),
    }));
    this.isDone = true;
  },
}));
