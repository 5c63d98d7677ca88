// How people are told: the channels of the settings, and whether they get through.

import * as api from "../../core/api.js";
import { doing, tell } from "../../core/dialog.js";
import { fill, h } from "../../core/dom.js";
import { may } from "../../core/store.js";
import { number, t } from "../../core/texts.js";

/** Return the card of channels. */
export function channels(signal) {
  const list = h("ul", { class: "list tight" });
  const trial = h("button", { type: "button", class: "small" }, t("health.test_channels"));
  async function load() {
    try {
      const found = (await api.get("/notify", { signal })).channels;
      trial.hidden = !found.length || !may("notify.test");
      fill(list, found.length ? found.map(item) : h("li", { class: "quiet" }, t("health.no_channels")));
    } catch { /* the shell says when the controller is away */ }
  }
  function item(channel) {
    return h("li", {}, h("span", { class: `dot ${channel.failing ? "fault" : "ok"}`, "aria-hidden": "true" }),
      h("div", { class: "what" }, h("strong", {}, channel.name), h("span", { class: channel.failing ? "bad" : "quiet" }, channel.failing ? t("health.channel_fails", { why: channel.failing }) : t("health.channel_works")),
        channel.waiting > 0 && h("span", { class: "quiet" }, t("health.channel_waits", { count: number(channel.waiting) }))));
  }
  trial.addEventListener("click", () => doing(trial, async () => {
    const { results } = await api.post("/notify/test", {});
    const failed = results.filter((each) => !each.sent);
    for (const each of failed) tell(`${each.name}: ${[each.error, each.hint].filter(Boolean).join(" ")}`, { bad: true });
    if (!failed.length) tell(t("health.test_sent", { count: number(results.length) }));
    load();
  }));
  load();
  return h("section", { class: "card", "aria-labelledby": "channels-title" }, h("div", { class: "bar" }, h("h2", { id: "channels-title" }, t("health.channels")), trial), list);
}
