// Zones, which play the same, in a tree of areas: province, commune, village.

import { fill, h } from "../core/dom.js";
import { need } from "../core/styles.js";
import { sortedZones, store, watch } from "../core/store.js";
import { compare, number, t } from "../core/texts.js";
import { areaSheet, zoneSheet } from "./areas/sheets.js";

export const title = () => t("nav.areas");

export function show(main, _, signal) {
  need("areas");
  const tree = h("div", { class: "tree" });
  const addZone = h("button", { type: "button", class: "main", onclick: () => zoneSheet(null) }, t("areas.add_zone"));
  const addArea = h("button", { type: "button", onclick: () => areaSheet(null) }, t("areas.add_area"));
  main.append(
    h("p", { class: "quiet" }, t("areas.says")),
    h("section", { class: "card stack", "aria-label": t("nav.areas") }, h("div", { class: "actions" }, addZone, addArea), tree));
  let known = "";
  const draw = () => {
    const now = JSON.stringify([[...store.areas.values()], sortedZones().map(({ on_air, behind, ...zone }) => zone)]);
    if (now === known) return;
    known = now;
    const focused = document.activeElement?.dataset?.key;
    fill(tree, branch(null), !store.zones.size && !store.areas.size && h("p", { class: "notice" }, t("areas.none")));
    if (focused) tree.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  };
  watch("zones", draw, signal);
  watch("areas", draw, signal);
}

/** Return the list of what is in an area; null: of what is in none. */
function branch(parent) {
  const areas = [...store.areas.values()].filter((area) => (area.parent ?? null) === parent).sort((a, b) => compare(a.title, b.title));
  const zones = sortedZones().filter((zone) => (zone.area ?? null) === parent);
  if (!areas.length && !zones.length) return null;
  return h("ul", { class: "branch" }, areas.map(areaItem), zones.map(zoneItem));
}

function areaItem(area) {
  return h("li", {},
    h("div", { class: "node" }, h("div", { class: "names" }, h("span", { class: "badge" }, t(`area_kind.${area.kind}`)), h("strong", {}, area.title || area.id)),
      h("button", { type: "button", class: "small", "data-key": `area ${area.id}`, "aria-label": t("areas.edit_this", { what: area.title || area.id }), onclick: () => areaSheet(area) }, t("areas.edit"))),
    branch(area.id));
}

function zoneItem(zone) {
  return h("li", {},
    h("div", { class: "node" }, h("div", { class: "names" }, h("span", { class: "badge good" }, t("areas.zone")), h("strong", {}, zone.title || zone.id),
        h("span", { class: "quiet" }, t("areas.nodes", { count: number(zone.nodes.length) }), " · ", t(`profile.${zone.profile}`))),
      h("button", { type: "button", class: "small", "data-key": `zone ${zone.id}`, "aria-label": t("areas.edit_this", { what: zone.title || zone.id }), onclick: () => zoneSheet(zone) }, t("areas.edit"))));
}
