// Who is at the broker and is none of our nodes.

import { fill, h } from "../../core/dom.js";
import { store, watch } from "../../core/store.js";
import { ago, t } from "../../core/texts.js";

/** Return the card of strangers; it is there while there are some. */
export function strangers(signal) {
  const list = h("ul", { class: "list" });
  const element = h("section", { class: "card", "aria-labelledby": "strangers-title", hidden: true },
    h("h2", { id: "strangers-title" }, t("nodes.strangers")), h("p", { class: "quiet" }, t("nodes.strangers_hint")), list);
  watch("nodes", (touched) => {
    if (touched) return;
    element.hidden = !store.unknown.length;
    fill(list, store.unknown.map(({ id, seen_at: seen }) => h("li", {},
      h("span", { class: "dot new", "aria-hidden": "true" }),
      h("div", { class: "what" }, h("strong", {}, id), h("span", { class: "quiet" }, t("state.unknown"), seen ? ` · ${ago(seen)}` : "")))));
  }, signal);
  return element;
}
