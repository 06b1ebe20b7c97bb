// Somebody else was quicker (412): what is said then is the same everywhere, and nothing that was typed is lost.

import { refresh, say } from '/static/js/relay.js';

/** A value of an entry in words. */
export function inWords(value) {
  if (value === undefined || value === null || value === '') return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(inWords).join(', ');
  if (typeof value === 'object') return Object.entries(value).map(([key, part]) => `${key} ${inWords(part)}`).join(', ');
  return { true: 'yes', false: 'no' }[value] ?? String(value);
}

/** In which of the fields of `labels` theirs differs from mine, and what each has there. */
export function differences(theirs, mine, labels, words = inWords) {
  const lines = Object.entries(labels).map(([field, label]) => ({ field, label, theirs: words(theirs[field]), mine: words(mine[field]) }));
  return lines.filter((line) => line.theirs !== line.mine);
}

/** What happened to `what`, for somebody with a form open. */
export const happened = (isGone, what) => `Somebody has ${isGone ? 'deleted' : 'changed'} ${what} meanwhile. What you typed is still here.`;

/**
 * What a form does about it whose text stays: `version` is the one that saving again replaces, `null` where nothing is
 * there any more; `text` says so. `compare` gives the differences from what stands there now.
 */
export function overtaken({ current }, what, compare) {
  const isGone = current === null;
  const now = isGone ? '' : compare(current).map(({ label, theirs }) => `${label}: ${theirs}`).join('; ');
  const again = isGone ? 'Save again to make it anew.' : 'Save again to replace theirs.';
  return { version: current?.version ?? null, text: [happened(isGone, what), now && `Theirs: ${now}.`, again].filter(Boolean).join(' ') };
}

/** What a button does about it, which is about what the page shows: shows how it is now. */
export async function lookAgain(what) {
  await refresh();
  say(`Somebody has changed ${what} meanwhile. It is shown as it is now; nothing of yours was done.`, { bad: true });
}
