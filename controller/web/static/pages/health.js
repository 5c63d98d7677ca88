// Does everything work? Faults first, each with since when and what to do.

import { h } from "../core/dom.js";
import { need } from "../core/styles.js";
import { t } from "../core/texts.js";
import { alertList } from "./health/alerts.js";
import { channels } from "./health/channels.js";
import { pastAlerts } from "./health/past.js";
import { parts, verdict } from "./health/verdict.js";

export const title = () => t("nav.health");

export function show(main, _, signal) {
  need("health");
  main.querySelector("h1").after(verdict(signal));
  main.append(
    h("div", { class: "columns" },
      alertList(signal),
      h("div", { class: "stack" }, parts(signal), channels(signal), pastAlerts(signal))),
    h("p", {}, h("a", { class: "button", href: "/wall" }, t("health.wall"))));
}
