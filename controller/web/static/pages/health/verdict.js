// The answer in one glance, and the parts that it is made of.

import { fill, h, say, onFrame } from "../../core/dom.js";
import { icon } from "../../core/icons.js";
import { currentTrouble, store, watch } from "../../core/store.js";
import { number, t } from "../../core/texts.js";

/** Return how many faults and warnings there are, and how many nodes are in which state. */
export function counts() {
  const found = { fault: 0, warning: 0, nodes: 0, online: 0, offline: 0, silent: 0, new: 0, playing: 0 };
  for (const alert of store.alerts.values()) found[alert.severity] += 1;
  for (const node of store.nodes.values()) {
    if (node.state === "retired" || node.rtp) continue;
    found.nodes += 1;
    if (node.state in found) found[node.state] += 1;
    if (node.playing) found.playing += 1;
  }
  return found;
}

/** Return the line that says whether everything works. */
export function verdict(signal) {
  const words = h("p", { class: "words" });
  const detail = h("p", { class: "quiet" });
  const mark = h("div", { class: "mark" });
  const element = h("section", { class: "verdict card", role: "status", "aria-label": t("health.verdict") }, mark, h("div", {}, words, detail));
  let shown = "";
  const draw = onFrame(() => {
    const found = counts();
    const state = currentTrouble() ? "unknown" : found.fault ? "fault" : found.warning ? "warning" : "good";
    if (state !== shown) {
      element.className = `verdict card ${state}`;
      fill(mark, icon(state === "good" ? "check" : "warn"));
      shown = state;
    }
    say(words, state === "unknown" ? t("health.unknown") : state === "good" ? t("health.all_well")
      : [found.fault && t("health.faults", { count: number(found.fault) }), found.warning && t("health.warnings", { count: number(found.warning) })].filter(Boolean).join(", "));
    say(detail, t("health.nodes_online", { online: number(found.online), nodes: number(found.nodes) }));
  });
  for (const part of ["alerts", "nodes", "trouble"]) watch(part, draw, signal);
  return element;
}

/** Return the card of the controller's parts and the nodes' states. */
export function parts(signal) {
  const rows = Object.fromEntries(["engine", "broker", "on_air", "online", "silent", "offline", "new"].map((name) =>
    [name, { dot: h("span", { class: "dot", "aria-hidden": "true" }), value: h("span", { class: "number" }) }]));
  const set = (name, kind, text) => {
    rows[name].dot.className = `dot ${kind}`;
    say(rows[name].value, text);
  };
  const draw = onFrame(() => {
    const found = counts();
    const { health } = store;
    const works = (well) => t(well ? "health.works" : "health.works_not");
    set("engine", health?.engine?.ready ? "ok" : "fault", health ? works(health.engine?.ready) : t("shell.none"));
    set("broker", health?.broker?.connected ? "ok" : "fault", health ? works(health.broker?.connected) : t("shell.none"));
    set("on_air", store.sessions.length ? "ok" : "", number(store.sessions.length));
    set("online", "ok", number(found.online));
    set("silent", found.silent ? "warning" : "", number(found.silent));
    set("offline", found.offline ? "fault" : "", number(found.offline));
    set("new", "new", number(found.new));
  });
  for (const part of ["health", "nodes", "sessions"]) watch(part, draw, signal);
  return h("section", { class: "card", "aria-labelledby": "parts-title" }, h("h2", { id: "parts-title" }, t("health.parts")),
    h("ul", { class: "list tight" }, Object.entries(rows).map(([name, { dot, value }]) =>
      h("li", {}, dot, h("span", { class: "what" }, t(`health.part_${name}`)), value))));
}
