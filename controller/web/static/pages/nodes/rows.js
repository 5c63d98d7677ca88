// One node as a row of the table, on telephones as a card; and the heading of a group.

import { h, say, svg } from "../../core/dom.js";
import { zoneTitle } from "../../core/store.js";
import { dateTime, number, t } from "../../core/texts.js";
import { alertWord, areasOf, bars, dbmWord, decibels, linkWord, playingWord, severityOf, since, stateOf, stateWord } from "./words.js";
import { counts } from "./model.js";

/** The columns, and which order of the list each heading puts it in. */
export const COLUMNS = [
  ["name", "name"], ["zone", "zone"], ["state", "state"], ["alert", "faults"], ["signal", "signal"], ["volume", "volume"], ["playing", ""],
];

/** Return four bars, of which `level` are full. */
export function signalBars() {
  const parts = [0, 1, 2, 3].map((at) => svg("rect", { x: 1 + 6 * at, y: 15 - 4 * at, width: 4, height: 6 + 4 * at, rx: 1 }));
  const element = svg("svg", { viewBox: "0 0 24 24", class: "bars", "aria-hidden": "true", focusable: "false" }, parts);
  return {
    element,
    show(level) {
      element.classList.toggle("none", !level);
      parts.forEach((part, at) => part.classList.toggle("full", at < level));
    },
  };
}

function cell(name, ...children) {
  return h("td", { role: "cell", class: `c-${name}` }, children);
}

/** Return the row of a node. picked: the ids that are chosen; `pick(id, on)` is called when that changes, null: not at all. */
export function nodeRow({ node }, picked, pick) {
  const box = pick ? h("input", { type: "checkbox", onchange: (event) => pick(node.id, event.target.checked) }) : null;
  const link = h("a", { href: `/nodes/${encodeURIComponent(node.id)}`, class: "name" });
  const id = h("span", { class: "quiet under" }, node.id);
  const zone = h("span", { class: "line" });
  const area = h("span", { class: "quiet under" });
  const dot = h("span", { class: "dot", "aria-hidden": "true" });
  const state = h("span", { class: "word" });
  const when = h("span", { class: "quiet under" });
  const alert = h("span", { class: "badge", hidden: true });
  const glyph = signalBars();
  const signal = h("span", { class: "line" });
  const volume = h("span", { class: "line" });
  const muted = h("span", { class: "badge warning", hidden: true }, t("nodes.muted"));
  const playing = h("span", { class: "line" });
  const element = h("tr", { role: "row", class: "node" },
    pick && h("td", { role: "cell", class: "c-pick" }, h("label", { class: "pick" }, box)),
    cell("name", link, id), cell("zone", zone, area),
    cell("state", h("span", { class: "line" }, dot, state), when),
    cell("alert", alert), cell("signal", glyph.element, signal), cell("volume", volume, muted), cell("playing", playing));
  let shown = null;

  function tick(now = Date.now()) {
    if (shown) say(when, since(shown, now));
  }

  function patch({ node: now }) {
    shown = now;
    say(link, now.title || now.id);
    id.hidden = !now.title;
    say(zone, zoneTitle(now.zone));
    say(area, areasOf(now.zone).slice(0, 2).join(" · "));
    const name = stateOf(now);
    const looks = `dot ${name}`;
    if (dot.className !== looks) dot.className = looks;
    say(state, stateWord(now));
    when.title = now.since_ms === null ? "" : dateTime(now.since_ms);
    tick();
    alert.hidden = !now.alert;
    if (now.alert) {
      alert.className = `badge ${severityOf(now.alert)}`;
      say(alert, alertWord(now.alert));
    }
    const reached = now.state === "online";
    glyph.show(reached ? bars(now.link, now.signal_dbm) : 0);
    say(signal, reached ? [linkWord(now.link), dbmWord(now.signal_dbm)].filter(Boolean).join(" ") || t("shell.none") : t("shell.none"));
    say(volume, decibels(now.gain_db));
    muted.hidden = !now.muted;
    say(playing, playingWord(now) || t("shell.none"));
    playing.classList.toggle("warn", now.on_air && !now.playing && !now.rtp && name !== "retired");
    element.classList.toggle("gone", name === "offline");
    box?.setAttribute("aria-label", t("nodes.pick", { title: now.title || now.id }));
  }

  const mark = () => {
    if (!box) return;
    box.checked = picked.has(node.id);
    element.classList.toggle("picked", box.checked);
  };
  patch({ node });
  mark();
  return { element, patch, tick, mark };
}

/** Return the heading of a group. */
export function groupRow(item, columns) {
  const title = h("span", { class: "line" });
  const count = h("span", { class: "quiet" });
  let shown = item;
  const tick = () => {
    const { all, online } = counts(shown.nodes);
    say(count, t("nodes.group_count", { online: number(online), all: number(all) }));
  };
  const patch = (now) => {
    shown = now;
    say(title, now.title || t("nodes.no_area"));
    tick();
  };
  patch(item);
  return {
    element: h("tr", { role: "row", class: "group" }, h("th", { role: "rowheader", scope: "rowgroup", "aria-colspan": String(columns), colspan: String(columns) }, title, count)),
    patch, tick, mark: () => {},
  };
}
