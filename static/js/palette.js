// Finding and doing things by the keyboard: the palette, and single keys.

import Alpine from '/static/vendor/alpine.js';
import { api, whileTyping } from '/static/js/relay.js';

const SHOWN = 12;
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const ACTIONS = [
  ['New alias', '/aliases?new='],
  ['New redirect', '/redirects?new='],
  ['New router', '/routers?new='],
  ['New key', '/keys?new='],
  ['Add a provider', '/providers?new='],
  ['Change the password', '/settings#access'],
  ['Back up and restore', '/settings#backup'],
  ['Watch the log', '/settings#log'],
].map(([text, address]) => ({ text, address, what: 'do' }));

// What has a name and a page of its own, or a place on one.
const PAGES_OF = { alias: '/aliases?name=', redirect: '/redirects?name=', router: '/routers?name=', model: '/models?q=', provider: '/providers?name=', key: '/keys?name=' };

const links = () => [...document.querySelectorAll('nav[aria-label="Pages"] a')];
const pages = () => links().map((link) => ({ text: link.textContent, address: link.getAttribute('href'), what: 'page' }));

Alpine.data('palette', () => ({
  text: '',
  items: [],
  active: 0,
  names: [],

  init() {
    const ask = whileTyping((signal) => this.ask(signal), (found) => this.found(found), 120);
    this.search = () => { this.show(); ask(); };
    this.$el.addEventListener('close', () => { ask.stop(); this.text = ''; this.names = []; });
  },

  get activeId() { return this.items[this.active]?.id ?? ''; },

  /** Shows what is known without asking. */
  show() {
    const text = this.text.trim().toLowerCase();
    const fits = (item) => item.text.toLowerCase().includes(text);
    const found = [...pages(), ...ACTIONS].filter(fits);
    const names = this.names.filter(fits);
    const request = ID.test(text) ? [{ text, address: `/requests/${text}`, what: 'request' }] : [];
    const all = [...request, ...found, ...names].slice(0, SHOWN);
    this.items = all.map((item, index) => ({ ...item, key: `${item.what} ${item.text}`, id: `found-${index}` }));
    this.active = 0;
  },

  ask(signal) {
    const text = this.text.trim();
    return text === '' ? { names: [] } : api('GET', `names?q=${encodeURIComponent(text)}&kind=${Object.keys(PAGES_OF)}&limit=${SHOWN}`, { signal });
  },

  /** After an error what the page knows is shown all the same. */
  found({ names } = { names: [] }) {
    this.names = names.map(({ name, kind }) => ({ text: name, what: kind, address: PAGES_OF[kind] + encodeURIComponent(name) }));
    this.show();
  },

  move(by) {
    if (this.items.length === 0) return;
    this.active = (this.active + by + this.items.length) % this.items.length;
    this.$nextTick(() => document.getElementById(this.activeId)?.scrollIntoView({ block: 'nearest' }));
  },

  open(index = this.active) {
    const item = this.items[index];
    location.assign(item ? item.address : `/requests?q=${encodeURIComponent(this.text.trim())}`);
  },
}));

function openPalette() {
  const dialog = document.getElementById('palette');
  if (!dialog || dialog.open) return;
  Alpine.$data(dialog).show();
  dialog.showModal();
  dialog.querySelector('input').focus();
}

let waitsForPage = false;

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    return openPalette();
  }
  const isTyping = event.target.closest('input, textarea, select, [contenteditable]');
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (waitsForPage) {
    waitsForPage = false;
    return links().find((link) => link.dataset.key === event.key)?.click();
  }
  const act = {
    g: () => { waitsForPage = true; setTimeout(() => { waitsForPage = false; }, 1500); },
    '/': () => document.querySelector('main [data-filter], main input[type="search"], main .search input')?.focus(),
    n: () => document.querySelector('main [data-new]')?.click(),
    '?': () => document.getElementById('shortcuts')?.showModal(),
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
}

document.addEventListener('keydown', onKey);
document.addEventListener('click', (event) => {
  if (event.target.closest('[data-palette]')) openPalette();
  // A click beside a dialog that asks nothing closes it.
  if (event.target.matches('dialog.palette[open], #shortcuts[open]')) event.target.close();
});
