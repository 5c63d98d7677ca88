// A new node, or a new board for one, step by step: made for somebody alone with a telephone at the foot of a pole.

import * as api from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { may } from "../core/store.js";
import { need } from "../core/styles.js";
import { t } from "../core/texts.js";
import { codeStep } from "./enrol/code.js";
import { checkSteps } from "./enrol/checks.js";
import { nodeStep } from "./enrol/node.js";

export const title = () => t("enrol.title");

export function show(main, [id], signal) {
  need("enrol");
  if (!may("nodes.enrol")) {
    main.append(h("p", { class: "notice warn" }, t("enrol.not_allowed")));
    return;
  }
  const place = h("div", { class: "stack" });
  main.append(place);

  const enrol = async (node, made) => {
    window.history.replaceState(null, "", `/enrol/${encodeURIComponent(node.id)}`);
    const before = node.enrolled_at;
    fill(place, codeStep(node, made, signal), checkSteps(node.id, before, signal));
    place.querySelector("h2")?.focus();
  };

  if (id) {
    api.get(`/nodes/${encodeURIComponent(id)}`, { signal }).then(
      (node) => fill(place, replaceStep(node, enrol)),
      (error) => { if (error.name !== "AbortError") fill(place, h("p", { class: "notice warn" }, error.message)); });
  } else fill(place, nodeStep(enrol));
}

/** Ask before a code is made for a node that has a board: the board that it has ends when the code is used. */
function replaceStep(node, enrol) {
  const begin = h("button", { type: "button", class: "main wide" }, t("enrol.make_code"));
  begin.addEventListener("click", async () => {
    begin.disabled = true;
    try {
      await enrol(node, await api.post(`/nodes/${encodeURIComponent(node.id)}/enrolment`));
    } catch (error) {
      begin.disabled = false;
      begin.after(h("p", { class: "bad", role: "alert" }, error.message));
    }
  });
  return h("section", { class: "card stack", "aria-labelledby": "replace-title" },
    h("h2", { id: "replace-title" }, node.title || node.id),
    h("p", {}, t(node.enrolled_at ? "enrol.replaces" : "enrol.first_board")), begin);
}

