// One account in a sheet: its name, its roles, its password, its end.

import * as api from "../../core/api.js";
import { confirm, doing, sheet, tell } from "../../core/dialog.js";
import { fill, h } from "../../core/dom.js";
import { checked, checks, expects, field, secret } from "../../core/form.js";
import { may, store } from "../../core/store.js";
import { date, t } from "../../core/texts.js";

function roleChoice(roles, chosen) {
  return checks(t("people.roles"), "role", Object.keys(roles).map((role) => [role, t(`role.${role}`), t(`role_says.${role}`)]), chosen);
}

/** Ask for a new account; resolves when the sheet is closed. */
export function newAccountSheet(roles) {
  return sheet(t("people.add"), (close) => {
    const name = h("input", { name: "name", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: "64", required: true, pattern: "[a-z0-9._@\\-]+" });
    expects(name, t("people.name_hint"));
    const title = h("input", { name: "title", autocomplete: "off", maxlength: "200" });
    const choice = roleChoice(roles, ["operator"]);
    const button = h("button", { type: "submit", class: "main" }, t("people.add"));
    const form = h("form", {}, field(t("people.title"), title, t("people.title_hint")), field(t("people.name"), name, t("people.name_hint")), choice, h("div", { class: "actions" }, button));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      doing(button, async () => {
        const made = await api.post("/users", { name: name.value.trim(), title: title.value.trim(), roles: checked(choice, "role") });
        fill(form, secret(t("people.first_password", { who: made.name }), made.made_password), h("p", {}, t("people.once")),
          h("div", { class: "actions" }, h("button", { type: "button", class: "main", onclick: close }, t("shell.close"))));
      });
    });
    return form;
  });
}

/** Show one account; resolves when the sheet is closed. */
export function accountSheet(user, roles) {
  return sheet(user.title || user.name, (close) => {
    const facts = h("dl", { class: "facts" },
      [[t("people.name"), user.name], [t("people.since"), user.created_at ? date(user.created_at) : t("shell.none")],
        [t("people.codes"), t(user.totp ? "people.codes_on" : "people.codes_off")]].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
    if (!may("people.write")) return h("div", { class: "stack" }, facts, h("p", {}, user.roles.map((role) => t(`role.${role}`)).join(", ")));
    const title = h("input", { maxlength: "200", value: user.title });
    const choice = roleChoice(roles, user.roles);
    const enabled = h("input", { type: "checkbox", checked: user.enabled });
    const place = h("div", { class: "stack" });
    const path = `/users/${encodeURIComponent(user.name)}`;
    const act = (words, work, { danger = false, question = "" } = {}) => {
      const button = h("button", { type: "button", class: danger ? "danger" : "" }, words);
      button.addEventListener("click", async () => {
        if (!question || (await confirm(question, { danger, yes: words }))) await doing(button, work);
      });
      return button;
    };
    const save = h("button", { type: "submit", class: "main" }, t("shell.save"));
    const form = h("form", { novalidate: true }, facts, field(t("people.title"), title), choice,
      h("label", { class: "check" }, enabled, h("span", {}, t("people.enabled"))), h("div", { class: "actions" }, save));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      doing(save, async () => {
        await api.patch(path, { title: title.value.trim(), roles: checked(choice, "role"), enabled: enabled.checked });
        tell(t("shell.saved"));
        close();
      });
    });
    return h("div", { class: "stack" }, form, place,
      h("div", { class: "actions" },
        act(t("people.new_password"), async () => {
          const made = await api.put(`${path}/password`, {});
          fill(place, secret(t("people.first_password", { who: user.name }), made.made_password), h("p", {}, t("people.once")));
        }, { question: t("people.sure_password", { who: user.title || user.name }) }),
        user.totp && act(t("people.end_codes"), async () => {
          await api.del(`${path}/totp`);
          tell(t("shell.saved"));
          close();
        }, { question: t("people.sure_codes") }),
        user.name !== store.me.account && act(t("shell.remove"), async () => {
          await api.del(path);
          close();
        }, { danger: true, question: t("people.sure_remove", { who: user.title || user.name }) })));
  });
}
