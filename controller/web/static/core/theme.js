// Light, dark, or as the device is; kept by this browser.

import { keep, kept } from "./kept.js";

const KEY = "loaxa.theme";
export const THEMES = ["auto", "light", "dark"];

function chosen() {
  const name = kept(KEY);
  return THEMES.includes(name) ? name : "auto";
}

/** Return which one is chosen. */
export const theme = () => chosen();

/** Choose one. */
export function setTheme(name) {
  keep(KEY, name);
  apply(name);
}

/** Make the page look as `name` says. */
export function apply(name = chosen()) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}
