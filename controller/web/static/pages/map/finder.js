// Finds a node by its name: also the way to the map for who has no mouse.

import { fill, h, uid } from "../../core/dom.js";
import { field } from "../../core/form.js";
import { store, zoneTitle } from "../../core/store.js";
import { compare, plain, t } from "../../core/texts.js";

const MOST = 8;

/** Return the field; `found(node)` is called with the node that was chosen. */
export function finder(found) {
  const input = h("input", { type: "search", maxlength: "100", autocomplete: "off" });
  const list = h("ul", { class: "found", id: uid("found") });
  input.addEventListener("input", () => {
    const wanted = plain(input.value.trim());
    const matches = wanted ? [...store.nodes.values()].filter((node) => plain(`${node.id} ${node.title} ${zoneTitle(node.zone)}`).includes(wanted)) : [];
    matches.sort((a, b) => compare(a.title || a.id, b.title || b.id));
    fill(list, matches.slice(0, MOST).map((node) => h("li", {}, h("button", { type: "button", class: "wide", onclick: () => {
      input.value = "";
      fill(list);
      found(node);
    } }, node.title || node.id, " ", h("span", { class: "quiet" }, zoneTitle(node.zone))))));
  });
  return h("div", { class: "finder" }, field(t("map.find"), input), list);
}
