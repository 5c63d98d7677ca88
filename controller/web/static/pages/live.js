// The page by which the commune speaks: where to, with what, and what is on air.

import { h } from "../core/dom.js";
import { may } from "../core/store.js";
import { need } from "../core/styles.js";
import { t } from "../core/texts.js";
import { onAirList, recentList } from "./live/onair.js";
import { speaker } from "./live/speaker.js";
import { sounder } from "./live/sounder.js";
import { zoneChoice } from "./live/zones.js";

const WAYS = ["microphone", "text", "sound", "chime", "stream"];

export const title = () => t("nav.live");

export function show(main, _, signal) {
  need("live");
  const columns = h("div", { class: "columns" });
  if (may("broadcast")) columns.append(begin(signal));
  columns.append(h("div", { class: "stack" }, onAirList(signal), recentList(signal)));
  main.append(columns);
}

/** Return the card with which something is put on air. */
function begin(signal) {
  const zones = zoneChoice(signal);
  const priority = h("select", { id: "priority" },
    ["background", "normal", "priority", "live", "emergency"]
      .filter((name) => name !== "emergency" || may("broadcast.emergency"))
      .map((name) => h("option", { value: name, selected: name === "live" }, t(`priority.${name}`))));
  const choice = { zones: zones.chosen, priority: () => priority.value };
  const parts = {
    microphone: speaker(choice, signal),
    ...Object.fromEntries(WAYS.slice(1).map((way) => [way, sounder(way, choice)])),
  };
  const place = h("div", { class: "stack" }, parts.microphone);
  const ways = h("fieldset", {},
    h("legend", {}, t("live.what")),
    h("div", { class: "pills" }, WAYS.map((way) => h("label", {},
      h("input", { type: "radio", name: "way", value: way, checked: way === "microphone" }), h("span", {}, t(`source.${way}`))))));
  ways.addEventListener("change", (event) => {
    place.replaceChildren(parts[event.target.value]);
    if (event.target.value !== "microphone" && priority.value === "live") priority.value = "normal";
    if (event.target.value === "microphone" && priority.value === "normal") priority.value = "live";
  });
  return h("section", { class: "card stack", "aria-labelledby": "begin-title" },
    h("h2", { id: "begin-title" }, t("live.begin")),
    ways, zones.element,
    h("div", { class: "field" }, h("label", { for: "priority" }, t("live.priority")), priority),
    place);
}
