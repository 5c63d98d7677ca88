// What a node told over a day, a week or a month: plots, and the same as a table.

import * as api from "../../core/api.js";
import { fill, h } from "../../core/dom.js";
import { noPlots, uplot } from "../../core/vendor.js";
import { t } from "../../core/texts.js";
import { plots } from "./plots.js";
import { bands, seriesOf } from "./series.js";
import { historyTable } from "./table.js";

const SPANS = { day: 86_400, week: 7 * 86_400, month: 30 * 86_400 };
const POINTS = 500;

/** Return the card of a node's history. */
export function historyCard(id, signal) {
  const place = h("div", { class: "stack", "aria-busy": "true" });
  const choice = h("fieldset", {}, h("legend", {}, t("nodes.span")),
    h("div", { class: "pills" }, Object.keys(SPANS).map((name) => h("label", {},
      h("input", { type: "radio", name: "span", value: name, checked: name === "day" }), h("span", {}, t(`nodes.span_${name}`))))));
  let leave = new AbortController();
  signal.addEventListener("abort", () => leave.abort());

  async function load(span) {
    leave.abort();
    leave = new AbortController();
    const mine = leave.signal;
    place.setAttribute("aria-busy", "true");
    const to = new Date();
    const query = new URLSearchParams({ from: new Date(to - 1000 * SPANS[span]).toISOString(), to: to.toISOString(), points: String(POINTS) });
    try {
      const [found, Plot] = await Promise.all([api.get(`/nodes/${encodeURIComponent(id)}/history?${query}`, { signal: mine }), uplot()]);
      if (mine.aborted) return;
      const lines = seriesOf(found);
      const states = bands(found);
      const known = states.some(({ state }) => state) || lines.some(({ told }) => told);
      fill(place, known ? [Plot ? plots(Plot, found, lines, states, mine) : noPlots(), historyTable(found, lines, states, span)]
        : h("p", { class: "quiet" }, t("nodes.plot_nothing")));
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(place, h("p", { class: "notice warn", role: "alert" }, t("nodes.history_refused", { why: error.message })));
    }
    place.removeAttribute("aria-busy");
  }
  choice.addEventListener("change", (event) => load(event.target.value));
  load("day");
  return h("section", { class: "card stack history", "aria-labelledby": "history-title" },
    h("h2", { id: "history-title" }, t("nodes.history")), choice, place);
}
