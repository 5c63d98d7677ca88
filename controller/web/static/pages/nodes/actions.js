// What can be done to one node from afar.

import * as api from "../../core/api.js";
import { confirm, doing, tell } from "../../core/dialog.js";
import { h, say } from "../../core/dom.js";
import { t } from "../../core/texts.js";
import { failureWord, gainSlider } from "./bulk.js";

const TONE_MS = 1000;
const KEYS_MS = 250;

/** Return the card of actions; `show(node)` shows what the node is set to. `changed(node)` is called with what it is after one. */
export function actionCard(id, changed) {
  const path = `/nodes/${encodeURIComponent(id)}`;
  const news = h("p", { role: "status", class: "quiet" });
  let setTo = {};

  /** Order something; tells what the node answered. Of volume and mute also that it is kept. */
  async function order(button, body) {
    news.textContent = "";
    answered(body, await doing(button, () => api.post(`${path}/command`, body)));
  }

  function answered(body, answer) {
    if (!answer) return;
    const kept = body.op === "gain" || body.op === "mute";
    const words = answer.error ? failureWord(answer.error) : answer.acknowledged ? t("nodes.sent") : t(kept ? "nodes.kept" : "nodes.unheard");
    news.className = answer.error ? "bad" : answer.acknowledged ? "good" : "quiet";
    say(news, words);
    if (kept) changed();
  }

  // Keys let a slider go at each step: the last one counts, and the slider stays in hand meanwhile.
  let wanted = null;
  let sending = false;
  async function sendGain(value) {
    wanted = value;
    news.textContent = "";
    if (sending) return;
    sending = true;
    while (wanted !== null) {
      await new Promise((resolve) => { setTimeout(resolve, KEYS_MS); });
      const body = { op: "gain", gain_db: wanted };
      wanted = null;
      try {
        answered(body, await api.post(`${path}/command`, body));
      } catch (error) {
        tell(error.message, { bad: true });
      }
    }
    sending = false;
  }

  const gain = gainSlider(0, { label: t("nodes.volume"), done: sendGain });
  const mute = h("button", { type: "button" }, t("nodes.do_mute"));
  mute.addEventListener("click", () => order(mute, { op: "mute", muted: !setTo.muted }));
  const simple = (op, body = {}) => {
    const made = h("button", { type: "button" }, t(`nodes.do_${op}`));
    made.addEventListener("click", () => order(made, { op, ...body }));
    return made;
  };
  const reboot = h("button", { type: "button", class: "danger" }, t("nodes.do_reboot"));
  reboot.addEventListener("click", async () => {
    if (await confirm(t("nodes.sure_reboot_one"), { yes: t("nodes.do_reboot"), detail: t("nodes.reboot_detail"), danger: true })) await order(reboot, { op: "reboot" });
  });

  const delay = h("input", { type: "number", id: "delay", min: "0", max: "2000", step: "0.1", inputmode: "decimal" });
  const setDelay = h("button", { type: "submit" }, t("nodes.set_delay"));
  const delayForm = h("form", { class: "delay", onsubmit: async (event) => {
    event.preventDefault();
    if (!delay.reportValidity()) return;
    const node = await doing(setDelay, () => api.patch(path, { delay_us: Math.round(1000 * Number(delay.value)) }));
    if (!node) return;
    say(news, t("shell.saved"));
    changed(node);
  } },
  h("div", { class: "field" }, h("label", { for: "delay" }, t("nodes.delay")), delay, h("p", { class: "quiet" }, t("nodes.delay_hint"))), setDelay);

  const element = h("section", { class: "card stack", "aria-labelledby": "actions-title" },
    h("h2", { id: "actions-title" }, t("nodes.actions")),
    gain.element,
    h("div", { class: "actions" }, mute, simple("tone", { duration_ms: TONE_MS }), simple("stop"), reboot),
    news, delayForm);
  return {
    element,
    show(node) {
      setTo = node;
      element.hidden = Boolean(node.rtp_address || node.retired_at);
      if (!sending && !gain.slider.matches(":active")) gain.set(node.gain_db);
      say(mute, t(node.muted ? "nodes.do_unmute" : "nodes.do_mute"));
      if (document.activeElement !== delay) delay.value = String(Number((node.delay_us / 1000).toFixed(1)));
    },
  };
}
