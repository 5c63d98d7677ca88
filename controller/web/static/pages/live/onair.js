// What is on air, where, by whom; and what was.

import * as api from "../../core/api.js";
import * as events from "../../core/events.js";
import { doing } from "../../core/dialog.js";
import { fill, h } from "../../core/dom.js";
import { may, store, watch, zoneTitle } from "../../core/store.js";
import { ago, dateTime, number, t } from "../../core/texts.js";

const RANKS = ["background", "normal", "priority", "live", "emergency"];
const SHOWN_ZONES = 4;
const MOST_CHARS = 80;

/** Return what a session plays, in words. */
export function describe({ kind, text, name, url }) {
  const what = t(`source.${kind}`);
  if (kind === "text") return `${what}: ${text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text}`;
  if (kind === "chime") return `${what}: ${t(`chime.${name}`)}`;
  if (kind === "stream") return `${what}: ${url}`;
  return what;
}

function where(zones) {
  if (zones.length === store.zones.size && zones.length > 1) return t("live.everywhere");
  const titles = zones.slice(0, SHOWN_ZONES).map(zoneTitle).join(", ");
  return zones.length > SHOWN_ZONES ? t("live.and_more", { titles, count: number(zones.length - SHOWN_ZONES) }) : titles;
}

/** Whether another session that is on air lowers this one somewhere. */
function lowered(session) {
  return store.sessions.some((other) => RANKS.indexOf(other.priority) > RANKS.indexOf(session.priority)
    && other.state === "on_air" && other.zones.some((zone) => session.zones.includes(zone)));
}

function item(session) {
  const stop = h("button", { type: "button", class: "danger small", "data-key": session.id, "aria-label": t("live.stop_this", { what: describe(session.source) }) }, t("live.stop"));
  stop.addEventListener("click", () => doing(stop, () => api.del(`/sessions/${session.id}`)));
  const since = h("span", { "data-since": session.accepted_at }, ago(session.accepted_at));
  return h("li", {},
    h("span", { class: `dot ${session.state}`, "aria-hidden": "true" }),
    h("div", { class: "what" },
      h("strong", { class: "clamp" }, describe(session.source)),
      h("span", {}, where(session.zones)),
      h("span", { class: "quiet" }, t(`session.${session.state}`), " · ", t(`priority.${session.priority}`), lowered(session) ? ` · ${t("live.lowered")}` : "", " · ",
        session.by ? `${t("live.by", { who: session.by })} · ` : "", since)),
    may("broadcast") && stop);
}

/** Return the card of what is on air. */
export function onAirList(signal) {
  const list = h("ul", { class: "list" });
  const empty = h("p", { class: "quiet" }, t("live.nothing"));
  const draw = () => {
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : "";
    empty.hidden = store.sessions.length > 0;
    fill(list, store.sessions.map(item));
    if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  };
  watch("sessions", draw, signal);
  watch("zones", draw, signal);
  const clock = setInterval(() => {
    for (const each of list.querySelectorAll("[data-since]")) each.textContent = ago(each.dataset.since);
  }, 10_000);
  signal.addEventListener("abort", () => clearInterval(clock));
  return h("section", { class: "card", "aria-labelledby": "on-air-title" }, h("h2", { id: "on-air-title" }, t("shell.on_air")), list, empty);
}

function past(session) {
  const words = session.state === "failed" ? t("session.failed") : t("session.ended");
  return h("li", {},
    h("span", { class: `dot ${session.state === "failed" ? "fault" : ""}`, "aria-hidden": "true" }),
    h("div", { class: "what" },
      h("strong", { class: "clamp" }, describe(session.source)),
      h("span", { class: "quiet" }, where(session.zones), " · ", words, " · ", session.by ? `${t("live.by", { who: session.by })} · ` : "", dateTime(session.accepted_at)),
      session.state === "failed" && h("span", { class: "bad" }, session.reason)));
}

/** Return the card of what was on air lately. */
export function recentList(signal) {
  const list = h("ul", { class: "list" });
  const empty = h("p", { class: "quiet" }, t("live.nothing_yet"));
  let waiting = null;
  const load = async () => {
    waiting = null;
    try {
      const found = (await api.get("/sessions?limit=20", { signal })).sessions.filter((session) => session.ended_at).slice(0, 8);
      empty.hidden = found.length > 0;
      fill(list, found.map(past));
    } catch { /* the shell says when the controller is away */ }
  };
  const soon = () => { waiting ??= setTimeout(load, 300); };
  events.on("session", soon, signal);
  signal.addEventListener("abort", () => clearTimeout(waiting));
  load();
  return h("section", { class: "card", "aria-labelledby": "past-title" }, h("h2", { id: "past-title" }, t("live.lately")), list, empty);
}
