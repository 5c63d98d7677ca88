// Zones on the map, to be chosen by a touch.

import { fill, h } from "../core/dom.js";
import { store, watch, zoneTitle } from "../core/store.js";
import { t } from "../core/texts.js";
import { need } from "../core/styles.js";
import { noMap } from "../core/vendor.js";
import { colour, makeMap, outlines, spot } from "./base.js";

const AROUND = 18;

/** Return the map; `chosen` is a set of ids that `toggle(id)` changes; `host` gets an event "chosen" after it did. */
export function zoneMap({ chosen, signal, host, toggle }) {
  need("map");
  const element = h("div", { class: "map", role: "application", "aria-label": t("map.choose_zones") });
  begin().catch(() => fill(element, noMap()));
  return element;

  async function begin() {
    const made = await makeMap(element, signal);
    if (!made) {
      if (!signal.aborted) fill(element, noMap());
      return;
    }
    const { L, map, earth, fit } = made;
    outlines(made);
    const shapes = new Map();
    const paint = () => {
      for (const [id, layers] of shapes) {
        const on = chosen.has(id);
        for (const layer of layers) layer.setStyle({ color: colour(on ? "main" : "edge"), fillColor: colour(on ? "main" : "edge"), fillOpacity: on ? 0.75 : 0.3, weight: on ? 3 : 1.5 });
      }
    };
    const draw = () => {
      for (const layers of shapes.values()) layers.forEach((layer) => layer.remove());
      shapes.clear();
      const points = [];
      for (const node of store.nodes.values()) {
        const at = spot(node, earth);
        if (!at || !store.zones.has(node.zone)) continue;
        points.push(at);
        const mark = L.circleMarker(at, { radius: AROUND }).addTo(map).on("click", () => toggle(node.zone));
        mark.bindTooltip(zoneTitle(node.zone));
        if (!shapes.has(node.zone)) shapes.set(node.zone, []);
        shapes.get(node.zone).push(mark);
      }
      paint();
      return points;
    };
    fit(draw());
    let known = store.nodes;
    watch("nodes", () => {
      if (store.nodes === known) return; // only states changed
      known = store.nodes;
      draw();
    }, signal);
    host.addEventListener("chosen", paint, { signal });
  }
}
