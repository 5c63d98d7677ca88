// Third step: what has been reached, as it happens: the code used, the node seen, its line, its sound heard.

import * as api from "../../core/api.js";
import { doing } from "../../core/dialog.js";
import { fill, h, say } from "../../core/dom.js";
import { icon } from "../../core/icons.js";
import { store, watch } from "../../core/store.js";
import { number, t } from "../../core/texts.js";
import { hearTone } from "../../audio/tone.js";

const STEPS = ["used", "seen", "line", "heard"];
const TONE_MS = 2000;
const WEAK_DBM = { wifi: -75, mobile: -105 };

/** Return the card of steps of a node; `before`: when it was enrolled last, or null. */
export function checkSteps(id, before, signal) {
  const rows = Object.fromEntries(STEPS.map((name) => [name, row(name)]));
  const done = new Set();
  const question = h("div", { class: "stack", hidden: true });
  const finish = h("div", { class: "stack", hidden: true, role: "status" });

  const reach = (name, detail = "") => {
    done.add(name);
    const { element, mark, note } = rows[name];
    element.className = "done";
    fill(mark, icon("check"));
    say(note, detail);
    mark.setAttribute("aria-label", t("enrol.done"));
    if (done.size === STEPS.length) {
      finish.hidden = false;
      question.hidden = true;
      fill(finish, h("p", { class: "notice good" }, t("enrol.all_done")),
        h("div", { class: "actions" }, h("a", { class: "button main", href: "/enrol" }, t("enrol.another")), h("a", { class: "button", href: `/nodes/${encodeURIComponent(id)}` }, t("enrol.look"))));
    }
  };

  let asking = false;
  async function look() {
    if (asking || signal.aborted) return;
    asking = true;
    try {
      const node = await api.get(`/nodes/${encodeURIComponent(id)}`, { signal });
      const used = node.enrolled_at && node.enrolled_at !== before;
      if (used && !done.has("used")) reach("used", node.board ? t("enrol.board", { board: node.board }) : "");
      if (used && node.state === "online" && !done.has("seen")) {
        reach("seen");
        question.hidden = false;
      }
      if (done.has("seen")) line(node.health);
    } catch { /* the shell says when the controller is away */ } finally {
      asking = false;
    }
  }

  function line(health) {
    const gauges = health?.gauges;
    const link = health?.states?.link;
    if (!gauges || done.has("line")) return;
    const dbm = link === "mobile" ? gauges.mobile_dbm : gauges.wifi_dbm;
    const words = [link && t(`link.${link}`), dbm !== null && dbm !== undefined && `${number(dbm)} dBm`].filter(Boolean).join(", ");
    const weak = dbm !== null && dbm !== undefined && dbm < (WEAK_DBM[link] ?? WEAK_DBM.wifi);
    reach("line", weak ? t("enrol.weak", { words }) : words);
  }

  let waiting = null;
  const soon = () => {
    waiting ??= setTimeout(() => {
      waiting = null;
      look();
    }, 200);
  };
  signal.addEventListener("abort", () => clearTimeout(waiting));
  let shown = "";
  watch("nodes", () => {
    const node = store.nodes.get(id);
    const now = node && `${node.state} ${node.enrolled} ${node.link} ${node.signal_dbm}`;
    if (now !== shown || !done.has("line")) soon();
    shown = now;
  }, signal);
  fill(question, soundCheck(id, () => reach("heard"), signal));
  return h("section", { class: "card stack", "aria-labelledby": "checks-title" },
    h("h2", { id: "checks-title" }, t("enrol.checks")), h("ol", { class: "checks", "aria-live": "polite" }, STEPS.map((name) => rows[name].element)), question, finish);
}

function row(name) {
  const mark = h("span", { class: "mark", role: "img", "aria-label": t("enrol.not_yet") });
  const note = h("span", { class: "quiet" });
  return { mark, note, element: h("li", {}, mark, h("div", { class: "what" }, h("strong", {}, t(`enrol.step_${name}`)), note)) };
}

/** Return the buttons that let the node sound and ask whether it was heard; this device's microphone may answer, too. */
function soundCheck(id, heard, signal) {
  const answer = h("p", { role: "status" });
  const tone = h("button", { type: "button", class: "main wide" }, t("enrol.tone"));
  const yes = h("button", { type: "button" }, t("enrol.heard"));
  const no = h("button", { type: "button" }, t("enrol.not_heard"));
  const choice = h("div", { class: "actions", hidden: true }, yes, no);
  yes.addEventListener("click", heard);
  no.addEventListener("click", () => {
    say(answer, t("enrol.not_heard_help"));
    choice.hidden = true;
  });
  tone.addEventListener("click", () => doing(tone, async () => {
    say(answer, t("enrol.listening"));
    const ears = hearTone(TONE_MS + 1500, signal);
    const { acknowledged, error } = await api.post(`/nodes/${encodeURIComponent(id)}/command`, { op: "tone", duration_ms: TONE_MS });
    if (!acknowledged || error) {
      say(answer, t(error ? "enrol.tone_refused" : "enrol.tone_unanswered"));
      return;
    }
    choice.hidden = false;
    say(answer, t("enrol.heard_question"));
    if (await ears) {
      say(answer, t("enrol.heard_by_microphone"));
      heard();
    }
  }));
  return [tone, answer, choice];
}
