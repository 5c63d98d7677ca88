// Where to speak: zones by area, all of them, or on the map.

import { fill, h } from "../../core/dom.js";
import { areasBelow, sortedZones, store, watch } from "../../core/store.js";
import { compare, number, t } from "../../core/texts.js";

const chosen = new Set(); // as it was when the page was left

/** Return `{element, chosen()}`: the choice, and the ids of the zones that are chosen. */
export function zoneChoice(signal) {
  const boxes = h("div", { class: "stack zones" });
  const map = h("div", { class: "zone-map", hidden: true });
  const count = h("p", { class: "quiet", role: "status" });
  const byMap = h("button", { type: "button", class: "small", "aria-pressed": "false" }, t("live.on_map"));

  const changed = () => {
    for (const id of [...chosen]) if (!store.zones.has(id)) chosen.delete(id);
    const nodes = [...chosen].reduce((sum, id) => sum + (store.zones.get(id)?.nodes.length ?? 0), 0);
    count.textContent = chosen.size ? t("live.chosen", { zones: number(chosen.size), nodes: number(nodes) }) : t("live.choose");
    for (const box of boxes.querySelectorAll("input")) {
      const ids = box.value.split(" ");
      const inside = ids.filter((id) => chosen.has(id)).length;
      box.checked = inside === ids.length;
      box.indeterminate = inside > 0 && inside < ids.length;
    }
    map.dispatchEvent(new CustomEvent("chosen", { detail: chosen }));
  };

  boxes.addEventListener("change", (event) => {
    for (const id of event.target.value.split(" ")) {
      if (event.target.checked) chosen.add(id);
      else chosen.delete(id);
    }
    changed();
  });

  let known = "";
  watch("zones", () => {
    const zones = sortedZones();
    const now = JSON.stringify([zones.map((zone) => [zone.id, zone.title, zone.area, zone.nodes.length]), [...store.areas.values()]]);
    if (now === known) return; // what is on air changes often, the choice does not
    known = now;
    const focused = document.activeElement?.value;
    fill(boxes, zones.length ? groups(zones) : h("p", { class: "notice" }, t("live.no_zones")));
    if (zones.length === 1) chosen.add(zones[0].id);
    changed();
    if (focused) boxes.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
  }, signal);

  byMap.addEventListener("click", async () => {
    const shown = map.hidden;
    byMap.setAttribute("aria-pressed", String(shown));
    map.hidden = !shown;
    boxes.hidden = shown;
    if (!shown || map.childElementCount) return;
    const { zoneMap } = await import("../../map/zones.js");
    map.append(zoneMap({ chosen, signal, host: map, toggle: (id) => {
      if (!chosen.delete(id)) chosen.add(id);
      changed();
    } }));
  });

  return {
    element: h("fieldset", { class: "stack" }, h("legend", {}, t("live.where")), h("div", { class: "bar" }, count, byMap), boxes, map),
    chosen: () => [...chosen],
  };
}

function groups(zones) {
  const all = zones.length > 1 ? [pill(zones, t("live.everywhere"), "all")] : [];
  const areas = [...store.areas.values()].filter((area) => area.kind === "commune").sort((a, b) => compare(a.title, b.title));
  if (!areas.length || zones.length < 9) return h("div", { class: "pills" }, all, zones.map((zone) => pill([zone], zone.title || zone.id)));
  const placed = new Set();
  const found = areas.map((area) => {
    const below = areasBelow(area.id);
    const inside = zones.filter((zone) => below.has(zone.area));
    for (const zone of inside) placed.add(zone.id);
    return inside.length ? section(area.title, inside) : null;
  });
  const rest = zones.filter((zone) => !placed.has(zone.id));
  return [h("div", { class: "pills" }, all), found, rest.length ? section(t("live.elsewhere"), rest) : null];
}

function section(title, zones) {
  return h("details", { open: zones.length <= 20 },
    h("summary", {}, title, " ", h("span", { class: "quiet" }, number(zones.length))),
    h("div", { class: "pills" }, zones.length > 1 ? pill(zones, t("live.whole_area"), "all") : [], zones.map((zone) => pill([zone], zone.title || zone.id))));
}

function pill(zones, title, kind = "") {
  const nodes = zones.reduce((sum, zone) => sum + zone.nodes.length, 0);
  const empty = !nodes && zones.every((zone) => !zone.multicast);
  return h("label", { class: kind },
    h("input", { type: "checkbox", name: "zone", value: zones.map((zone) => zone.id).join(" ") }),
    h("span", {}, title, " ", h("small", {}, empty ? t("live.no_nodes") : number(nodes))));
}
