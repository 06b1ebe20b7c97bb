// When a key or a token ends: the state of the field in `expiry_field.html`.

const DAY = 86_400_000;

/** Several objects in one, getters and all. */
export const mix = (...parts) => parts.reduce((whole, part) => Object.defineProperties(whole, Object.getOwnPropertyDescriptors(part)), {});

/** To be mixed into a component, which has `ids.expiry`, `problemsOf(place)` and `check()`. */
export const expiring = () => ({
  expiry: 'never',
  date: '',
  kept: null,

  get hasExpiry() { return this.kept !== null; },
  get keepWords() { return `${new Date(this.kept).toLocaleString()}, as it is`; },
  get isDated() { return this.expiry === 'date'; },
  /** A day is to be chosen, and none is. */
  get isUndecided() { return this.isDated && this.date === ''; },
  get expires_ms() {
    if (this.expiry === 'keep') return this.kept;
    if (this.expiry === 'never') return null;
    if (this.expiry !== 'date') return Date.now() + Number(this.expiry) * DAY;
    const [year, month, day] = this.date.split('-').map(Number);
    return this.date === '' ? null : new Date(year, month - 1, day + 1).getTime() - 1;
  },
});
