// Who did what and when, in a log that nobody can edit; and the proof that nobody did.

import * as api from "../core/api.js";
import { doing } from "../core/dialog.js";
import { fill, h } from "../core/dom.js";
import { field } from "../core/form.js";
import { dateTime, has, number, t } from "../core/texts.js";

const PAGE = 100;

export const title = () => t("nav.audit");

export function show(main, _, signal) {
  main.append(proof(), records(signal));
}

function proof() {
  const button = h("button", { type: "button" }, t("audit.verify"));
  const answer = h("div", { role: "status" });
  button.addEventListener("click", () => doing(button, async () => {
    const found = await api.get("/audit/verify");
    fill(answer, found.whole
      ? h("p", { class: "good" }, t("audit.whole", { count: number(found.n) }))
      : h("div", { class: "notice fault", role: "alert" }, h("p", {}, t("audit.not_whole")), h("ul", {}, found.problems.slice(0, 20).map((problem) => h("li", {}, problem)))),
    h("p", { class: "quiet hash" }, t("audit.last_hash", { hash: found.hash })));
  }));
  return h("section", { class: "card stack", "aria-labelledby": "proof-title" },
    h("div", { class: "bar" }, h("h2", { id: "proof-title" }, t("audit.proof")),
      h("div", { class: "actions" }, button, h("a", { class: "button", href: "/api/audit/export", download: "loaxa-audit.jsonl" }, t("audit.export")))),
    h("p", { class: "quiet" }, t("audit.proof_says")), answer);
}

function actionName(action) {
  return has(`action.${action}`) ? t(`action.${action}`) : action;
}

function row(record) {
  const details = h("details", {}, h("summary", {}, t("audit.details")), h("pre", {}, pretty(record.details)));
  return h("tr", {},
    h("td", { class: "number" }, number(record.n)), h("td", {}, dateTime(record.wall_us / 1000)), h("td", {}, record.who, record.address && h("span", { class: "quiet block" }, record.address)),
    h("td", {}, actionName(record.action)), h("td", { class: "break" }, record.object), h("td", {}, record.details === "{}" ? "" : details));
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function records(signal) {
  const inputs = {
    who: h("input", { type: "search", maxlength: "64" }),
    action: h("input", { type: "search", maxlength: "64" }),
    object: h("input", { type: "search", maxlength: "64" }),
    text: h("input", { type: "search", maxlength: "200" }),
    from: h("input", { type: "datetime-local" }),
    to: h("input", { type: "datetime-local" }),
  };
  const body = h("tbody");
  const state = h("p", { class: "quiet", role: "status" });
  const more = h("button", { type: "button" }, t("audit.older"));
  let oldest = null;
  let asked = 0;

  async function load(anew) {
    const turn = (asked += 1);
    const query = new URLSearchParams({ limit: String(PAGE) });
    for (const [name, input] of Object.entries(inputs)) {
      if (input.value) query.set(name, input.type === "datetime-local" ? new Date(input.value).toISOString() : input.value.trim());
    }
    if (!anew && oldest) query.set("before", String(oldest));
    try {
      const found = (await api.get(`/audit?${query}`, { signal })).records;
      if (turn !== asked) return;
      if (anew) fill(body);
      body.append(...found.map(row));
      oldest = found.at(-1)?.n ?? oldest;
      more.hidden = found.length < PAGE;
      state.textContent = body.childElementCount ? t("audit.shown", { count: number(body.childElementCount) }) : t("audit.none");
    } catch (error) {
      if (error.name !== "AbortError") state.textContent = error.message;
    }
  }

  let waiting = null;
  for (const input of Object.values(inputs)) {
    input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => load(true), 300);
    });
  }
  signal.addEventListener("abort", () => clearTimeout(waiting));
  more.addEventListener("click", () => load(false));
  load(true);
  return h("section", { class: "card stack", "aria-labelledby": "records-title" },
    h("h2", { id: "records-title" }, t("audit.records")),
    h("details", { open: window.matchMedia("(min-width: 48rem)").matches }, h("summary", {}, t("audit.find")), // on a telephone they would hide what was found
      h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
        Object.entries(inputs).map(([name, input]) => field(t(`audit.by_${name}`), input)))),
    state,
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "records-title" },
      h("table", { class: "records" },
        h("thead", {}, h("tr", {}, ["n", "when", "who", "action", "object", "details"].map((name) => h("th", { scope: "col", class: name === "n" ? "number" : "" }, t(`audit.column_${name}`))))), body)),
    more);
}
