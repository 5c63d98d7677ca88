// The page by which the commune speaks: where to, with what, and what is on air.

import { fill, h } from "../core/dom.js";
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
  const select = h("select", { id: "priority" },
    ["background", "normal", "priority", "live", "emergency"]
      .filter((name) => name !== "emergency" || may("broadcast.emergency"))
      .map((name) => h("option", { value: name, selected: name === "live" }, t(`priority.${name}`))));
  const priority = h("div", { class: "field" }, h("label", { for: "priority" }, t("live.priority")), select);
  const choice = { zones: zones.chosen, priority: () => select.value };
  const parts = {
    microphone: speaker(choice, signal),
    ...Object.fromEntries(WAYS.slice(1).map((way) => [way, sounder(way, choice)])),
  };
  const place = h("div", {});
  const choose = (way) => {
    fill(place, parts[way]);
    parts[way].querySelector("[data-priority]").append(priority);
    if (way !== "microphone" && select.value === "live") select.value = "normal";
    if (way === "microphone" && select.value === "normal") select.value = "live";
  };
  const ways = h("fieldset", {},
    h("legend", {}, t("live.what")),
    h("div", { class: "pills row" }, WAYS.map((way) => h("label", {},
      h("input", { type: "radio", name: "way", value: way, checked: way === "microphone" }), h("span", {}, t(`source.${way}`))))));
  ways.addEventListener("change", (event) => choose(event.target.value));
  choose("microphone");
  return h("section", { class: "card stack", "aria-label": t("live.begin") }, ways, zones.element, place);
}
