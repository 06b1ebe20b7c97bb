// The chart of usage: stacked bars over time. The table below it has the same numbers.

import Alpine from '/static/vendor/alpine.js';

const HEIGHT = 272;
const NANO = 1e9;
const STEPS = { hour: 3600, day: 86400, month: 30 * 86400 };
const TIMES = {
  hour: { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { weekday: 'short', month: 'short', day: 'numeric' },
  month: { month: 'long', year: 'numeric' },
};

const TICKS = {
  hour: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { month: 'short', day: 'numeric' },
  month: { month: 'short', year: '2-digit' },
};

const dark = matchMedia('(prefers-color-scheme: dark)');

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** An amount as short as an axis allows. */
function short(number, show) {
  if (show !== 'cost') return Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(number);
  if (number === 0) return '$0';
  const digits = number < 1 ? Math.min(9, 1 - Math.floor(Math.log10(number))) : 2;
  return `$${number.toLocaleString('en', { maximumFractionDigits: digits, notation: number >= 1e4 ? 'compact' : 'standard' })}`;
}

function exact(number, show) {
  if (show !== 'cost') return number.toLocaleString('en');
  return `$${number.toLocaleString('en', { minimumFractionDigits: 4, maximumFractionDigits: number < 0.01 ? 9 : 4 })}`;
}

/** Draws `chart` into `place`, and gives what removes it again. */
function draw(place, chart) {
  const unit = chart.show === 'cost' ? NANO : 1;
  const groups = chart.groups.map(({ name, values }, at) => ({ name, values: values.map((value) => value / unit), colour: colour(`--s${at + 1}`) }));
  const below = chart.times.map(() => 0);
  // Each bar is as high as all groups up to its own; the highest are drawn first, and the lower ones over them.
  const stacked = groups.map(({ values }) => values.map((value, at) => { below[at] += value; return below[at]; }));
  const when = new Intl.DateTimeFormat('en', { ...TIMES[chart.step], timeZone: 'UTC' });
  const tick = new Intl.DateTimeFormat('en', { ...TICKS[chart.step], timeZone: 'UTC' });
  const bars = uPlot.paths.bars({ size: [0.82, 48], align: 1 });
  const line = { stroke: colour('--line'), width: 1 };
  const axis = { stroke: colour('--quiet'), ticks: { show: false }, border: { show: false }, font: `12px ${getComputedStyle(document.body).fontFamily}` };
  const readout = document.createElement('div');
  readout.className = 'readout';
  readout.hidden = true;
  const row = (name, value, strong) => {
    const made = document.createElement('div');
    for (const text of [name, value]) {
      const cell = document.createElement(strong ? 'strong' : 'span');
      cell.textContent = text;
      made.append(cell);
    }
    return made;
  };
  const tell = (plot) => {
    const { idx, left } = plot.cursor;
    readout.hidden = idx == null || left < 0;
    if (readout.hidden) return;
    const used = groups.filter(({ values }) => values[idx] > 0).map(({ name, values }) => row(name, exact(values[idx], chart.show)));
    readout.replaceChildren(row(when.format(chart.times[idx] * 1000), exact(below[idx], chart.show), true), ...used);
    const isRight = left > plot.over.clientWidth / 2;
    readout.style.left = isRight ? 'auto' : `${plot.over.offsetLeft + left + 16}px`;
    readout.style.right = isRight ? `${place.clientWidth - plot.over.offsetLeft - left + 16}px` : 'auto';
  };
  // A period begins within its first day, whose bar stands where the whole day does; else all bars would be as narrow.
  const days = chart.step === 'day' ? STEPS.day : 1;
  const times = chart.times.map((time) => time - (time % days));
  const last = times.at(-1) + STEPS[chart.step];
  const plot = new uPlot({
    width: place.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    padding: [12, 28, 0, 0],
    legend: { show: false },
    cursor: { x: true, y: false, points: { show: false }, drag: { x: false, y: false }, dataIdx: (self, series, closest, x) => times.findLastIndex((time) => time <= x) },
    scales: { x: { range: [times[0], last] }, y: { range: (self, low, high) => [0, high > 0 ? high * 1.05 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, values: (self, times) => times.map((time) => tick.format(time * 1000)), space: 60, size: 30 },
      { ...axis, grid: line, values: (self, numbers) => numbers.map((number) => short(number, chart.show)), size: 64 },
    ],
    series: [{}, ...groups.map((group) => ({ label: group.name, fill: group.colour, stroke: group.colour, width: 0, paths: bars, points: { show: false } })).reverse()],
    hooks: { setCursor: [tell] },
  }, [times, ...stacked.reverse()], place);
  place.append(readout);
  return { plot, remove: () => { plot.destroy(); readout.remove(); } };
}

Alpine.data('chart', () => ({
  init() {
    const place = this.$el;
    const chart = JSON.parse(place.dataset.chart);
    const again = () => { this.drawn?.remove(); this.drawn = draw(place, chart); };
    // Hidden until the page knows that it has scripts, and then of no width yet.
    this.watch = new ResizeObserver(() => {
      if (place.clientWidth === 0) return;
      if (this.drawn) this.drawn.plot.setSize({ width: place.clientWidth, height: HEIGHT }); else again();
    });
    this.watch.observe(place);
    this.again = again;
    dark.addEventListener('change', again);
  },
  destroy() {
    this.watch.disconnect();
    dark.removeEventListener('change', this.again);
    this.drawn?.remove();
  },
}));

Alpine.data('report', () => ({
  print() { window.print(); },
}));
