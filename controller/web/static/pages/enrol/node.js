// First step: which node it is to be.

import * as api from "../../core/api.js";
import { doing } from "../../core/dialog.js";
import { h } from "../../core/dom.js";
import { field } from "../../core/form.js";
import { keep, kept } from "../../core/kept.js";
import { sortedZones, store } from "../../core/store.js";
import { compare, t } from "../../core/texts.js";
import { suggest } from "../areas/sheets.js";

const MOST_MS = 8000;
const KEY = "loaxa.enrol.zone";

function freeId() {
  for (let number = store.nodes.size + 1; ; number += 1) {
    const id = `cum-${number}`;
    if (!store.nodes.has(id)) return id;
  }
}

/** Return the form; `next(node, enrolment)` is called with the node that was made and its code. */
export function nodeStep(next) {
  const zones = sortedZones();
  if (!zones.length) return h("p", { class: "notice warn" }, t("enrol.no_zone"), " ", h("a", { href: "/areas" }, t("nav.areas")));
  const title = h("input", { maxlength: "200", autocomplete: "off" });
  const id = h("input", { maxlength: "32", autocomplete: "off", autocapitalize: "none", spellcheck: "false", value: freeId() });
  let own = false;
  id.addEventListener("input", () => { own = true; });
  title.addEventListener("input", () => { if (!own) id.value = suggest(title.value) || freeId(); });
  const last = kept(KEY);
  const zone = h("select", {}, zones.map((each) => h("option", { value: each.id, selected: each.id === last }, each.title || each.id)));
  const horns = h("input", { type: "number", min: "1", max: "64", inputmode: "numeric", value: "2" });
  const sim = h("input", { type: "tel", maxlength: "20", autocomplete: "off" });
  const here = h("input", { type: "checkbox", checked: Boolean(navigator.geolocation) });
  const button = h("button", { type: "submit", class: "main wide" }, t("enrol.next"));
  const waiting = [...store.nodes.values()].filter((node) => !node.enrolled && !node.rtp && node.state !== "retired").sort((a, b) => compare(a.title || a.id, b.title || b.id));

  const form = h("form", { novalidate: true },
    field(t("enrol.name"), title, t("enrol.name_hint")), field(t("enrol.id"), id), field(t("enrol.zone"), zone), field(t("enrol.horns"), horns), field(t("enrol.sim"), sim, t("enrol.sim_hint")),
    navigator.geolocation && h("label", { class: "check" }, here, h("span", {}, t("enrol.here"))), button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(KEY, zone.value);
    doing(button, async () => {
      const body = { id: id.value.trim(), title: title.value.trim(), zone: zone.value };
      if (horns.value) body.horns = Number(horns.value);
      if (sim.value.trim()) body.sim_number = sim.value.replaceAll(/[\s.]/g, "");
      if (here.checked && navigator.geolocation) Object.assign(body, await position());
      const made = await api.post("/nodes", body);
      await next(made, made.enrolment ?? (await api.post(`/nodes/${encodeURIComponent(made.id)}/enrolment`)));
    });
  });
  return h("div", { class: "stack" },
    h("section", { class: "card stack", "aria-labelledby": "node-title" }, h("h2", { id: "node-title" }, t("enrol.which")), form),
    waiting.length > 0 && h("section", { class: "card", "aria-labelledby": "waiting-title" }, h("h2", { id: "waiting-title" }, t("enrol.waiting")),
      h("ul", { class: "list" }, waiting.slice(0, 20).map((node) => h("li", {}, h("div", { class: "what" }, h("strong", {}, node.title || node.id)), h("a", { class: "button small", href: `/enrol/${encodeURIComponent(node.id)}` }, t("enrol.go_on")))))));
}

/** Resolves to where this device is, or to nothing where it does not say so soon. */
function position() {
  return new Promise((resolve) => {
    setTimeout(() => resolve({}), MOST_MS); // the browser's question may stay without an answer
    navigator.geolocation.getCurrentPosition(({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude }), () => resolve({}), { enableHighAccuracy: true, timeout: MOST_MS, maximumAge: 60_000 });
  });
}
