// The last script of every page: what all pages have, then Alpine starts.

import Alpine from '/static/vendor/alpine.js';
import '/static/js/palette.js';

// The list of pages is folded away on phones; without script it is always there.
document.documentElement.classList.add('scripted');

Alpine.data('side', () => ({
  isOpen: false,
  turn() { this.isOpen = !this.isOpen; },
  get shown() { return this.isOpen ? 'open' : ''; },
}));

Alpine.start();
