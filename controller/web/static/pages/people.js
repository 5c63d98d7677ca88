// Accounts: who may do what.

import * as api from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { may } from "../core/store.js";
import { compare, number, t } from "../core/texts.js";
import { accountSheet, newAccountSheet } from "./people/account.js";

export const title = () => t("nav.people");

export function show(main, _, signal) {
  const list = h("ul", { class: "list" });
  const count = h("p", { class: "quiet", role: "status" });
  const add = h("button", { type: "button", class: "main", disabled: true }, t("people.add")); // until the roles are known
  let known = { users: [], roles: {} };

  async function load() {
    try {
      known = await api.get("/users", { signal });
    } catch (error) {
      if (error.name !== "AbortError") fill(list, h("li", {}, h("p", { class: "bad" }, error.message)));
      return;
    }
    add.disabled = false;
    known.users.sort((a, b) => Number(b.enabled) - Number(a.enabled) || compare(a.title || a.name, b.title || b.name));
    count.textContent = t("people.count", { count: number(known.users.length) });
    fill(list, known.users.map(item));
  }

  function item(user) {
    const verb = t(may("people.write") ? "people.edit" : "people.look");
    const open = h("button", { type: "button", class: "small", "aria-label": `${verb}: ${user.title || user.name}` }, verb);
    open.addEventListener("click", async () => {
      await accountSheet(user, known.roles);
      load();
    });
    return h("li", {},
      h("div", { class: "what" },
        h("strong", {}, user.title || user.name),
        h("span", { class: "quiet" }, user.title ? `${user.name} · ` : "", user.roles.map((role) => t(`role.${role}`)).join(", ") || t("people.no_role"))),
      !user.enabled && h("span", { class: "badge warning" }, t("people.disabled")),
      user.totp && h("span", { class: "badge good" }, t("people.with_codes")),
      open);
  }

  add.addEventListener("click", async () => {
    await newAccountSheet(known.roles);
    load();
  });
  main.append(h("section", { class: "card", "aria-label": t("nav.people") }, h("div", { class: "bar" }, count, may("people.write") && add), list));
  load();
}
