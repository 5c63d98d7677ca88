// What the list is narrowed to, and how it is put in order. It stands in the address: a link leads to the same list.

import { h, onFrame } from "../../core/dom.js";
import { icon } from "../../core/icons.js";
import { sortedZones, store, watch } from "../../core/store.js";
import { compare, t } from "../../core/texts.js";
import { GROUPS, NOTHING, ORDERS } from "./model.js";
import { ALERTS, alertWord, STATES } from "./words.js";

const FIRST = { ...NOTHING, order: "faults", group: "" };

/** Return what the address asks for. */
function fromAddress() {
  const asked = new URLSearchParams(window.location.search);
  const choice = Object.fromEntries(Object.entries(FIRST).map(([name, first]) => [name, asked.get(name)?.slice(0, 200) ?? first]));
  if (!ORDERS.includes(choice.order)) choice.order = FIRST.order;
  if (!GROUPS.includes(choice.group)) choice.group = FIRST.group;
  return choice;
}

function toAddress(choice) {
  const query = new URLSearchParams(Object.entries(choice).filter(([name, value]) => value !== FIRST[name]));
  const text = query.toString();
  window.history.replaceState(null, "", window.location.pathname + (text ? `?${text}` : ""));
}

function options(select, entries, value) {
  if (value && !entries.some(([key]) => key === value)) entries.push([value, value]);
  select.replaceChildren(...entries.map(([key, word]) => h("option", { value: key, selected: key === value }, word)));
}

/** Return areas as `[id, title]`, each under the one that it lies in. */
function areaTree() {
  const below = new Map();
  for (const area of store.areas.values()) {
    const parent = store.areas.has(area.parent) ? area.parent : "";
    if (!below.has(parent)) below.set(parent, []);
    below.get(parent).push(area);
  }
  const found = [];
  const walk = (parent, depth) => {
    if (depth > 9) return;
    for (const area of (below.get(parent) ?? []).sort((a, b) => compare(a.title || a.id, b.title || b.id))) {
      found.push([area.id, "\u2003".repeat(depth) + (area.title || area.id)]);
      walk(area.id, depth + 1);
    }
  };
  walk("", 0);
  return found;
}

/** Return the fields; `changed(choice)` is called when a choice is another. `choice` is what is chosen; `order(name)` sets one. */
export function filters(changed, signal) {
  const choice = fromAddress();
  const text = h("input", { type: "search", id: "nodes-text", value: choice.text, maxlength: "200", autocomplete: "off", placeholder: t("nodes.search_hint") });
  const selects = Object.fromEntries(["state", "zone", "area", "alert", "group", "order"].map((name) => [name, h("select", { id: `nodes-${name}` })]));
  const field = (name, input) => h("div", { class: `field f-${name}` }, h("label", { for: `nodes-${name}` }, t(`nodes.filter_${name}`)), input);
  const clear = h("button", { type: "button", class: "small" }, t("nodes.clear"));
  const narrow = () => Object.keys(NOTHING).some((name) => choice[name]);

  options(selects.state, [["", t("nodes.all")], ...STATES.map((name) => [name, t(`state.${name}`)])], choice.state);
  options(selects.alert, [["", t("nodes.all")], ["any", t("nodes.alert_any")], ...ALERTS.map((kind) => [kind, alertWord(kind)])], choice.alert);
  options(selects.order, ORDERS.map((name) => [name, t(`nodes.order_${name}`)]), choice.order);
  options(selects.group, GROUPS.map((name) => [name, t(`nodes.group_${name || "none"}`)]), choice.group);
  const areas = field("area", selects.area);
  watch("zones", () => {
    options(selects.zone, [["", t("nodes.all")], ...sortedZones().map((zone) => [zone.id, zone.title || zone.id])], choice.zone);
  }, signal);
  watch("areas", () => {
    areas.hidden = !store.areas.size && !choice.area;
    options(selects.area, [["", t("nodes.all")], ...areaTree()], choice.area);
  }, signal);

  const tell = () => {
    clear.hidden = !narrow();
    toAddress(choice);
    changed(choice);
  };
  const tellSoon = onFrame(tell);
  text.addEventListener("input", () => {
    choice.text = text.value;
    tellSoon();
  });
  for (const [name, select] of Object.entries(selects)) {
    select.addEventListener("change", () => {
      choice[name] = select.value;
      tell();
    });
  }
  clear.addEventListener("click", () => {
    Object.assign(choice, NOTHING);
    text.value = "";
    for (const name of Object.keys(NOTHING)) if (selects[name]) selects[name].value = "";
    text.focus();
    tell();
  });
  clear.hidden = !narrow();

  const chosenCount = () => ["state", "zone", "area", "alert"].filter((name) => choice[name]).length;
  const more = h("details", { class: "more-filters", open: window.matchMedia("(min-width: 60rem)").matches || chosenCount() > 0 },
    h("summary", {}, t("nodes.more_filters")),
    h("div", { class: "fields" }, field("state", selects.state), field("alert", selects.alert), field("zone", selects.zone), areas,
      field("group", selects.group), field("order", selects.order)));
  const roomy = window.matchMedia("(min-width: 60rem)");
  roomy.addEventListener("change", () => { more.open ||= roomy.matches; }, { signal });
  const element = h("form", { class: "card filters", role: "search", "aria-label": t("nodes.filter"), onsubmit: (event) => event.preventDefault() },
    h("div", { class: "field f-text" }, h("label", { for: "nodes-text" }, t("nodes.filter_text")),
      h("span", { class: "with-icon" }, icon("search"), text)),
    more, clear);
  return {
    element, choice, narrow,
    order(name) {
      choice.order = selects.order.value = name;
      tell();
    },
  };
}
