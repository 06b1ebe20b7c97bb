// What was changed, and taking it back.

import Alpine from '/static/vendor/alpine.js';
import { api, ask, refresh, say } from '/static/js/relay.js';

async function undo(id, what, force = false) {
  await api('POST', `history/${id}/undo`, force ? { body: { force: true } } : {});
  const { history } = await api('GET', 'history?limit=1');
  await refresh();
  document.getElementById('main').focus();
  say(`Undone: ${what}.`, { undo: () => undo(history[0].id, 'the undo') });
}

Alpine.data('change', () => ({
  async undo() {
    const { id, what, newest } = this.$root.dataset;
    const isNewest = newest !== undefined;
    if (!isNewest && !await ask('It has been changed again since. Put back what was before this change all the same?', { yes: 'Put it back' })) return;
    try {
      await undo(id, what, !isNewest);
    } catch (error) {
      const why = error.problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
      say([error.message, ...why].join('; '), { bad: true });
    }
  },
}));
