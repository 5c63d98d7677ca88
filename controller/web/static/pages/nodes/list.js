// The page of all nodes. What changes is shown at once in its row; rows move only when nobody reads, or somebody asks.

import { fill, h, say } from "../../core/dom.js";
import { icon } from "../../core/icons.js";
import { may, store, watch } from "../../core/store.js";
import { number, t } from "../../core/texts.js";
import { bulkBar } from "./bulk.js";
import { filters } from "./filters.js";
import { chosen, counts, grouped, learn, sorted } from "./model.js";
import { COLUMNS, groupRow, nodeRow } from "./rows.js";
import { strangers } from "./strangers.js";
import { windowed } from "./windowed.js";

const WIDE = "(min-width: 68rem)";
const HEIGHTS_REM = { wide: { node: 3.5, group: 2.5 }, narrow: { node: 8.75, group: 2.75 } }; // as in nodes.css
const CALM_MS = 5000;
const TICK_MS = 1000;
const AGES_MS = 20_000;

/** Show the page in `main`. */
export function showList(main, signal) {
  const picks = may("nodes.write");
  const picked = new Set();
  const wide = window.matchMedia(WIDE);
  const choose = filters(() => arrange(true), signal);
  const total = h("p", { class: "total" });
  const found = h("span", { class: "quiet", role: "status" });
  const again = h("button", { type: "button", class: "small", hidden: true }, t("nodes.sort_again"));
  const empty = h("p", { class: "notice", hidden: true });
  const all = picks ? h("input", { type: "checkbox", "aria-label": t("nodes.pick_all") }) : null;
  const heads = COLUMNS.map(([name, order]) => {
    const words = t(`nodes.column_${name}`);
    const made = h("th", { role: "columnheader", scope: "col", class: `c-${name}` },
      order ? h("button", { type: "button", class: "head", onclick: () => choose.order(order) }, words) : words);
    return { made, order };
  });
  const body = h("tbody", { role: "rowgroup" });
  const table = h("table", { role: "table", class: picks ? "nodes picks" : "nodes", "aria-label": t("nav.nodes") },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row", "aria-rowindex": "1" },
      picks && h("td", { role: "cell", class: "c-pick" }, h("label", { class: "pick" }, all, h("span", { class: "pick-word" }, t("nodes.pick_all")))),
      heads.map(({ made }) => made))),
    body);
  const bulk = bulkBar(picked, () => {
    picked.clear();
    marked();
  });
  const pick = picks ? (id, on) => {
    if (on) picked.add(id);
    else picked.delete(id);
    marked();
  } : null;
  let items = [];
  let shownNodes = [];
  const columns = COLUMNS.length + (picks ? 1 : 0);
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const height = (item) => HEIGHTS_REM[wide.matches ? "wide" : "narrow"][item.node ? "node" : "group"] * rem;
  const list = windowed(body, { make: (item) => (item.node ? nodeRow(item, picked, pick) : groupRow(item, columns)), height, signal });

  function marked() {
    list.each((row) => row.mark());
    bulk.show();
    if (!all) return;
    const count = shownNodes.filter((node) => picked.has(node.id)).length;
    all.checked = count > 0 && count === shownNodes.length;
    all.indeterminate = count > 0 && !all.checked;
  }

  /** Choose, sort and group anew. asked: by who reads, who wants to hear how many there are. */
  function arrange(asked = false) {
    const { choice } = choose;
    shownNodes = sorted(chosen(choice), choice.order);
    items = grouped(shownNodes, choice.group);
    list.set(items);
    for (const { made, order } of heads) {
      if (order && order === choice.order) made.setAttribute("aria-sort", order === "volume" || order === "name" || order === "zone" ? "ascending" : "other");
      else made.removeAttribute("aria-sort");
    }
    again.hidden = true;
    table.hidden = !items.length;
    empty.hidden = items.length > 0;
    if (!items.length) fill(empty, nothing(choose.narrow()));
    if (asked) say(found, choose.narrow() ? t("nodes.found", { count: number(shownNodes.length) }) : "");
    marked();
  }

  function nothing(narrow) {
    if (narrow) return t("nodes.nothing_found");
    return [t("nodes.nothing_yet"), " ", may("nodes.enrol") ? h("a", { href: "/enrol" }, t("nodes.add")) : t("nodes.ask_technician")];
  }

  function count() {
    const { all: many, online } = counts();
    say(total, t("nodes.count", { online: number(online), all: number(many) }));
  }

  // Nodes that were read anew are other objects under the same ids: they take the places of those before.
  let moved = false;
  let stirred = 0;
  watch("nodes", (touched) => {
    if (touched) {
      moved = true;
      list.touch(touched.map((node) => node.id));
      return;
    }
    learn();
    for (const id of picked) if (!store.nodes.has(id)) picked.delete(id);
    const same = items.length > 0 && shownNodes.length === chosen(choose.choice).length && shownNodes.every((node) => store.nodes.has(node.id));
    if (same && !choose.choice.group) {
      shownNodes = shownNodes.map((node) => store.nodes.get(node.id));
      items = grouped(shownNodes, "");
      list.set(items);
      moved = true;
    } else arrange();
    count();
  }, signal);
  watch("alerts", () => { moved = true; }, signal);
  watch("sessions", () => list.touch(items.map((item) => item.key)), signal);

  const busy = () => Date.now() - stirred < CALM_MS || table.contains(document.activeElement) || !list.first();
  const ticking = setInterval(() => {
    if (document.hidden || !moved) return;
    moved = false;
    count();
    list.each((row) => row.element.classList.contains("group") && row.tick());
    const { choice } = choose;
    const now = sorted(chosen(choice), choice.order);
    if (now.length === shownNodes.length && now.every((node, at) => node === shownNodes[at])) return;
    if (choice.order === "faults" && !busy()) {
      stirred = Date.now();
      arrange();
      return;
    }
    again.hidden = false;
    moved = choice.order === "faults";
  }, TICK_MS);
  const ageing = setInterval(() => list.each((row) => row.tick()), AGES_MS);
  signal.addEventListener("abort", () => {
    clearInterval(ticking);
    clearInterval(ageing);
  });
  const stir = () => { stirred = Date.now(); };
  for (const kind of ["scroll", "pointerdown", "keydown", "touchmove"]) window.addEventListener(kind, stir, { passive: true, signal });
  body.addEventListener("pointermove", stir, { passive: true, signal });
  wide.addEventListener("change", () => list.again(), { signal });
  again.addEventListener("click", () => arrange());
  all?.addEventListener("change", () => {
    for (const node of shownNodes) {
      if (all.checked) picked.add(node.id);
      else picked.delete(node.id);
    }
    marked();
  });

  const top = h("div", { class: "bar" }, h("div", { class: "totals" }, total, found),
    may("nodes.enrol") && h("a", { href: "/enrol", class: "button main" }, icon("enrol"), t("nodes.add")));
  main.append(top, choose.element, h("div", { class: "again" }, again), table, empty, strangers(signal), bulk.element);
  arrange(choose.narrow());
  stirred = 0;
}
