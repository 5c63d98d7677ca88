// What is wrong with one node, since when, and what to do.

import { fill, h } from "../../core/dom.js";
import { store, watch } from "../../core/store.js";
import { ago, dateTime, has, t } from "../../core/texts.js";
import { alertWord, severityOf } from "./words.js";

function item(alert) {
  const todo = `alerts.todo.${alert.kind}`;
  const severity = alert.severity ?? severityOf(alert.kind);
  return h("li", {},
    h("span", { class: `dot ${severity}`, "aria-hidden": "true" }),
    h("div", { class: "what" },
      h("strong", {}, alertWord(alert.kind)),
      h("span", { class: "quiet" }, has(`alerts.severity.${severity}`) ? `${t(`alerts.severity.${severity}`)} · ` : "", ago(alert.since), " · ", dateTime(alert.since)),
      alert.acknowledged_at && h("span", { class: "good" }, t("nodes.acknowledged", { who: alert.acknowledged_by ?? "" }), alert.note ? `: ${alert.note}` : ""),
      has(todo) && h("span", {}, t(todo))));
}

/** Return the card of a node's alerts. */
export function troubleCard(id, signal) {
  const list = h("ul", { class: "list troubles" });
  const calm = h("p", { class: "good" }, t("nodes.no_alerts"));
  watch("alerts", (alert) => {
    if (alert && alert.node !== id) return;
    const found = [...store.alerts.values()].filter((each) => each.node === id);
    found.sort((a, b) => (a.severity === "fault" ? 0 : 1) - (b.severity === "fault" ? 0 : 1) || new Date(a.since) - new Date(b.since));
    calm.hidden = found.length > 0;
    fill(list, found.map(item));
  }, signal);
  return h("section", { class: "card", "aria-labelledby": "troubles-title" }, h("h2", { id: "troubles-title" }, t("nodes.alerts")), list, calm);
}
