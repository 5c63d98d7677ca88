// What this browser keeps for its reader; where it keeps nothing, it lasts as long as the page.

const meanwhile = new Map();

/** Return the text that is kept under a key, or null. */
export function kept(key) {
  try {
    return localStorage.getItem(key) ?? meanwhile.get(key) ?? null;
  } catch {
    return meanwhile.get(key) ?? null;
  }
}

/** Keep a text under a key. */
export function keep(key, text) {
  meanwhile.set(key, text);
  try {
    localStorage.setItem(key, text);
  } catch { /* a browser that keeps nothing */ }
}
