// What one changes of oneself: password, one-time codes, tokens of programs.

import * as api from "../core/api.js";
import { confirm, doing, sheet, tell } from "../core/dialog.js";
import { fill, h } from "../core/dom.js";
import { checked, checks, expects, field, picture, secret } from "../core/form.js";
import { languageLinks, themeChoice } from "../core/shell.js";
import { store } from "../core/store.js";
import { date, t } from "../core/texts.js";

export const title = () => t("nav.me");

export function show(main, _, signal) {
  const { me } = store;
  main.append(h("div", { class: "columns even" },
    h("div", { class: "stack" },
      h("section", { class: "card stack", "aria-labelledby": "who" },
        h("h2", { id: "who" }, me.name),
        h("p", {}, me.roles.map((role) => t(`role.${role}`)).join(", ")),
        h("div", { class: "actions" }, languageLinks()), themeChoice()),
      me.account && password()),
    me.account && h("div", { class: "stack" }, codes(), tokens(me, signal))));
}

function passwordInput(complete) {
  return h("input", { type: "password", autocomplete: complete, maxlength: "200", required: true });
}

function password() {
  const now = passwordInput("current-password");
  const next = passwordInput("new-password");
  const again = passwordInput("new-password");
  const button = h("button", { type: "submit", class: "main" }, t("me.change_password"));
  const form = h("form", { novalidate: true },
    h("input", { type: "text", autocomplete: "username", value: store.me.account, hidden: true, readonly: true, "aria-hidden": "true" }),
    field(t("me.password_now"), now), field(t("me.password_next"), next, t("me.password_hint")), field(t("me.password_again"), again), h("div", { class: "actions" }, button));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (next.value !== again.value) {
      tell(t("me.not_same"), { bad: true });
      return;
    }
    doing(button, async () => {
      await api.put("/me/password", { password: now.value, new_password: next.value });
      window.location.assign("/"); // every sign-in has ended, this one too
    });
  });
  return h("section", { class: "card", "aria-labelledby": "password-title" }, h("h2", { id: "password-title" }, t("me.password")), form);
}

function codes() {
  const now = passwordInput("current-password");
  const button = h("button", { type: "submit" }, t("me.codes_begin"));
  const form = h("form", { novalidate: true }, h("p", { class: "quiet" }, t("me.codes_hint")), field(t("me.password_now"), now), h("div", { class: "actions" }, button));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    doing(button, async () => {
      const offer = await api.post("/me/totp", { password: now.value });
      now.value = "";
      await codesSheet(offer);
    });
  });
  return h("section", { class: "card", "aria-labelledby": "codes-title" }, h("h2", { id: "codes-title" }, t("me.codes")), form);
}

function codesSheet(offer) {
  return sheet(t("me.codes"), (close) => {
    const code = h("input", { inputmode: "numeric", autocomplete: "one-time-code", maxlength: "10" });
    const button = h("button", { type: "submit", class: "main" }, t("me.codes_confirm"));
    const form = h("form", { novalidate: true }, h("p", {}, t("me.codes_scan")), picture(offer.qr_svg, t("me.codes_picture")), secret(t("me.codes_secret"), offer.secret), field(t("signin.code"), code), h("div", { class: "actions" }, button));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      doing(button, async () => {
        await api.put("/me/totp", { code: code.value.trim() });
        tell(t("me.codes_on"));
        close();
      });
    });
    return form;
  });
}

function tokens(me, signal) {
  const list = h("ul", { class: "list" });
  const add = h("button", { type: "button" }, t("me.token_add"));
  async function load() {
    try {
      const mine = (await api.get("/tokens", { signal })).tokens.filter((token) => token.user === me.account);
      fill(list, mine.length ? mine.map(item) : h("li", { class: "quiet" }, t("me.no_tokens")));
    } catch (error) {
      if (error.name !== "AbortError") fill(list, h("li", { class: "bad" }, error.message));
    }
  }
  function item(token) {
    const words = token.title || token.id;
    const remove = h("button", { type: "button", class: "danger small", "aria-label": t("me.token_remove", { token: words }) }, t("shell.remove"));
    remove.addEventListener("click", async () => {
      if (!(await confirm(t("me.sure_token", { token: words }), { danger: true, yes: t("shell.remove") }))) return;
      await doing(remove, () => api.del(`/tokens/${token.id}`));
      load();
    });
    return h("li", {}, h("div", { class: "what" }, h("strong", {}, words),
      h("span", { class: "quiet" }, token.scopes.map((scope) => t(`permission.${scope}`)).join(", ")),
      h("span", { class: "quiet" }, t("me.token_until", { date: date(token.expires_at) }))), remove);
  }
  add.addEventListener("click", async () => {
    await tokenSheet(me);
    load();
  });
  load();
  return h("section", { class: "card", "aria-labelledby": "tokens-title" },
    h("div", { class: "bar" }, h("h2", { id: "tokens-title" }, t("me.tokens")), add), h("p", { class: "quiet" }, t("me.tokens_hint")), list);
}

function tokenSheet(me) {
  return sheet(t("me.token_add"), (close) => {
    const name = h("input", { maxlength: "200" });
    const days = h("input", { type: "number", min: "1", max: "730", value: "90", required: true });
    const choice = checks(t("me.token_may"), "scope", me.permissions.filter((each) => each !== "people.write").map((each) => [each, t(`permission.${each}`)]), ["read"]);
    const button = h("button", { type: "submit", class: "main" }, t("me.token_make"));
    const form = h("form", {}, field(t("me.token_title"), name), field(t("me.token_days"), expects(days, t("me.token_days_hint")), t("me.token_days_hint")), choice, h("div", { class: "actions" }, button));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      doing(button, async () => {
        const made = await api.post("/tokens", { title: name.value.trim(), days: Number(days.value), scopes: checked(choice, "scope") });
        fill(form, secret(t("me.token"), made.token), h("p", {}, t("me.token_once")), h("div", { class: "actions" }, h("button", { type: "button", class: "main", onclick: close }, t("shell.close"))));
      });
    });
    return form;
  });
}
