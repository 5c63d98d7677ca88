// Light, dark, or as the device is; kept by this browser.

const KEY = "loaxa.theme";
export const THEMES = ["auto", "light", "dark"];

function kept() {
  try {
    return THEMES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "auto";
  } catch {
    return "auto"; // a browser that keeps nothing
  }
}

/** Return which one is chosen. */
export const theme = () => kept();

/** Choose one. */
export function setTheme(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch { /* it lasts as long as the page */ }
  apply(name);
}

/** Make the page look as `name` says. */
export function apply(name = kept()) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}
