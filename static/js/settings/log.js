// The log, as it is written.

import Alpine from '/static/vendor/alpine.js';
import { copy, stream, whileTyping } from '/static/js/relay.js';

const MOST_LINES = 1000;

Alpine.data('log', () => {
  // The number of the last line; 0 begins anew.
  let after = 0;
  const shown = () => document.getElementById('log-lines');

  return {
    text: '',
    level: 'info',
    isOn: true,
    isEmpty: false,
    problem: '',
    read: null,
    init() { this.read = whileTyping((signal) => this.bring(signal), () => {}); },
    destroy() { this.read.stop(); },
    get words() { return this.isOn ? 'Pause' : 'Follow'; },
    look(isShown) {
      if (isShown && this.isOn) this.read(); else this.read.stop();
    },
    turn() { this.isOn = !this.isOn; },
    restart() {
      after = 0;
      this.read();
    },
    /** Shows what there is, and then what comes for as long as it is followed. */
    async bring(signal) {
      if (after === 0) shown().replaceChildren();
      const get = (follow) => {
        const address = `log?level=${this.level}&q=${encodeURIComponent(this.text)}&after=${after}&follow=${follow}`;
        return stream('GET', address, { signal }, (line) => { if (!signal.aborted) this.add(line); });
      };
      for (;;) {
        try {
          await get(false);
          this.problem = '';
          this.isEmpty = shown().childElementCount === 0;
          if (this.isOn) await get(true);
        } catch (error) {
          if (!signal.aborted) this.problem = error.message;
        }
        if (!this.isOn || signal.aborted) return;
        // The relay was stopped, or it is time to ask again.
        await new Promise((resolve) => { setTimeout(resolve, 1000); });
      }
    },
    add(line) {
      const { n, timestamp = '', level = '', message = '', ...fields } = JSON.parse(line);
      after = n;
      const part = (kind, text) => {
        const made = document.createElement(kind === 'time' ? 'time' : 'span');
        if (kind !== 'time') made.className = kind;
        made.textContent = text;
        return made;
      };
      const item = document.createElement('div');
      item.className = level;
      const more = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' ');
      item.append(part('time', timestamp.slice(11, 23)), ' ', part('level', level), ' ', part('message', message), ' ', part('fields', more));
      const lines = shown();
      const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
      lines.append(item);
      while (lines.childElementCount > MOST_LINES) lines.firstElementChild.remove();
      if (isAtEnd) lines.scrollTop = lines.scrollHeight;
      this.isEmpty = false;
      this.problem = '';
    },
    copyAll() { copy([...shown().children].map((line) => line.textContent).join('\n'), shown()); },
  };
});
