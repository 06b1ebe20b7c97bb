// The admin password, and tokens for scripts.

import Alpine from '/static/vendor/alpine.js';
import { expiring, mix } from '/static/js/expiry.js';
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

Alpine.data('tokens', () => mix(expiring(), {
  name: '',
  made: '',
  problem: '',
  problems: [],
  isBusy: false,
  get ids() { return { expiry: 'token-expiry' }; },
  problemsOf(place) { return this.problems.filter((problem) => problem.place === place); },
  check() { this.problems = []; },
  async create() {
    this.problem = '';
    this.problems = this.isUndecided ? [{ severity: 'error', place: 'expires_ms', message: 'choose a day' }] : [];
    if (this.isUndecided) return;
    this.isBusy = true;
    try {
      const { token } = await api('POST', 'tokens', { body: { name: this.name.trim(), expires_ms: this.expires_ms } });
      Object.assign(this, { made: token, name: '', expiry: 'never', date: '' });
    } catch (error) {
      this.problems = error.problems;
      // What is said under the field is not said twice.
      this.problem = this.problemsOf('expires_ms').length > 0 ? '' : error.message;
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
