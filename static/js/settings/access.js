// The admin password, and tokens for scripts.

import Alpine from '/static/vendor/alpine.js';
import { api, ask, copy, refresh, say } from '/static/js/relay.js';

Alpine.data('password', () => ({
  old: '',
  next: '',
  again: '',
  problem: '',
  isBusy: false,
  async save() {
    this.problem = '';
    if (this.next !== this.again) { this.problem = 'The new password is not the same twice.'; return; }
    this.isBusy = true;
    try {
      await api('POST', 'password', { body: { old: this.old, new: this.next } });
      [this.old, this.next, this.again] = ['', '', ''];
      say('The password is changed; all other logins have ended.');
    } catch (error) {
      this.problem = error.code === 'wrong_password' ? 'That is not the password there is now.' : error.message;
    } finally {
      this.isBusy = false;
    }
  },
}));

Alpine.data('tokens', () => ({
  name: '',
  made: '',
  problem: '',
  isBusy: false,
  async create() {
    this.isBusy = true;
    this.problem = '';
    try {
      const { token } = await api('POST', 'tokens', { body: { name: this.name.trim() } });
      this.made = token;
      this.name = '';
    } catch (error) {
      this.problem = error.message;
    } finally {
      this.isBusy = false;
    }
  },
  copyMade() { copy(this.made, document.getElementById('made-token')); },
  // The list is made anew only now: the token would go with the old one.
  done() { this.made = ''; refresh(); },
  async revoke(name) {
    if (!await ask(`Revoke the token “${name}”? Scripts that use it stop working at once.`, { yes: 'Revoke' })) return;
    try {
      await api('DELETE', `tokens/${encodeURIComponent(name)}`);
      say(`The token “${name}” is revoked.`);
      await refresh();
    } catch (error) {
      say(error.message, { bad: true });
    }
  },
}));
