// What the office knows of a node, changed; and the ends of its service.

import * as api from "../../core/api.js";
import { confirm, doing, tell } from "../../core/dialog.js";
import { h } from "../../core/dom.js";
import * as router from "../../core/router.js";
import { may, sortedZones } from "../../core/store.js";
import { t } from "../../core/texts.js";

const numeric = (least, most, step) => ({ type: "number", min: String(least), max: String(most), step, inputmode: "decimal" });
const FIELDS = [
  ["title", { maxlength: "200" }],
  ["postal_address", { maxlength: "300" }],
  ["lat", numeric(-90, 90, "any")],
  ["lon", numeric(-180, 180, "any")],
  ["x_m", numeric(-1e6, 1e6, "any")],
  ["y_m", numeric(-1e6, 1e6, "any")],
  ["horns", numeric(0, 64, "1")],
  ["height_m", numeric(0, 300, "any")],
  ["aim_deg", numeric(0, 359.9, "any")],
  ["serial", { maxlength: "64", pattern: "[ -~]*", autocapitalize: "characters" }],
  ["sim_number", { maxlength: "20", pattern: "\\+?[0-9]{4,19}", inputmode: "tel" }],
  ["sim_serial", { maxlength: "22", pattern: "[0-9]{10,22}", inputmode: "numeric" }],
];

/** Return the form of a node, shut at first; `show(node)` fills it unless somebody writes in it. `changed(node)` after a change. */
export function editCard(id, changed) {
  const inputs = new Map(FIELDS.map(([name, attributes]) => [name, h("input", { type: "text", id: `edit-${name}`, autocomplete: "off", ...attributes })]));
  const zone = h("select", { id: "edit-zone" });
  inputs.set("zone", zone);
  inputs.set("note", h("textarea", { id: "edit-note", maxlength: "1000", rows: "3" }));
  const field = (name) => h("div", { class: `field f-${name}` }, h("label", { for: `edit-${name}` }, t(`nodes.edit_${name}`)), inputs.get(name));
  const save = h("button", { type: "submit", class: "main" }, t("shell.save"));
  const form = h("form", {},
    h("div", { class: "form-fields" }, field("title"), field("zone"), FIELDS.slice(1).map(([name]) => field(name)), field("note")),
    h("div", { class: "actions" }, save));
  const element = h("details", { class: "card edit" }, h("summary", {}, h("h2", {}, t("nodes.edit"))), form);
  let shown = null;

  function fromForm() {
    const values = {};
    for (const [name, input] of inputs) {
      const before = shown[name] ?? (input.type === "number" ? null : "");
      const now = input.type === "number" ? (input.value === "" ? null : Number(input.value)) : input.value.trim();
      if (now !== before) values[name] = now;
    }
    return values;
  }

  function show(node, force = false) {
    const writing = !force && shown && element.open && Object.keys(fromForm()).length > 0;
    shown = node;
    if (writing) return;
    const zones = sortedZones();
    zone.replaceChildren(...zones.map((each) => h("option", { value: each.id }, each.title || each.id)));
    for (const [name, input] of inputs) input.value = node[name] === null || node[name] === undefined ? "" : String(node[name]);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = fromForm();
    if (!Object.keys(values).length) {
      tell(t("nodes.nothing_changed"));
      return;
    }
    const node = await doing(save, () => api.patch(`/nodes/${encodeURIComponent(id)}`, values));
    if (!node) return;
    tell(t("shell.saved"));
    show(node, true);
    changed(node);
  });
  return { element, show };
}

/** Return the card with which a board is replaced, and a node taken out of service or removed. */
export function serviceCard(id, changed) {
  const path = `/nodes/${encodeURIComponent(id)}`;
  const enrol = h("a", { class: "button", href: `/enrol/${encodeURIComponent(id)}` }, t("nodes.replace"));
  const retire = h("button", { type: "button", class: "danger" }, t("nodes.retire"));
  const remove = h("button", { type: "button", class: "danger" }, t("nodes.remove"));
  retire.addEventListener("click", async () => {
    if (!(await confirm(t("nodes.sure_retire"), { yes: t("nodes.retire"), detail: t("nodes.retire_detail"), danger: true }))) return;
    const node = await doing(retire, () => api.post(`${path}/retire`));
    if (!node) return;
    tell(t("nodes.was_retired"));
    changed(node);
  });
  remove.addEventListener("click", async () => {
    if (!(await confirm(t("nodes.sure_remove"), { yes: t("nodes.remove"), detail: t("nodes.remove_detail"), danger: true }))) return;
    const gone = await doing(remove, async () => {
      await api.del(path);
      return true;
    });
    if (!gone) return;
    tell(t("nodes.removed"));
    router.go("/nodes", { replace: true });
  });
  const element = h("section", { class: "card stack", "aria-labelledby": "board-title" },
    h("h2", { id: "board-title" }, t("nodes.board")),
    may("nodes.enrol") && h("p", { class: "quiet" }, t("nodes.replace_hint")),
    h("div", { class: "actions" }, may("nodes.enrol") && [enrol, retire], may("nodes.write") && remove));
  return {
    element,
    show(node) {
      retire.hidden = Boolean(node.retired_at || node.rtp_address);
      enrol.hidden = Boolean(node.rtp_address);
    },
  };
}
