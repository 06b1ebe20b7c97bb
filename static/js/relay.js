// What every page's script uses: the API, the page itself, toasts and questions.

const ROOT = '/admin/api/';

/** What the API refuses. `problems` has `{severity, place, message}`, `current` is what stands there now. */
export class ApiError extends Error {
  constructor(status, { code = 'unknown', message = `the relay answered ${status}`, ...more } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.problems = more.problems ?? [];
    this.current = more.current ?? null;
    this.used_by = more.used_by ?? [];
  }

  /** Somebody else was quicker. */
  get isOvertaken() { return this.status === 412; }

  /** What went wrong: the problems where there are such. */
  get messages() { return this.problems.length > 0 ? this.problems.map(({ message }) => message) : [this.message]; }
}

/**
 * Asks the API. `version` is the version that is to be replaced or deleted; `null`: it has to be new.
 * Gives what the answer's JSON says, `null` where there is none; throws an ApiError.
 */
export async function api(method, path, { body, version, signal } = {}) {
  const answer = await send(method, path, { body, version, signal });
  const text = await answer.text();
  return text === '' ? null : JSON.parse(text);
}

/** Asks the API for something that comes in lines (NDJSON, or the data of an event stream), and hands each over. */
export async function stream(method, path, { body, signal } = {}, onLine) {
  const answer = await send(method, path, { body, signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? '')).split('\n');
    rest = done ? '' : lines.pop();
    for (const line of lines) {
      const text = line.replace(/^data: ?/, '').trim();
      if (text !== '' && !text.startsWith(':')) onLine(text);
    }
    if (done) return;
  }
}

async function send(method, path, { body, version, signal }) {
  const headers = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (version) headers['if-match'] = version === '*' ? '*' : `"${version}"`;
  if (version === null) headers['if-none-match'] = '*';
  const answer = await reach(ROOT + path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.ok) return answer;
  // The login has ended; it comes back to where we are.
  if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}${location.hash}`);
  const text = await answer.text();
  let said;
  try { said = JSON.parse(text); } catch { said = { message: text.trim() || undefined }; }
  throw new ApiError(answer.status, said.error ?? said);
}

async function reach(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, { code: 'unreachable', message: 'The relay cannot be reached. Is it still running?' });
  }
}

/** A page as the server makes it now; an empty one when the login has ended, which loading it again will say. */
export async function load(address, signal) {
  const answer = await reach(address, { headers: { accept: 'text/html' }, signal });
  const hasEnded = answer.redirected && new URL(answer.url).pathname === '/login';
  return new DOMParser().parseFromString(hasEnded ? '' : await answer.text(), 'text/html');
}

/**
 * Makes the page anew after a change. Until then nothing on it can be clicked, by mouse or by keyboard: it would act on
 * what is no longer so. The keyboard stays where it is, and whoever types types on.
 */
export async function refresh(address) {
  const stale = document.querySelector('main');
  const refuse = (event) => { event.preventDefault(); event.stopPropagation(); };
  const turn = (isBusy, method) => {
    stale.ariaBusy = isBusy;
    for (const event of ['click', 'submit']) stale[method](event, refuse, { capture: true });
  };
  turn('true', 'addEventListener');
  try {
    await renew(address);
  } finally {
    turn(null, 'removeEventListener');
  }
}

/** Makes the page anew, as the server shows it now. Where the keyboard was it stays, if that still exists. */
export async function renew(address = location.href) {
  const fresh = (await load(address)).querySelector('main');
  const shown = document.querySelector('main');
  if (!fresh || !shown) return location.reload();
  const { id } = document.activeElement ?? {};
  const open = [...shown.querySelectorAll('details[open][id]')].map((details) => details.id);
  const { scrollX, scrollY } = window;
  shown.replaceWith(document.adoptNode(fresh));
  for (const id of open) document.getElementById(id)?.setAttribute('open', '');
  if (id) document.getElementById(id)?.focus({ preventScroll: true });
  window.scrollTo(scrollX, scrollY);
}

/** Says something for a while. `undo` is what its button does; `bad` makes it stay longer. */
export function say(text, { undo, bad = false } = {}) {
  const toast = document.createElement('div');
  toast.className = bad ? 'toast bad' : 'toast';
  const words = document.createElement('span');
  words.textContent = text;
  toast.append(words);
  const remove = () => toast.remove();
  if (undo) {
    toast.append(button('Undo', async () => {
      remove();
      try { await undo(); } catch (error) { say(error.message, { bad: true }); }
    }));
  }
  toast.append(button('Dismiss', remove));
  // It does not vanish under a pointer or the keyboard.
  let timer;
  const wait = () => { clearTimeout(timer); timer = setTimeout(remove, bad || undo ? 12000 : 5000); };
  toast.addEventListener('pointerenter', () => clearTimeout(timer));
  toast.addEventListener('pointerleave', wait);
  toast.addEventListener('focusin', () => clearTimeout(timer));
  toast.addEventListener('focusout', wait);
  wait();
  const place = document.getElementById('toasts');
  // A dialog lies above everything else, so the toast has to be inside of it to be seen.
  (document.querySelector('dialog[open]') ?? document.body).append(place);
  place.append(toast);
}

/** Asks before something that cannot be undone. `true` when the answer is yes. */
export function ask(text, { yes = 'Yes', no = 'Cancel' } = {}) {
  return new Promise((resolve) => {
    const dialog = document.createElement('dialog');
    dialog.setAttribute('aria-label', text);
    const words = document.createElement('p');
    words.textContent = text;
    const confirm = button(yes, () => dialog.close('yes'), 'danger');
    const buttons = document.createElement('p');
    buttons.className = 'buttons';
    buttons.append(button(no, () => dialog.close('')), confirm);
    dialog.append(words, buttons);
    dialog.addEventListener('close', () => {
      // Toasts of meanwhile stay.
      document.body.append(document.getElementById('toasts'));
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
    buttons.firstElementChild.focus();
  });
}

/** Puts a text into the clipboard and says so. Browsers without HTTPS have no clipboard; the text is then selected. */
export async function copy(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    say('Copied.');
  } catch {
    if (element) getSelection().selectAllChildren(element);
    say('The browser does not let a page without HTTPS copy: press Ctrl C.', { bad: true });
  }
}

/**
 * Asks while somebody types: once what this gives has not been called for a while (`wait`, milliseconds), `ask` is
 * called, and `tell(answer, error)` gets what came of it, one of the two. Whoever types on asks anew and hears nothing
 * more of earlier questions; after `stop()`, when a form is saved or closed, nobody does.
 */
export function whileTyping(ask, tell, wait = 250) {
  let timer;
  let latest = new AbortController();
  const put = async (signal) => {
    let answer;
    let failure;
    try { answer = await ask(signal); } catch (error) { failure = error; }
    if (signal.aborted) return;
    if (failure && !(failure instanceof ApiError)) throw failure;
    tell(answer, failure);
  };
  const stop = () => { clearTimeout(timer); latest.abort(); };
  const typed = () => {
    stop();
    latest = new AbortController();
    timer = setTimeout(put, wait, latest.signal);
  };
  return Object.assign(typed, { stop });
}

function button(text, action, kind = 'plain') {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = kind;
  made.textContent = text;
  made.addEventListener('click', action);
  return made;
}
