// Lines over time, drawn by uPlot: the mean, and around it the least and the greatest value of each step.

import { h, svg } from "../../core/dom.js";
import { dateTime, dayMonth, number, t, time } from "../../core/texts.js";

const HEIGHT = 150;
const AXIS = 52;
const DAY_S = 86_400;
const FEW = 60;
/* Fewer values than this are shown as points, too: a single one makes no line. */

/** Return a colour of the theme as it is now; for drawing on a canvas. */
const colour = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const faded = (name) => () => `color-mix(in srgb, ${colour(name)()} 22%, transparent)`;

/** Return the words under an axis of time: hours within a day, dates beyond. */
function ticks(_, splits, axis, space, increment) {
  return splits.map((seconds) => {
    const midnight = new Date(1000 * seconds).getHours() === 0 && new Date(1000 * seconds).getMinutes() === 0;
    return increment >= DAY_S || midnight ? dayMonth(1000 * seconds) : time(1000 * seconds);
  });
}

function options(line, width, range) {
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui" };
  const value = (_, shown) => (shown === null ? t("shell.none") : number(shown, { maximumFractionDigits: 1 }));
  const few = line.mean.filter((each) => each !== null).length < FEW;
  return {
    width, height: HEIGHT,
    cursor: { sync: { key: "node-history" }, drag: { x: false, y: false }, points: { show: true } },
    legend: { live: true, markers: { show: false } },
    scales: { x: { time: true, range: () => range }, y: { range: (_, least, most) => padded(line.name, least, most) } },
    axes: [{ ...axis, values: ticks, size: 32 }, { ...axis, size: AXIS, values: (_, splits) => splits.map((each) => number(each)) }],
    series: [
      { label: t("nodes.plot_time"), value: (_, shown) => (shown === null ? t("shell.none") : dateTime(1000 * shown)) },
      { label: t(`nodes.plot_${line.name}`), stroke: colour("--main"), width: 1.5, value, spanGaps: false, points: { show: few, size: 5, stroke: colour("--main"), fill: colour("--main") } },
      { stroke: "transparent", show: true, points: { show: false } },
      { stroke: "transparent", show: true, points: { show: false } },
    ],
    bands: [{ series: [3, 2], fill: faded("--main") }],
  };
}

/** Return a scale that holds all values and is not too fine for what is measured. */
function padded(name, least, most) {
  if (name === "loss") return [0, Math.max(5, (most ?? 0) * 1.1)];
  if (least === null) return [0, 1];
  const room = Math.max(2, (most - least) * 0.1);
  return [least - room, most + room];
}

/** Return a strip that shows when the node was in which state. */
function strip(states, [from, to]) {
  const across = (at) => Math.max(0, Math.min(1000, (1000 * (at - from)) / (to - from)));
  const parts = states.filter(({ state }) => state).map((band) => svg("rect", {
    class: `state-${band.state}`, x: across(band.from), width: Math.max(1, across(band.to) - across(band.from)),
    y: band.state === "online" ? 8 : 0, height: band.state === "online" ? 8 : 16,
  }, svg("title", {}, `${t(`state.${band.state}`)}: ${dateTime(1000 * band.from)} – ${dateTime(1000 * band.to)}`)));
  return svg("svg", { class: "strip", viewBox: "0 0 1000 16", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" }, parts);
}

/** Return the plots of a history; they go with `signal`. */
export function plots(Plot, found, lines, states, signal) {
  const range = [found.times[0] ?? 0, (found.times[found.times.length - 1] ?? 0) + found.step_s];
  const legend = ["online", "silent", "offline"].filter((name) => states.some(({ state }) => state === name));
  const element = h("div", { class: "stack plots" },
    h("figure", {}, h("figcaption", {}, t("nodes.plot_state"), h("span", { class: "keys" }, legend.map((name) =>
      h("span", {}, h("span", { class: `dot ${name}`, "aria-hidden": "true" }), t(`state.${name}`))))), h("div", { class: "strip-place" }, strip(states, range))));
  const made = [];
  for (const line of lines) {
    const place = h("div", { class: "plot", "aria-hidden": "true" });
    element.append(h("figure", {}, h("figcaption", {}, t(`nodes.plot_${line.name}`)), line.told ? place : h("p", { class: "quiet" }, t("nodes.plot_not_told"))));
    if (line.told) made.push([line, place]);
  }
  const drawn = [];
  const observer = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width < 50) return;
    if (!drawn.length) {
      for (const [line, place] of made) drawn.push(new Plot(options(line, width, range), [found.times, line.mean, line.min, line.max], place));
    } else for (const plot of drawn) if (plot.width !== width) plot.setSize({ width, height: HEIGHT });
  });
  observer.observe(element);
  const again = () => { for (const plot of drawn) plot.redraw(false, true); };
  const theme = new MutationObserver(again);
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again, { signal });
  signal.addEventListener("abort", () => {
    observer.disconnect();
    theme.disconnect();
    for (const plot of drawn) plot.destroy();
  });
  return element;
}
