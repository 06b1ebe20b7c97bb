// Where a name leads, step by step; with what an open form would change.

import Alpine from '/static/vendor/alpine.js';
import { api, whileTyping } from '/static/js/relay.js';

Alpine.data('resolver', () => ({
  asked: '',
  steps: [],
  end: '',
  isBad: false,
  isKnown: false,
  detail: '',

  isRehearsal: false,
  follow: null,

  get endClass() { return this.isBad ? 'bad' : ''; },

  init() {
    // An edit that is not saved is told from things as they are.
    this.isRehearsal = this.$el.dataset.rehearsal !== undefined;
    this.follow = whileTyping((signal) => this.ask(signal), (way, error) => this.show(error ? { steps: [], error: error.message } : way), 200);
    if (this.isRehearsal) this.$watch('form', () => this.follow());
  },

  destroy() { this.follow.stop(); },

  ask(signal) {
    const name = this.asked.trim();
    if (name === '') return null;
    const body = { name };
    if (this.isRehearsal) body.with = { kind: this.kind, name: this.name, entry: this.spec.write(this.form) };
    return api('POST', 'resolve', { body, signal });
  },

  /** The way of a name; `null` where none is asked for. */
  show(way) {
    this.$root.querySelector('[data-way]')?.remove();
    this.isKnown = way !== null;
    if (way !== null) this.describe(way);
  },

  describe({ steps, model, router, choices = [], fallback, error, price, tags = [] }) {
    this.steps = steps.map((step, index) => ({ ...step, key: index }));
    this.end = error ?? model ?? `router ${router}`;
    this.isBad = error !== undefined;
    const parts = router ? [`chooses among ${choices.join(', ')}`, `else ${fallback}`] : [price];
    if (tags.length > 0) parts.push(`tags ${tags.join(', ')}`);
    this.detail = parts.filter(Boolean).join('; ');
  },
}));
