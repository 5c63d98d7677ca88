// What is wrong now: faults first; many of one kind together.

import * as api from "../../core/api.js";
import { doing, sheet } from "../../core/dialog.js";
import { fill, h, onFrame } from "../../core/dom.js";
import { field } from "../../core/form.js";
import { may, nodeTitle, store, watch, zoneTitle } from "../../core/store.js";
import { ago, compare, dateTime, number, t } from "../../core/texts.js";

const ALONE = 6;
/* More of one kind than this are shown as one entry that opens. */
const MOST = 200;

const SEVERITIES = ["fault", "warning"];

/** Return alerts of all, grouped by kind: faults first, then what is newest. */
export function grouped(alerts) {
  const kinds = new Map();
  for (const alert of alerts) {
    if (!kinds.has(alert.kind)) kinds.set(alert.kind, []);
    kinds.get(alert.kind).push(alert);
  }
  const groups = [...kinds.values()];
  for (const group of groups) group.sort((a, b) => Boolean(a.acknowledged_at) - Boolean(b.acknowledged_at) || compare(b.since, a.since));
  const rank = (group) => SEVERITIES.indexOf(group[0].severity);
  return groups.sort((a, b) => rank(a) - rank(b) || compare(b[0].since, a[0].since));
}

/** Return where an alert is: the node with its zone, or the controller. */
export function place(alert) {
  if (!alert.node) return t("alerts.controller");
  const zone = store.nodes.get(alert.node)?.zone;
  return zone ? `${nodeTitle(alert.node)} · ${zoneTitle(zone)}` : nodeTitle(alert.node);
}

function acknowledge(alert) {
  return sheet(t("health.acknowledge"), (close) => {
    const note = h("input", { maxlength: "1000", value: alert.note ?? "" });
    const button = h("button", { type: "submit", class: "main" }, t("health.acknowledge"));
    const form = h("form", { novalidate: true }, h("p", {}, `${t(`alerts.kind.${alert.kind}`)}: ${place(alert)}`), field(t("health.note"), note, t("health.note_hint")), h("div", { class: "actions" }, button));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      doing(button, async () => {
        await api.post(`/alerts/${encodeURIComponent(alert.id)}/acknowledge`, { note: note.value.trim() });
        close();
      });
    });
    return form;
  });
}

function since(alert) {
  return h("time", { datetime: alert.since, title: dateTime(alert.since), "data-since": alert.since }, ago(alert.since));
}

function line(alert) {
  const where = alert.node ? h("a", { href: `/nodes/${encodeURIComponent(alert.node)}` }, place(alert)) : place(alert);
  const seen = alert.acknowledged_at
    ? h("span", { class: "badge good" }, t("health.seen_by", { who: alert.acknowledged_by }))
    : may("alerts.write") && h("button", { type: "button", class: "small", "aria-label": t("health.acknowledge_this", { what: `${t(`alerts.kind.${alert.kind}`)}, ${place(alert)}` }), onclick: () => acknowledge(alert) }, t("health.acknowledge"));
  return h("li", { class: alert.acknowledged_at ? "seen" : "" },
    h("div", { class: "what" }, h("strong", {}, where), h("span", { class: "quiet" }, since(alert), (alert.detail.sensors ?? []).map((name) => ` · ${t(`alerts.sensor.${name}`)}`), alert.note ? ` · ${alert.note}` : "")), seen);
}

function group(alerts) {
  const { kind, severity } = alerts[0];
  const head = [h("span", { class: `dot ${severity}`, "aria-hidden": "true" }), h("h3", {}, t(`alerts.kind.${kind}`)),
    h("span", { class: `badge ${severity}` }, t(`alerts.severity.${severity}`), alerts.length > 1 && ` ${number(alerts.length)}`)];
  const todo = h("p", { class: "todo" }, t(`alerts.todo.${kind}`));
  const lines = h("ul", { class: "list tight" }, alerts.slice(0, MOST).map(line));
  const body = alerts.length > ALONE
    ? h("details", { "data-kind": kind, open: opened.has(kind) }, h("summary", {}, t("health.show_all", { count: number(alerts.length) })), lines, alerts.length > MOST && h("p", { class: "quiet" }, t("health.and_more", { count: number(alerts.length - MOST) })))
    : lines;
  if (body.localName === "details") body.addEventListener("toggle", () => (body.open ? opened.add(kind) : opened.delete(kind)));
  return h("article", { class: `alert-group ${severity}` }, h("div", { class: "head" }, head), todo, body);
}

const opened = new Set();

/** Return the card of what is wrong now. */
export function alertList(signal) {
  const list = h("div", { class: "stack" });
  const draw = onFrame(() => {
    const focused = document.activeElement?.getAttribute("aria-label");
    const groups = grouped(store.alerts.values());
    fill(list, groups.length ? groups.map(group) : h("p", { class: "good" }, t("health.nothing_wrong")));
    if (focused) [...list.querySelectorAll("[aria-label]")].find((each) => each.getAttribute("aria-label") === focused)?.focus();
  });
  watch("alerts", draw, signal);
  watch("zones", draw, signal);
  const clock = setInterval(() => {
    for (const each of list.querySelectorAll("[data-since]")) each.textContent = ago(each.dataset.since);
  }, 15_000);
  signal.addEventListener("abort", () => clearInterval(clock));
  return h("section", { class: "card", "aria-labelledby": "wrong-title" }, h("h2", { id: "wrong-title" }, t("health.wrong_now")), list);
}
