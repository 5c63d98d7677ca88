// The history of a node as a table: for who does not see the plots, and for who wants the figures.

import { h } from "../../core/dom.js";
import { dateTime, number, t } from "../../core/texts.js";
import { summary } from "./series.js";

const ROWS_S = { day: 3600, week: 6 * 3600, month: 86_400 };
const figure = (value) => number(value, { maximumFractionDigits: 1 });

function words(value) {
  if (!value) return t("shell.none");
  return value.min === value.max ? figure(value.mean) : t("nodes.plot_range", { mean: figure(value.mean), min: figure(value.min), max: figure(value.max) });
}

/** Return the table, shut at first; the latest stretch comes first. */
export function historyTable(found, lines, states, span) {
  const length = ROWS_S[span];
  const { times } = found;
  const last = times.length ? times[times.length - 1] + found.step_s : 0;
  const rows = [];
  for (let from = Math.floor((last - 1) / length) * length; from + length > (times[0] ?? 0); from -= length) {
    const { state, values } = summary(found, lines, states, from, from + length);
    if (!state && values.every((value) => !value)) continue;
    rows.push(h("tr", {}, h("th", { scope: "row" }, dateTime(1000 * from)),
      h("td", {}, state ? t(`state.${state}`) : t("nodes.plot_unknown")), values.map((value) => h("td", { class: "number" }, words(value)))));
  }
  return h("details", {}, h("summary", {}, t("nodes.as_table")),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("nodes.history") },
      h("table", {}, h("thead", {}, h("tr", {},
        ["time", "state", ...lines.map(({ name }) => name)].map((name) => h("th", { scope: "col" }, t(`nodes.plot_${name}`))))), h("tbody", {}, rows))));
}
