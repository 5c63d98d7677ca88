// What is done to many nodes at once, and what came of it at each.

import * as api from "../../core/api.js";
import { confirm, doing, sheet } from "../../core/dialog.js";
import { h, say } from "../../core/dom.js";
import { nodeTitle } from "../../core/store.js";
import { has, number, t } from "../../core/texts.js";
import { decibels } from "./words.js";

const AT_ONCE = 500;
const LEAST_DB = -40;
const MOST_DB = 12;

/** Return a slider of decibels with its value in words; `done(gain)` is called when it is let go. */
export function gainSlider(value, { label, done = () => {} }) {
  const shown = h("output", { for: "gain", class: "number" }, decibels(value));
  const slider = h("input", { type: "range", id: "gain", min: String(Math.min(LEAST_DB, value)), max: String(MOST_DB), step: "1", value: String(value), "aria-valuetext": decibels(value) });
  slider.addEventListener("input", () => {
    const words = decibels(Number(slider.value));
    say(shown, words);
    slider.setAttribute("aria-valuetext", words);
  });
  slider.addEventListener("change", () => done(Number(slider.value)));
  const element = h("div", { class: "field" }, h("div", { class: "bar" }, h("label", { for: "gain" }, label), shown), slider);
  const set = (gain) => {
    slider.min = String(Math.min(LEAST_DB, gain));
    slider.value = String(gain);
    slider.dispatchEvent(new Event("input"));
  };
  return { element, slider, value: () => Number(slider.value), set };
}

const SAID = { "a programme is on air": "busy" };

/** Return what a refusal of one node means; `error` is a code of the interface, or what the node said. */
export function failureWord(error) {
  if (!error) return t("nodes.no_answer");
  const key = `nodes.error_${SAID[error] ?? error}`;
  return has(key) ? t(key) : error;
}

async function send(nodes, body) {
  const results = [];
  for (let at = 0; at < nodes.length; at += AT_ONCE) {
    results.push(...(await api.post("/nodes/commands", { nodes: nodes.slice(at, at + AT_ONCE), ...body })).results);
  }
  return results;
}

/** Tell what came of an order, node by node, those that failed first. */
function report(title, results) {
  const good = results.filter(({ acknowledged, error }) => acknowledged && !error);
  const bad = results.filter((each) => !good.includes(each));
  const line = (node, word, name) => h("li", {}, h("span", { class: `dot ${name}`, "aria-hidden": "true" }),
    h("div", { class: "what" }, h("strong", {}, nodeTitle(node)), h("span", { class: name === "ok" ? "quiet" : "bad" }, word)));
  return sheet(title, (close) => h("div", { class: "stack" },
    h("p", { role: "status" }, t("nodes.done_count", { good: number(good.length), all: number(results.length) })),
    h("ul", { class: "list results" },
      bad.map(({ node, error }) => line(node, failureWord(error), "fault")),
      good.map(({ node }) => line(node, t("nodes.obeyed"), "ok"))),
    h("div", { class: "actions" }, h("button", { type: "button", class: "main", onclick: close }, t("shell.close")))));
}

function askGain(count) {
  return new Promise((resolve) => {
    let answer = null;
    const gain = gainSlider(0, { label: t("nodes.volume") });
    sheet(t("nodes.volume_of", { count }), (close) => h("form", { onsubmit: (event) => {
      event.preventDefault();
      answer = gain.value();
      close();
    } }, gain.element, h("p", { class: "quiet" }, t("nodes.volume_hint")), h("div", { class: "actions" },
      h("button", { type: "button", onclick: close }, t("shell.cancel")), h("button", { type: "submit", class: "main" }, t("nodes.set_volume")))))
      .then(() => resolve(answer));
  });
}

const SURE = new Set(["reboot", "stop"]);

/** Return the bar of what may be done to the nodes in `picked`; it is there while some are. `clear()`: choose none. */
export function bulkBar(picked, clear) {
  const count = h("strong", { role: "status" });
  const act = async (button, op) => {
    const nodes = [...picked];
    const words = { count: number(nodes.length) };
    let body = { op };
    if (op === "gain") {
      const gain = await askGain(words.count);
      if (gain === null) return;
      body = { op, gain_db: gain };
    } else if (op === "mute" || op === "unmute") body = { op: "mute", muted: op === "mute" };
    else if (op === "tone") body = { op, duration_ms: 1000 };
    if (SURE.has(op) && !(await confirm(t(`nodes.sure_${op}_many`, words), { danger: true, yes: t(`nodes.do_${op}`) }))) return;
    const results = await doing(button, () => send(nodes, body));
    if (results) await report(t(`nodes.do_${op}`), results);
  };
  const button = (op, danger = false) => {
    const made = h("button", { type: "button", class: danger ? "danger small" : "small" }, t(`nodes.do_${op}`));
    made.addEventListener("click", () => act(made, op));
    return made;
  };
  const element = h("section", { class: "bulk card", "aria-label": t("nodes.bulk"), hidden: true },
    count,
    h("div", { class: "actions" }, button("gain"), button("mute"), button("unmute"), button("tone"), button("stop"), button("reboot", true),
      h("button", { type: "button", class: "small", onclick: clear }, t("nodes.pick_none"))));
  return {
    element,
    show() {
      element.hidden = !picked.size;
      say(count, picked.size ? t("nodes.picked", { count: number(picked.size) }) : "");
    },
  };
}
