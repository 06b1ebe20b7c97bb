// Taking back what was just saved: what the button of a toast does.

import { api, refresh, say } from '/static/js/relay.js';

/** The newest change of an entry. Of keys the id counts too: another may have had the name before. */
async function newestChange(kind, name, keyId) {
  const { history } = await api('GET', `history?kind=${kind}&name=${encodeURIComponent(name)}&limit=${keyId ? 20 : 1}`);
  return history.find((change) => change.key_id === keyId)?.id;
}

/**
 * To be called right after saving, when the newest change is our own: gives a function that takes this very change back,
 * whatever others have changed since, and offers to take that back too. `undefined` when the change cannot be found.
 */
export async function undoing(kind, name, keyId) {
  const change = await newestChange(kind, name, keyId).catch(() => undefined);
  if (change === undefined) return undefined;
  return async () => {
    await api('POST', `history/${change}/undo`);
    const again = await undoing(kind, name, keyId);
    await refresh();
    say(`Undone: ${name} is as it was before.`, { undo: again });
  };
}
