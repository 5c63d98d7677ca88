// For a screen on the wall: large, readable from afar, nothing to press.

import { fill, h, onFrame, say } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { sortedZones, store, watch, zoneTitle } from "../core/store.js";
import { need } from "../core/styles.js";
import { ago, date, number, t, time } from "../core/texts.js";
import { grouped, place } from "./health/alerts.js";
import { verdict } from "./health/verdict.js";
import { describe } from "./live/onair.js";

const MOST_LINES = 12;

export const title = () => t("wall.title");

export function show(main, _, signal) {
  need("health");
  need("wall");
  main.append(h("div", { class: "wall" },
    h("div", { class: "bar wall-head" }, verdict(signal), clock(signal)),
    h("div", { class: "wall-body" }, wrong(signal), h("div", { class: "stack" }, onAir(signal), zones(signal)))),
  h("p", {}, h("a", { class: "button", href: "/health" }, t("wall.leave"))));
}

function clock(signal) {
  const now = h("p", { class: "wall-time" });
  const day = h("p", { class: "quiet" });
  const tick = () => {
    say(now, time(Date.now(), true));
    say(day, date(Date.now()));
  };
  const ticking = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(ticking));
  tick();
  return h("div", { class: "wall-clock" }, now, day);
}

function wrong(signal) {
  const list = h("ul", { class: "list" });
  const draw = onFrame(() => {
    const groups = grouped(store.alerts.values());
    const lines = groups.flatMap((alerts) => alerts.length > 4
      ? [[alerts[0], t("wall.nodes", { count: number(alerts.length) })]] : alerts.map((alert) => [alert, place(alert)]));
    fill(list, lines.slice(0, MOST_LINES).map(([alert, where]) => h("li", {},
      h("span", { class: `dot ${alert.severity}`, "aria-hidden": "true" }),
      h("div", { class: "what" }, h("strong", {}, t(`alerts.kind.${alert.kind}`)), h("span", {}, where)), h("span", { class: "quiet" }, ago(alert.since)))),
    lines.length > MOST_LINES && h("li", { class: "quiet" }, t("health.and_more", { count: number(lines.length - MOST_LINES) })),
    !lines.length && h("li", { class: "good" }, icon("check"), t("health.nothing_wrong")));
  });
  watch("alerts", draw, signal);
  const ticking = setInterval(draw, 15_000);
  signal.addEventListener("abort", () => clearInterval(ticking));
  return h("section", { class: "card", "aria-labelledby": "wall-wrong" }, h("h2", { id: "wall-wrong" }, t("health.wrong_now")), list);
}

function onAir(signal) {
  const list = h("ul", { class: "list" });
  const draw = onFrame(() => fill(list, store.sessions.length ? store.sessions.slice(0, 6).map((session) => h("li", {},
    h("span", { class: `dot ${session.state}`, "aria-hidden": "true" }),
    h("div", { class: "what" }, h("strong", { class: "clamp" }, describe(session.source)), h("span", { class: "clamp" }, session.zones.map(zoneTitle).join(", "))))) : h("li", { class: "quiet" }, t("shell.silence"))));
  watch("sessions", draw, signal);
  watch("zones", draw, signal);
  return h("section", { class: "card", "aria-labelledby": "wall-air" }, h("h2", { id: "wall-air" }, t("shell.on_air")), list);
}

function zones(signal) {
  const grid = h("ul", { class: "wall-zones" });
  const draw = onFrame(() => {
    const found = new Map(sortedZones().map((zone) => [zone.id, { zone, nodes: 0, online: 0, fault: false }]));
    for (const node of store.nodes.values()) {
      const entry = found.get(node.zone);
      if (!entry || node.state === "retired" || node.rtp) continue;
      entry.nodes += 1;
      if (node.state === "online") entry.online += 1;
    }
    for (const alert of store.alerts.values()) {
      const entry = alert.node && found.get(store.nodes.get(alert.node)?.zone);
      if (entry && alert.severity === "fault") entry.fault = true;
    }
    fill(grid, [...found.values()].map(({ zone, nodes, online, fault }) => h("li", { class: fault ? "fault" : nodes && online === nodes ? "good" : "" },
      h("span", { class: `dot ${fault ? "fault" : nodes && online === nodes ? "ok" : ""}`, "aria-hidden": "true" }), h("span", { class: "clamp" }, zone.title || zone.id), h("span", { class: "number" }, `${number(online)}/${number(nodes)}`))));
  });
  for (const part of ["zones", "nodes", "alerts"]) watch(part, draw, signal);
  return h("section", { class: "card", "aria-labelledby": "wall-zones" }, h("h2", { id: "wall-zones" }, t("nav.areas")), grid);
}
