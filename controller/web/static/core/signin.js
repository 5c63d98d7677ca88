// The form for who is not signed in.

import * as api from "./api.js";
import { h } from "./dom.js";
import { config, t } from "./texts.js";

function explain(error) {
  if (error.code === "sign_in_refused" || error.code === "too_often" || error.code === "code_needed") return t(`signin.${error.code}`);
  return error.message || t("shell.disconnected");
}

/** Return the form; `entered(me)` is called once somebody is signed in. */
export function signInForm(entered) {
  const answer = h("p", { class: "bad", role: "alert" });
  const code = h("input", { id: "code", name: "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "10" });
  const codePart = h("div", { class: "field", hidden: true }, h("label", { for: "code" }, t("signin.code")), code);
  const name = h("input", { id: "name", name: "name", autocomplete: "username", autocapitalize: "none", spellcheck: "false", maxlength: "64", required: true });
  const password = h("input", { id: "password", name: "password", type: "password", autocomplete: "current-password", maxlength: "200", required: true });
  const button = h("button", { type: "submit", class: "main wide" }, t("signin.enter"));

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    answer.textContent = "";
    try {
      entered(await api.post("/sign-in", { name: name.value.trim().toLowerCase(), password: password.value, code: code.value.trim() }));
    } catch (error) {
      answer.textContent = explain(error);
      if (error.code === "code_needed") {
        codePart.hidden = false;
        code.focus();
      }
    } finally {
      button.disabled = false;
    }
  }

  return h("main", { class: "signin" },
    h("section", { class: "card", "aria-labelledby": "signin-title" },
      h("h1", { id: "signin-title" }, t("signin.title")),
      h("form", { novalidate: true, onsubmit: submit },
        h("div", { class: "field" }, h("label", { for: "name" }, t("signin.user")), name),
        h("div", { class: "field" }, h("label", { for: "password" }, t("signin.password")), password),
        codePart, answer, button,
        config.oidc && h("a", { class: "button wide", href: "/api/oidc/start" }, t("signin.elsewhere")))));
}
