// What was wrong lately and is not any more.

import * as api from "../../core/api.js";
import { fill, h } from "../../core/dom.js";
import { watch } from "../../core/store.js";
import { dateTime, duration, t } from "../../core/texts.js";
import { place } from "./alerts.js";

/** Return the card of alerts that are over. */
export function pastAlerts(signal) {
  const list = h("ul", { class: "list tight" });
  let waiting = null;
  async function load() {
    waiting = null;
    try {
      const { alerts } = await api.get("/alerts?active=false&limit=12", { signal });
      fill(list, alerts.length ? alerts.map((alert) => h("li", {},
        h("div", { class: "what" }, h("span", {}, h("strong", {}, t(`alerts.kind.${alert.kind}`)), ` · ${place(alert)}`),
          h("span", { class: "quiet" }, `${dateTime(alert.cleared_at)} · ${t("health.lasted", { time: duration((new Date(alert.cleared_at) - new Date(alert.since)) / 1000) })}`)))) : h("li", { class: "quiet" }, t("health.nothing_past")));
    } catch { /* the shell says when the controller is away */ }
  }
  watch("alerts", () => { waiting ??= setTimeout(load, 400); }, signal);
  signal.addEventListener("abort", () => clearTimeout(waiting));
  return h("section", { class: "card", "aria-labelledby": "past-title" }, h("h2", { id: "past-title" }, t("health.past")), list);
}
