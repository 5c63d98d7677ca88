// What stands around every page: where one can go, what is on air, what is wrong, and the button that ends all sound.

import * as api from "./api.js";
import { doing, sheet, tell } from "./dialog.js";
import { fill, h, say, uid } from "./dom.js";
import { icon } from "./icons.js";
import { currentTrouble, may, store, watch } from "./store.js";
import { config, language, number, t } from "./texts.js";
import { setTheme, theme, THEMES } from "./theme.js";

const PAGES = [
  ["live", "broadcast"], ["listen", "read"], ["nodes", "read"], ["health", "read"], ["map", "read"], ["areas", "zones.write"],
  ["people", "people.read"], ["audit", "audit.read"], ["me", ""],
];
const ON_PHONES = ["live", "listen", "nodes", "health"];

const allowed = () => PAGES.filter(([, permission]) => !permission || may(permission)).map(([name]) => name);

/** Return the address of the page that comes first for who is signed in. */
export const firstPage = () => `/${allowed().find((name) => (may("broadcast") ? name === "live" : name === "health")) ?? "me"}`;

function link(name) {
  return h("a", { href: `/${name}`, "data-page": name }, icon(name), h("span", {}, t(`nav.${name}`)),
    name === "health" && h("span", { class: "count", hidden: true }));
}

async function stopAll(button) {
  await doing(button, async () => {
    const { sessions } = await api.post("/sessions/stop-all");
    tell(t(sessions.length ? "shell.stopped" : "shell.nothing_to_stop"));
  });
}

function onAirBar(signal) {
  const text = h("span", { class: "what" });
  const stop = h("button", { type: "button", class: "danger solid", id: "stop-all" }, icon("stop"), t("shell.stop_all"));
  stop.addEventListener("click", () => stopAll(stop));
  const bar = h("div", { class: "on-air", role: "region", "aria-label": t("shell.on_air") },
    h("span", { class: "lamp", "aria-hidden": "true" }), h("a", { href: may("broadcast") ? "/live" : "/listen", class: "what-link" }, text), may("broadcast") && stop);
  let speaking = false;
  document.addEventListener("voice", ({ detail }) => {
    speaking = detail.busy;
    draw();
  }, { signal });
  const draw = () => {
    const count = store.sessions.length;
    bar.classList.toggle("sounding", count > 0);
    const zones = new Set(store.sessions.flatMap((session) => session.zones));
    const air = count ? t("shell.on_air_in", { sessions: number(count), zones: number(zones.size) }) : t("shell.silence");
    say(text, speaking ? t("shell.you_speak") : air);
  };
  watch("sessions", draw, signal);
  return bar;
}

function troubleLine(signal) {
  const line = h("p", { class: "trouble", role: "status", hidden: true });
  watch("trouble", () => {
    const key = currentTrouble();
    line.hidden = !key;
    say(line, key ? t(`shell.${key}`) : "");
  }, signal);
  return line;
}

/** Return the links to the other languages; they load the page anew. */
export function languageLinks() {
  return config.languages.filter((other) => other !== language).map((other) =>
    h("a", { href: `?lang=${other}`, lang: other, hreflang: other, class: "button" }, t(`shell.language_${other}`)));
}

/** Return the choice of light and dark. */
export function themeChoice() {
  const select = h("select", { id: uid("theme") }, THEMES.map((name) => h("option", { value: name, selected: name === theme() }, t(`shell.theme_${name}`))));
  select.addEventListener("change", () => setTheme(select.value));
  return h("div", { class: "field" }, h("label", { for: select.id }, t("shell.theme")), select);
}

async function signOut() {
  await api.post("/sign-out").catch(() => {});
  window.location.assign("/"); // nothing of what was seen stays
}

function moreMenu() {
  sheet(t("nav.more"), (close) => {
    const links = allowed().filter((name) => !ON_PHONES.includes(name)).map(link);
    for (const each of links) each.addEventListener("click", close);
    return h("div", { class: "menu" }, links, themeChoice(), languageLinks(),
      h("button", { type: "button", onclick: signOut }, t("shell.sign_out")));
  });
}

/** Return the whole page for who is signed in: `main` is where pages are shown; `mark(name)` shows which one is. */
export function shell(signal) {
  const main = h("main", { id: "main", tabindex: "-1" });
  const side = h("nav", { class: "side", "aria-label": t("nav.title") }, allowed().map(link));
  const bottom = h("nav", { class: "bottom", "aria-label": t("nav.title_short") },
    allowed().filter((name) => ON_PHONES.includes(name)).map(link),
    h("button", { type: "button", onclick: moreMenu, "aria-haspopup": "dialog" }, icon("more"), h("span", {}, t("nav.more"))));
  const head = h("header", { class: "top" },
    h("a", { href: "/", class: "brand", "aria-label": t("shell.title") }, h("img", { src: new URL("../icon.svg", import.meta.url).pathname, alt: "", width: "32", height: "32" }), h("span", {}, t("shell.title"))),
    onAirBar(signal));
  const foot = h("div", { class: "side-foot" }, themeChoice(), languageLinks(), h("p", { class: "quiet" }, store.me.name),
    h("button", { type: "button", onclick: signOut }, t("shell.sign_out")));
  side.append(foot);
  const body = h("div", { class: "frame" },
    h("a", { class: "skip", href: "#main" }, t("shell.skip")), head, side,
    h("div", { class: "content" }, troubleLine(signal), main), bottom);
  watch("alerts", () => {
    const faults = [...store.alerts.values()].filter((alert) => alert.severity === "fault").length;
    for (const count of body.querySelectorAll(".count")) {
      count.hidden = !faults;
      count.textContent = faults ? number(faults) : "";
      count.setAttribute("aria-label", t("shell.faults", { count: number(faults) }));
    }
  }, signal);
  const mark = (name) => {
    for (const each of body.querySelectorAll("nav a[data-page]")) {
      if (each.dataset.page === name) each.setAttribute("aria-current", "page");
      else each.removeAttribute("aria-current");
    }
    document.body.classList.toggle("on-wall", name === "wall");
  };
  return { body, main, mark };
}

