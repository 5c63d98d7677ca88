// What the pages use of others' work. A controller that was set up without it goes on without: no map, no plots.

import { h } from "./dom.js";
import { need } from "./styles.js";
import { t } from "./texts.js";

const loaded = new Map();

/** Load `vendor/NAME/NAME.js` and its style sheet once; resolves to what it calls itself, or to null where it is missing. */
function vendor(name, global) {
  if (!loaded.has(name)) {
    const script = new Promise((resolve) => {
      const element = h("script", { src: new URL(`../vendor/${name}/${name}.js`, import.meta.url).href });
      element.addEventListener("load", () => resolve(window[global] ?? null));
      element.addEventListener("error", () => resolve(null));
      document.head.append(element);
    });
    loaded.set(name, Promise.all([script, need(`../vendor/${name}/${name}`)]).then(([found]) => found));
  }
  return loaded.get(name);
}

/** Resolves to Leaflet (its `L`), which draws maps, or to null. */
export const leaflet = () => vendor("leaflet", "L");

/** Resolves to uPlot, which draws plots, or to null. */
export const uplot = () => vendor("uplot", "uPlot");

/** Return what stands in the place of a map where there is no Leaflet. */
export const noMap = () => h("p", { class: "notice warn" }, t("vendor.no_map"));

/** Return what stands in the place of plots where there is no uPlot. */
export const noPlots = () => h("p", { class: "notice warn" }, t("vendor.no_plots"));
