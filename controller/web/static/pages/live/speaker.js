// Speaking: press, and the village hears. What is spoken goes on while other pages are looked at.

import { confirm, tell } from "../../core/dialog.js";
import { fill, h, say } from "../../core/dom.js";
import { icon } from "../../core/icons.js";
import { duration, t } from "../../core/texts.js";
import * as voice from "../../audio/voice.js";

/** Return the part of the page that speaks; `choice` tells zones and priority. */
export function speaker(choice, signal) {
  const chime = h("select", { id: "chime" }, ["open", "alert", ""].map((name) =>
    h("option", { value: name, selected: name === voice.settings.chime }, name ? t(`chime.${name}`) : t("live.no_chime"))));
  const grace = h("input", { id: "grace", type: "number", min: "1", max: "60", step: "1", value: String(voice.settings.graceS) });
  const devices = h("select", { id: "device" });
  const level = h("span");
  const meter = h("div", { class: "meter", role: "meter", "aria-label": t("live.level"), "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "0" }, level);
  const status = h("p", { class: "speak-state", role: "status" });
  const button = h("button", { type: "button", class: "speak", id: "speak" });
  const test = h("button", { type: "button", class: "small" }, t("live.try_microphone"));
  const settings = h("details", {}, h("summary", {}, t("live.settings")),
    h("div", { class: "stack inner" },
      h("div", { "data-priority": true }), field("chime", t("live.chime_before"), chime), field("device", t("live.microphone"), devices), field("grace", t("live.grace"), grace), test));

  chime.addEventListener("change", () => voice.set({ chime: chime.value }));
  grace.addEventListener("change", () => {
    const seconds = Math.min(60, Math.max(1, Number(grace.value) || 5));
    grace.value = String(seconds);
    voice.set({ graceS: seconds });
  });
  devices.addEventListener("change", () => voice.set({ deviceId: devices.value }).catch(refused));
  test.addEventListener("click", () => voice.prepare().catch(refused));

  button.addEventListener("click", async () => {
    if (voice.state().busy) {
      await voice.stop();
      return;
    }
    const zones = choice.zones();
    if (!zones.length) {
      tell(t("live.need_zone"), { bad: true });
      return;
    }
    const priority = choice.priority();
    if (priority === "emergency" && !(await confirm(t("live.sure_emergency"), { danger: true, yes: t("live.speak") }))) return;
    await voice.begin({ zones, priority }).catch(refused);
  });

  voice.watch(() => {
    const { name, busy, reason } = voice.state();
    button.classList.toggle("busy", busy);
    button.classList.toggle("open", name === "speaking");
    button.setAttribute("aria-pressed", String(busy));
    fill(button, icon(busy ? "stop" : "live"), h("span", {}, busy ? t("live.end") : t("live.speak")));
    say(status, name === "ended" && reason ? reason : t(`live.state_${name}`));
    status.classList.toggle("now", name === "speaking");
    grace.disabled = chime.disabled = devices.disabled = busy;
  }, signal);
  voice.watchDevices((found, current) => {
    fill(devices, found.length ? found.map(({ id, label }, at) =>
      h("option", { value: id, selected: id === current }, label || t("live.microphone_number", { number: at + 1 }))) : h("option", { value: "" }, t("live.microphone_default")));
  }, signal);
  const clock = h("span", { class: "number quiet", "aria-hidden": "true" });
  const ticking = setInterval(() => {
    const { since } = voice.state();
    clock.textContent = since ? duration((Date.now() - since) / 1000) : "";
  }, 500);
  signal.addEventListener("abort", () => clearInterval(ticking));
  voice.watchLevel((value) => {
    level.style.transform = `scaleX(${value})`;
    meter.setAttribute("aria-valuenow", String(Math.round(100 * value)));
  }, signal);

  const secure = window.isSecureContext && navigator.mediaDevices;
  return h("div", { class: "stack speaker" },
    !secure && h("p", { class: "notice warn" }, t("live.not_secure")),
    button, h("div", { class: "bar" }, status, clock), meter, settings);
}

function field(id, label, input) {
  return h("div", { class: "field" }, h("label", { for: id }, label), input);
}

function refused(error) {
  const known = { NotAllowedError: "microphone_not_allowed", NotFoundError: "microphone_not_found", NotReadableError: "microphone_not_readable", NotSupportedError: "not_secure" }[error.name];
  tell(known ? t(`live.${known}`) : error.message || t("shell.disconnected"), { bad: true });
}
