// Where a name leads, step by step; with what an open form would change.

import Alpine from '/static/vendor/alpine.js';
import { api, later } from '/static/js/relay.js';

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
    this.follow = later(() => this.ask(), 200);
    if (this.isRehearsal) this.$watch('form', () => this.follow());
  },

  async ask() {
    const name = this.asked.trim();
    this.$root.querySelector('[data-way]')?.remove();
    if (name === '') { this.isKnown = false; return; }
    const body = { name };
    if (this.isRehearsal) body.with = { kind: this.kind, name: this.name, entry: this.spec.write(this.form) };
    try {
      const way = await api('POST', 'resolve', { body });
      if (name === this.asked.trim()) this.show(way);
    } catch (error) {
      this.show({ steps: [], error: error.message });
    }
  },

  show({ steps, model, router, choices = [], fallback, error, price, tags = [] }) {
    this.steps = steps.map((step, index) => ({ ...step, key: index }));
    this.end = error ?? model ?? `router ${router}`;
    this.isBad = error !== undefined;
    const parts = router ? [`chooses among ${choices.join(', ')}`, `else ${fallback}`] : [price];
    if (tags.length > 0) parts.push(`tags ${tags.join(', ')}`);
    this.detail = parts.filter(Boolean).join('; ');
    this.isKnown = true;
  },
}));
