// The page of one node: how it is now, what can be done, what it told over time.

import * as api from "../../core/api.js";
import { fill, h, say } from "../../core/dom.js";
import { may, store, watch } from "../../core/store.js";
import { dateTime, t } from "../../core/texts.js";
import { actionCard } from "./actions.js";
import { editCard, serviceCard } from "./edit.js";
import { factCards } from "./facts.js";
import { historyCard } from "./history.js";
import { troubleCard } from "./troubles.js";
import { placeWord, since, stateOf, stateWord } from "./words.js";

const CALM_MS = 1000;
const AGES_MS = 15_000;

/** Show the page of the node `id` in `main`. */
export function showNode(main, id, signal) {
  const heading = main.querySelector("h1");
  const dot = h("span", { class: "dot", "aria-hidden": "true" });
  const state = h("strong");
  const when = h("span", { class: "quiet" });
  const where = h("span", { class: "quiet" });
  const notice = h("p", { class: "notice", hidden: true });
  const missing = h("p", { class: "notice warn", role: "alert", hidden: true }, t("nodes.missing"));
  const facts = factCards();
  const changed = (node) => (node ? show(node) : read());
  const parts = [facts];
  const left = h("div", { class: "stack" }, troubleCard(id, signal));
  const { cards } = facts;
  const right = h("div", { class: "stack" }, historyCard(id, signal), cards.board, cards.place);
  const add = (part, place) => {
    parts.push(part);
    place.append(part.element);
  };
  if (may("nodes.write")) add(actionCard(id, changed), left);
  left.append(cards.state, cards.link, cards.power);
  if (may("nodes.write")) add(editCard(id, changed), right);
  if (may("nodes.write") || may("nodes.enrol")) add(serviceCard(id, changed), right);
  const columns = h("div", { class: "columns even one-node", hidden: true }, left, right);
  main.append(
    h("div", { class: "bar" }, h("div", { class: "now" }, h("span", { class: "line" }, dot, state, when), where),
      h("a", { href: "/nodes", class: "button small" }, t("nodes.back"))),
    missing, notice, columns);

  function header() {
    const row = store.nodes.get(id);
    if (!row) return;
    const title = row.title || row.id;
    if (heading.textContent !== title) {
      say(heading, title);
      document.title = `${title} – ${t("shell.title")}`;
    }
    dot.className = `dot ${stateOf(row)}`;
    say(state, stateWord(row));
    say(when, since(row));
    when.title = row.since_ms === null ? "" : dateTime(row.since_ms);
    say(where, [row.id, placeWord(row.zone)].join(" · "));
  }

  function show(node) {
    columns.hidden = false;
    missing.hidden = true;
    for (const part of parts) part.show(node);
    notice.hidden = !node.retired_at && !node.rtp_address;
    if (node.retired_at) fill(notice, t("nodes.retired", { when: dateTime(node.retired_at) }));
    else if (node.rtp_address) fill(notice, t("nodes.plain_hint"));
  }

  let waiting = null;
  async function read() {
    waiting = null;
    try {
      show(await api.get(`/nodes/${encodeURIComponent(id)}`, { signal }));
    } catch (error) {
      if (error.status === 404) {
        missing.hidden = false;
        columns.hidden = true;
      }
    }
  }
  /** It told something: read it anew, once a second at most. */
  const soon = () => { waiting ??= setTimeout(read, CALM_MS); };

  watch("nodes", (touched) => {
    header();
    if (!touched || touched.some((node) => node.id === id)) soon();
  }, signal);
  watch("zones", header, signal);
  watch("sessions", soon, signal);
  const told = new EventSource(`/api/nodes/${encodeURIComponent(id)}/events`);
  told.addEventListener("told", soon);
  const ageing = setInterval(header, AGES_MS);
  signal.addEventListener("abort", () => {
    told.close();
    clearTimeout(waiting);
    clearInterval(ageing);
  });
  read();
}
