// What was changed, and taking it back.

import Alpine from '/static/vendor/alpine.js';
import { api, ask, refresh, say } from '/static/js/relay.js';

async function undo(id, what, force = false) {
  await api('POST', `history/${id}/undo`, force ? { body: { force: true } } : {});
  const { history: [made] } = await api('GET', 'history?limit=1');
  await refresh();
  document.getElementById('main').focus();
  // A revoked key cannot come back.
  const isForGood = made.kind === 'key' && made.after === null;
  say(`Undone: ${what}.`, { undo: isForGood ? undefined : () => undo(made.id, 'the undo') });
}

Alpine.data('change', () => ({
  async undo({ question, yes, force }) {
    const { id, what } = this.$root.dataset;
    if (question !== '' && !await ask(question, { yes })) return;
    try {
      await undo(id, what, force !== undefined);
    } catch (error) {
      const why = error.problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
      say([error.message, ...why].join('; '), { bad: true });
    }
  },
}));
