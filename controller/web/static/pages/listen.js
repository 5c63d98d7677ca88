// Hear what a zone hears; in a simulated village, what somebody standing there would hear.

import { fill, h, say } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { sortedZones, store, watch } from "../core/store.js";
import { need } from "../core/styles.js";
import { config, number, t } from "../core/texts.js";
import * as ear from "../audio/ear.js";
import { describe } from "./live/onair.js";
import { standing } from "./listen/standing.js";

export const title = () => t("nav.listen");

export function show(main, _, signal) {
  need("listen");
  main.append(h("div", { class: "columns" }, h("div", { class: "stack" }, zones(signal), config.air && standing(signal)), sounding(signal)));
}

function sounding(signal) {
  const what = h("h2", { id: "ear-title" });
  const status = h("p", { role: "status" });
  const level = h("span");
  const meter = h("div", { class: "meter", role: "meter", "aria-label": t("listen.level"), "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "0" }, level);
  const volume = h("input", { type: "range", id: "ear-volume", min: "0", max: "100", value: String(Math.round(100 * ear.volume())) });
  volume.addEventListener("input", () => ear.setVolume(Number(volume.value) / 100));
  const stop = h("button", { type: "button" }, icon("stop"), t("listen.stop"));
  stop.addEventListener("click", ear.stop);
  ear.watch((state) => {
    say(what, state.title || t("listen.nobody"));
    say(status, t(`listen.state_${state.name}`));
    stop.hidden = state.name === "idle";
  }, signal);
  ear.watchLevel((value) => {
    level.style.transform = `scaleX(${value})`;
    meter.setAttribute("aria-valuenow", String(Math.round(100 * value)));
  }, signal);
  return h("section", { class: "card stack ear", "aria-labelledby": "ear-title" }, what, status, meter,
    h("div", { class: "field" }, h("label", { for: "ear-volume" }, t("listen.volume")), volume), stop);
}

function zones(signal) {
  const list = h("ul", { class: "list" });
  const rows = new Map();

  function row(zone) {
    const said = h("span", { class: "quiet clamp" });
    const dot = h("span", { class: "dot", "aria-hidden": "true" });
    const button = h("button", { type: "button", class: "small" });
    button.addEventListener("click", () => {
      if (ear.state().place === zone.id) ear.stop();
      else ear.hear(zone.id, `/api/zones/${encodeURIComponent(zone.id)}/listen`, zone.title || zone.id);
    });
    return { said, dot, button, element: h("li", {}, dot, h("div", { class: "what" }, h("strong", {}, zone.title || zone.id), said), button) };
  }

  function refresh() {
    for (const [id, { said, dot, button }] of rows) {
      const here = store.sessions.filter((session) => session.zones.includes(id));
      dot.className = `dot ${here.length ? "on_air" : ""}`;
      say(said, here.length ? here.map((session) => describe(session.source)).join(", ") : t("listen.silent"));
      const on = ear.state().place === id;
      button.setAttribute("aria-pressed", String(on));
      const title = store.zones.get(id)?.title || id;
      button.setAttribute("aria-label", t(on ? "listen.stop_zone" : "listen.hear_zone", { zone: title }));
      if (button.dataset.on !== String(on)) {
        button.dataset.on = String(on);
        fill(button, icon(on ? "stop" : "listen"), t(on ? "listen.stop" : "listen.hear"));
      }
    }
  }

  const count = h("p", { class: "quiet" });
  watch("zones", () => {
    const known = sortedZones();
    if (known.length !== rows.size || known.some((zone) => !rows.has(zone.id))) {
      rows.clear();
      for (const zone of known) rows.set(zone.id, row(zone));
      fill(list, known.length ? [...rows.values()].map(({ element }) => element) : h("li", { class: "quiet" }, t("live.no_zones")));
    }
    say(count, t("listen.count", { count: number(known.length) }));
    refresh();
  }, signal);
  watch("sessions", refresh, signal);
  ear.watch(refresh, signal);
  return h("section", { class: "card", "aria-labelledby": "zones-title" }, h("div", { class: "bar" }, h("h2", { id: "zones-title" }, t("listen.zones")), count), list);
}
