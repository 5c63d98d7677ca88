// Where everything is, and how it is.

import { fill, h, onFrame } from "../core/dom.js";
import { need } from "../core/styles.js";
import { store, watch, zoneTitle } from "../core/store.js";
import { ago, number, t } from "../core/texts.js";
import { noMap } from "../core/vendor.js";
import { colour, makeMap, onEarth, outlines, spot } from "../map/base.js";
import { finder } from "./map/finder.js";
import { mover } from "./map/mover.js";

const COLOURS = { online: "good-lamp", silent: "warn-lamp", offline: "danger", new: "idle", retired: "line" };

export const title = () => t("nav.map");

export function show(main, _, signal) {
  need("map");
  const element = h("div", { class: "map", role: "application", "aria-label": t("map.title") });
  const panel = h("section", { class: "card stack map-panel", "aria-label": t("map.chosen") }, h("p", { class: "quiet" }, t("map.touch")));
  const unplaced = h("p", { class: "quiet", role: "status" });
  main.append(h("div", { class: "map-frame" }, element, h("div", { class: "stack" }, finder((node) => choose(node)), panel, legend(), unplaced)));
  let choose = () => {};
  begin();

  async function begin() {
    const made = await makeMap(element, signal);
    if (!made) {
      if (!signal.aborted) fill(element, noMap());
      return;
    }
    const { L, map, earth, fit } = made;
    let areas = outlines(made);
    const marks = new Map();
    let selected = null;

    const style = (node) => ({
      radius: node.id === selected ? 12 : node.alert ? 9 : 7, color: colour(node.id === selected ? "main" : node.alert ? "danger" : "card"), weight: node.id === selected || node.alert ? 3 : 1.5,
      fillColor: colour(node.playing ? "main" : COLOURS[node.state] ?? "idle"), fillOpacity: 1,
    });
    const move = mover(made, signal);

    choose = (node, { fly = true } = {}) => {
      const before = store.nodes.get(selected);
      selected = node.id;
      if (before) marks.get(before.id)?.setStyle(style(before)).setRadius(style(before).radius);
      const at = spot(node, earth);
      if (at) {
        marks.get(node.id)?.setStyle(style(node)).setRadius(style(node).radius);
        if (fly) map.setView(at, Math.max(map.getZoom(), earth ? 16 : 0));
      }
      describe(node);
    };

    function describe(node) {
      fill(panel,
        h("h2", {}, node.title || node.id),
        h("p", {}, h("span", { class: `dot ${node.state} inline`, "aria-hidden": "true" }), " ", t(`state.${node.state}`), node.since_ms ? ` · ${ago(node.since_ms)}` : ""),
        h("p", { class: "quiet" }, zoneTitle(node.zone), node.playing ? ` · ${t("map.playing")}` : "", node.muted ? ` · ${t("map.muted")}` : ""),
        node.alert && h("p", { class: "bad" }, t(`alerts.kind.${node.alert}`)),
        h("div", { class: "actions" }, h("a", { class: "button main", href: `/nodes/${encodeURIComponent(node.id)}` }, t("map.open")), move.button(node)));
    }

    function draw() {
      for (const mark of marks.values()) mark.remove();
      marks.clear();
      const points = [];
      let lost = 0;
      for (const node of store.nodes.values()) {
        if (node.state === "retired") continue;
        const at = spot(node, earth);
        if (!at) {
          lost += 1;
          continue;
        }
        points.push(at);
        marks.set(node.id, L.circleMarker(at, style(node)).addTo(map).on("click", () => choose(store.nodes.get(node.id), { fly: false })).bindTooltip(node.title || node.id));
      }
      unplaced.textContent = lost ? t("map.unplaced", { count: number(lost) }) : "";
      return points;
    }

    const points = draw();
    for (const area of store.areas.values()) if (earth && area.outline) points.push(...area.outline);
    fit(points);
    let known = store.nodes;
    const waiting = new Set();
    const repaint = onFrame(() => {
      for (const node of waiting) marks.get(node.id)?.setStyle(style(node));
      if ([...waiting].some((node) => node.id === selected)) describe(store.nodes.get(selected));
      waiting.clear();
    });
    watch("nodes", (touched) => {
      if (store.nodes !== known) {
        known = store.nodes;
        draw();
      }
      for (const node of touched ?? []) waiting.add(node);
      if (touched) repaint();
    }, signal);
    let outlined = store.areas;
    watch("areas", () => {
      if (store.areas === outlined || earth !== onEarth()) return;
      outlined = store.areas;
      areas.remove();
      areas = outlines(made);
    }, signal);
  }
}

function legend() {
  return h("ul", { class: "legend" }, ["online", "silent", "offline", "new"].map((state) =>
    h("li", {}, h("span", { class: `dot ${state}`, "aria-hidden": "true" }), t(`state.${state}`))), h("li", {}, h("span", { class: "dot playing", "aria-hidden": "true" }), t("map.playing")));
}
