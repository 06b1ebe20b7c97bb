// What the forms of aliases, redirects and routers hold, and the entries they stand for.
//
// Of each kind: `labels` (a field and what people call it), `read` (the form of an entry), `write` (the entry of a form),
// `problems` (what can be said of a form without asking the relay).

const list = (text) => text.split(',').map((word) => word.trim()).filter((word) => word !== '');
const filled = (text) => text.trim() || undefined;
const SPAN = /^\s*\d+\s*(ms|s|m|h|d)\s*$/;

const alias = {
  section: 'aliases',
  labels: { target: 'Target', tags: 'Tags', description: 'Description' },
  // What can be pointed at.
  targets: ['router', 'alias', 'model'],
  read: (entry) => {
    const { target = '', tags = [], description = '' } = typeof entry === 'string' ? { target: entry } : entry;
    return { target, tags: tags.join(', '), description };
  },
  write: ({ target, tags, description }) => ({ target: target.trim(), tags: list(tags), description: filled(description) }),
  problems: () => ({}),
};

const redirect = {
  section: 'redirects',
  labels: { target: 'New name', tags: 'Tags' },
  targets: ['router', 'alias', 'model'],
  read: (entry) => {
    const { target = '', tags = [] } = typeof entry === 'string' ? { target: entry } : entry;
    return { target, tags: tags.join(', ') };
  },
  write: ({ target, tags }) => ({ target: target.trim(), tags: list(tags) }),
  problems: () => ({}),
};

const SPANS = ['session_ttl', 'budget', 'hard_limit', 'breaker_time', 'cache_ttl', 'hedge_after'];
const MODELS = ['second_designator', 'side_call_model'];
let candidates = 0;

/** A candidate of the form; `key` tells it from the others while they are moved. */
export function candidate({ model = '', notes = '', enabled = true } = {}) {
  candidates += 1;
  return { key: candidates, model, notes, enabled, error: '', warning: '' };
}

const router = {
  section: 'routers',
  labels: {
    purpose: 'Purpose', designator: 'Designator', candidates: 'Candidates', fallback: 'Fallback', strategy: 'Strategy',
    session_ttl: 'Remembered for', enabled: 'Switched on', second_designator: 'Second designator', budget: 'Budget',
    hard_limit: 'Hard limit', breaker_time: 'Breaker time', cache_ttl: 'Cached for', hedge_after: 'Hedge after',
    side_calls: 'Side calls', side_call_model: 'Side-call model', tags: 'Tags', description: 'Description',
  },
  targets: ['alias', 'model'],
  read: (entry) => ({
    purpose: entry.purpose ?? '',
    designator: entry.designator ?? '',
    candidates: (entry.candidates ?? [{}, {}]).map((one) => candidate(typeof one === 'string' ? { model: one } : one)),
    fallback: entry.fallback ?? '',
    strategy: entry.strategy ?? 'per_request',
    side_calls: entry.side_calls ?? true,
    enabled: entry.enabled ?? true,
    tags: (entry.tags ?? []).join(', '),
    description: entry.description ?? '',
    ...Object.fromEntries([...SPANS, ...MODELS].map((key) => [key, entry[key] ?? ''])),
  }),
  write: (form) => ({
    purpose: form.purpose.trim(),
    designator: form.designator.trim(),
    candidates: form.candidates.map(({ model, notes, enabled }) => ({ model: model.trim(), notes: notes.trim(), enabled })),
    fallback: form.fallback.trim(),
    strategy: form.strategy,
    side_calls: form.side_calls,
    enabled: form.enabled,
    tags: list(form.tags),
    description: filled(form.description),
    ...Object.fromEntries([...SPANS, ...MODELS].map((key) => [key, filled(form[key])])),
  }),
  problems: (form) => Object.fromEntries(SPANS.filter((key) => filled(form[key]) && !SPAN.test(form[key]))
    .map((key) => [key, `“${form[key].trim()}” is not a time span like 800ms, 90s, 30m, 1h or 7d`])),
};

export const FORMS = { alias, redirect, router };

/** A field of a form, in words. */
export function inWords(value) {
  if (Array.isArray(value)) {
    return value.map(({ model, notes, enabled }) => `${model}${notes && `: ${notes}`}${enabled ? '' : ' (off)'}`).join('\n');
  }
  return { true: 'yes', false: 'no' }[value] ?? String(value ?? '');
}
