// Begins: who is signed in gets the shell and its pages, who is not the form.

import * as api from "./api.js";
import { tell } from "./dialog.js";
import { fill, h } from "./dom.js";
import * as router from "./router.js";
import { firstPage, languageLinks, shell } from "./shell.js";
import { signInForm } from "./signin.js";
import * as store from "./store.js";
import { config, t } from "./texts.js";
import { apply } from "./theme.js";

const room = h("div", { id: "room" });
let inside = null;

async function enter(me) {
  inside = new AbortController();
  await store.begin(me);
  const { body, main, mark } = shell(inside.signal);
  fill(room, body);
  if (!router.place().name && window.location.search === "?no-page") tell(t("shell.no_page"), { bad: true });
  if (!router.place().name) window.history.replaceState(null, "", firstPage());
  router.start(main, mark);
}

function leave() {
  if (inside) {
    window.location.reload(); // nothing of what was seen stays
    return;
  }
  fill(room,
    h("header", { class: "top plain" },
      h("span", { class: "brand" }, h("img", { src: new URL("../icon.svg", import.meta.url).pathname, alt: "", width: "32", height: "32" }), h("span", {}, t("shell.title"))),
      h("div", { class: "actions" }, languageLinks())),
    signInForm(enter));
  room.querySelector("input")?.focus();
}

async function begin() {
  apply();
  document.body.prepend(room);
  document.addEventListener("signed-out", leave);
  if ("serviceWorker" in navigator && window.isSecureContext) navigator.serviceWorker.register("/sw.js").catch(() => {});
  if (!config.signed_in) {
    leave();
    return;
  }
  try {
    await enter(await api.get("/me"));
  } catch (error) {
    if (error.status === 401) return;
    fill(room, h("p", { class: "notice warn", role: "alert" }, t("shell.disconnected")));
    setTimeout(() => window.location.reload(), 3000);
  }
}

begin();
