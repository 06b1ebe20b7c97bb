// What the records take, and what can be done about it.

import Alpine from '/static/vendor/alpine.js';
import { api, ask, say } from '/static/js/relay.js';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];
function bytes(size) {
  let [rest, unit] = [size, 0];
  while (rest >= 1000 && unit < UNITS.length - 1) { rest /= 1000; unit += 1; }
  return `${unit === 0 ? rest : rest.toFixed(1)} ${UNITS[unit]}`;
}
const NAMES = { requests: 'Records of requests', decisions: 'Decisions of routers', bodies: 'Request bodies' };
const number = new Intl.NumberFormat('en');

Alpine.data('storage', () => ({
  kinds: [],
  summary: 'Measuring…',
  how: '',
  problem: '',
  canCompact: false,
  isBusy: false,
  isRead: false,
  look(isShown) {
    if (!isShown || this.isRead) return;
    this.isRead = true;
    this.act(() => api('GET', 'storage'));
  },
  async act(action) {
    this.isBusy = true;
    this.problem = '';
    try {
      const found = await action();
      if (found) this.show(found);
    } catch (error) {
      this.problem = error.message;
    } finally {
      this.isBusy = false;
    }
  },
  show(found) {
    this.kinds = found.kinds.map((kind) => ({
      what: kind.what,
      words: NAMES[kind.what],
      rows: number.format(kind.rows),
      size: bytes(kind.size_bytes),
      row: kind.bytes_per_row === undefined ? '–' : bytes(kind.bytes_per_row),
      day: number.format(Math.round(kind.rows_per_day * 10) / 10),
      forecast: kind.forecast_bytes === undefined ? 'not known yet' : `${bytes(kind.forecast_bytes)} after ${kind.forecast_days} days`,
    }));
    this.canCompact = !found.shrinks || found.free_bytes > found.total_bytes / 4;
    this.summary = `The file has ${bytes(found.total_bytes)}, of which ${bytes(found.free_bytes)} are free; everything else takes ${bytes(found.rest_bytes)}. With these settings the three will take about ${bytes(found.forecast_bytes)}.`;
    this.how = `The forecast: ${found.how}.`;
  },
  tidy() {
    return this.act(async () => {
      await api('POST', 'storage/tidy');
      say('What is too old is being deleted in the background.');
    });
  },
  async compact() {
    if (!await ask('Write the database’s file anew? Requests go on meanwhile, and their records wait in the journal; changes on these pages have to wait.', { yes: 'Compact' })) return;
    await this.act(() => api('POST', 'storage/compact'));
  },
}));
