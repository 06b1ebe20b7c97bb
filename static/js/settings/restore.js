// A backup, looked at before it is restored.

import Alpine from '/static/vendor/alpine.js';
import { api, refresh, say } from '/static/js/relay.js';

const STYLES = { new: 'badge good', changed: 'badge warn', gone: 'badge bad' };
const short = (value) => (value === null || value === undefined ? '–' : JSON.stringify(value));

Alpine.data('restore', () => ({
  backup: null,
  keeps: false,
  problem: '',
  changes: [],
  skipped: [],
  warnings: [],
  summary: '',
  isPlanned: false,
  isBusy: false,
  get hasChanges() { return this.changes.length > 0; },
  get yes() { return this.changes.length === 1 ? 'Make this change' : `Make these ${this.changes.length} changes`; },
  async read(event) {
    const [file] = event.target.files;
    this.isPlanned = false;
    this.changes = [];
    this.problem = '';
    if (!file) return;
    try {
      this.backup = JSON.parse(await file.text());
    } catch {
      this.backup = null;
      this.problem = `${file.name} is no JSON, so it is no backup.`;
      return;
    }
    await this.rehearse();
  },
  send(isRehearsal) { return api('POST', `restore?dry_run=${isRehearsal}&keep=${this.keeps}`, { body: this.backup }); },
  async rehearse() {
    if (this.backup === null) return;
    this.problem = '';
    try {
      const { plan, problems } = await this.send(true);
      this.changes = plan.changes.map((change, id) => ({ ...change, id, style: STYLES[change.change], before: short(change.before), after: short(change.after) }));
      this.skipped = plan.skipped.map((one, id) => ({ id, text: `${one.kind} ${one.name}: ${one.reason}` }));
      this.warnings = problems.map((one, id) => ({ id, text: `${one.place}: ${one.message}` }));
      this.summary = this.changes.length === 0 ? 'Everything is as the file has it.' : `${this.changes.length} would change, ${plan.unchanged} are the same already.`;
      this.isPlanned = true;
    } catch (error) {
      this.isPlanned = false;
      this.changes = [];
      this.problem = error.messages.join(' ');
    }
  },
  async apply() {
    this.isBusy = true;
    try {
      const { plan } = await this.send(false);
      say(`Restored: ${plan.changes.length} changed. Each change of an entry can be undone by itself.`);
      await refresh();
    } catch (error) {
      this.problem = error.messages.join(' ');
    } finally {
      this.isBusy = false;
    }
  },
}));
