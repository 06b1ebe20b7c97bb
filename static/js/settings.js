// The settings: a section each, which comes when it is looked at.

import Alpine from '/static/vendor/alpine.js';
import { renew } from '/static/js/relay.js';
import '/static/js/settings/setting.js';
import '/static/js/settings/storage.js';
import '/static/js/settings/redaction.js';
import '/static/js/settings/restore.js';
import '/static/js/settings/access.js';
import '/static/js/settings/log.js';

const SECTIONS = ['general', 'records', 'redaction', 'backup', 'access', 'system', 'log'];
const here = () => (SECTIONS.includes(location.hash.slice(1)) ? location.hash.slice(1) : SECTIONS[0]);

Alpine.data('sections', () => ({
  section: here(),
  look() { this.section = here(); },
  at(name) { return this.section === name; },
  current(name) { return this.section === name ? 'page' : false; },
  again() { renew(); },
}));
