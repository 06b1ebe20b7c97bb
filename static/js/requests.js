// The list of requests follows what happens, while somebody watches its newest page.

import Alpine from '/static/vendor/alpine.js';
import { renew } from '/static/js/relay.js';

const EVERY = 2000;

Alpine.data('live', () => ({
  isOn: false,
  init() { if (sessionStorage.getItem('live') === 'on') this.follow(); },
  destroy() { clearTimeout(this.timer); },
  get words() { return this.isOn ? 'Pause' : 'Follow'; },
  turn() {
    if (this.isOn) this.pause(); else this.follow();
  },
  pause() {
    this.isOn = false;
    clearTimeout(this.timer);
    sessionStorage.removeItem('live');
  },
  follow() {
    this.isOn = true;
    sessionStorage.setItem('live', 'on');
    // The refreshed page has a component of its own, which goes on.
    this.timer = setTimeout(() => (document.hidden ? this.follow() : renew().catch(() => this.follow())), EVERY);
  },
}));
