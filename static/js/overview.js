// The steps to the first answer tick themselves off while somebody follows them.

import Alpine from '/static/vendor/alpine.js';
import { copy, renew } from '/static/js/relay.js';

const EVERY = 3000;

Alpine.data('guide', () => ({
  init() { this.wait(); },
  destroy() { clearTimeout(this.timer); },
  // The refreshed page has a guide of its own, or none when all is done.
  wait() {
    // Nobody loses what they are about to copy.
    const isBusy = () => document.hidden || !getSelection().isCollapsed;
    this.timer = setTimeout(() => (isBusy() ? this.wait() : renew().catch(() => this.wait())), EVERY);
  },
  copy() { copy(this.$refs.example.textContent, this.$refs.example); },
}));
