// Every text that people read comes from here, in their language; numbers and times in its form.

const texts = JSON.parse(document.getElementById("texts").textContent);

export const config = JSON.parse(document.getElementById("config").textContent);
export const language = document.documentElement.lang;
const locale = { vi: "vi-VN", en: "en-GB" }[language] ?? language;

/** Return the text of a key, `{name}` in it replaced by values.name; the key itself where there is none. */
export function t(key, values = {}) {
  const found = texts[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether a key has a text. */
export const has = (key) => key in texts;

const forms = new Map();

function form(Kind, options) {
  const key = Kind.name + JSON.stringify(options);
  if (!forms.has(key)) forms.set(key, new Kind(locale, options));
  return forms.get(key);
}

/** Return a number in the reader's form; options as of Intl.NumberFormat. */
export const number = (value, options = {}) => form(Intl.NumberFormat, options).format(value);

/** Return a date and time of day; `when` is anything that Date takes. */
export const dateTime = (when) => form(Intl.DateTimeFormat, { dateStyle: "short", timeStyle: "medium" }).format(new Date(when));

export const date = (when) => form(Intl.DateTimeFormat, { dateStyle: "long" }).format(new Date(when));

/** Return day and month in figures, for what has little room. */
export const dayMonth = (when) => form(Intl.DateTimeFormat, { day: "numeric", month: "numeric" }).format(new Date(when));

/** Return the time of day, seconds left out unless asked for. */
export const time = (when, seconds = false) =>
  form(Intl.DateTimeFormat, { timeStyle: seconds ? "medium" : "short" }).format(new Date(when));

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** Return how long ago `when` was, such as "5 minutes ago". */
export function ago(when, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - new Date(when)) / 1000));
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) ?? UNITS[3];
  return form(Intl.RelativeTimeFormat, { numeric: "auto" }).format(-Math.floor(seconds / length), unit);
}

/** Return a length of time, such as "3 min 20 s". */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [];
  let left = whole;
  for (const [unit, length] of UNITS) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count && parts.length < 2) parts.push(form(Intl.NumberFormat, { style: "unit", unit, unitDisplay: "short" }).format(count));
  }
  return parts.join(" ") || form(Intl.NumberFormat, { style: "unit", unit: "second", unitDisplay: "short" }).format(0);
}

/** Compare two names as the reader's language sorts them, "cum-2" before "cum-10". */
export const compare = new Intl.Collator(locale, { numeric: true }).compare;

/** Return a text for searching: small letters, without marks. */
export const plain = (text) =>
  text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").replaceAll("Đ", "D").toLowerCase();
