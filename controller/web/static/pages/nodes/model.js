// Which nodes are shown, in which order, under which headings. From the store to a list; nothing here touches the page.

import { areasBelow, store, zoneTitle } from "../../core/store.js";
import { compare, plain } from "../../core/texts.js";
import { areasOf, severityOf, STATES, stateOf } from "./words.js";

export const ORDERS = ["faults", "name", "zone", "state", "since", "signal", "volume"];
export const GROUPS = ["", "zone", "area"];
export const NOTHING = { text: "", state: "", zone: "", area: "", alert: "" };

const CALM = { retired: 5, plain: 4, new: 3, online: 2 };
const sought = new WeakMap();
let ranks = new Map();

/** Nodes were read anew: their names are put in order once, not at each sorting. */
export function learn() {
  const byTitle = [...store.nodes.values()].sort((a, b) => compare(a.title || a.id, b.title || b.id));
  ranks = new Map(byTitle.map((node, at) => [node.id, at]));
}

function text(node) {
  if (!sought.has(node)) sought.set(node, plain([node.title, node.id, zoneTitle(node.zone), ...areasOf(node.zone)].join(" ")));
  return sought.get(node);
}

/** Return the kinds of the alerts of each node that has some. */
function alertsByNode() {
  const found = new Map();
  for (const { node, kind } of store.alerts.values()) {
    if (!node) continue;
    if (!found.has(node)) found.set(node, new Set());
    found.get(node).add(kind);
  }
  return found;
}

/** Return the nodes that a choice lets through. Nodes out of service are shown where they are asked for alone. */
export function chosen({ text: words, state, zone, area, alert }) {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  const areas = area ? areasBelow(area) : null;
  const alerts = alert ? alertsByNode() : null;
  const has = (node, kind) => node.alert === kind || alerts.get(node.id)?.has(kind);
  const found = [];
  for (const node of store.nodes.values()) {
    if (state ? stateOf(node) !== state : node.state === "retired") continue;
    if (zone && node.zone !== zone) continue;
    if (areas && !areas.has(store.zones.get(node.zone)?.area)) continue;
    if (alert === "any" && !node.alert && !alerts.has(node.id)) continue;
    if (alert && alert !== "any" && !has(node, alert)) continue;
    if (wanted.length && !wanted.every((word) => text(node).includes(word))) continue;
    found.push(node);
  }
  return found;
}

/** Return how urgent a node is; 0 is worst. */
export function urgency(node) {
  const state = stateOf(node);
  if (state === "retired") return CALM.retired;
  if (state === "offline" || state === "silent" || (node.alert && severityOf(node.alert) === "fault")) return 0;
  return node.alert ? 1 : CALM[state];
}

const KEYS = {
  faults: (node) => [urgency(node), urgency(node) === 0 ? -(node.since_ms ?? 0) : 0],
  name: () => [],
  zone: (node, zones) => [zones.get(node.zone) ?? 0],
  state: (node) => [STATES.indexOf(stateOf(node))],
  since: (node) => [-(node.since_ms ?? 0)],
  signal: (node) => [node.signal_dbm ?? 999],
  volume: (node) => [node.muted ? -999 : node.gain_db],
};

function zoneRanks() {
  const sorted = [...store.zones.keys()].sort((a, b) => compare(zoneTitle(a), zoneTitle(b)));
  return new Map(sorted.map((id, at) => [id, at]));
}

/** Return nodes in an order of ORDERS; equal ones by name. */
export function sorted(nodes, order) {
  const zones = order === "zone" ? zoneRanks() : null;
  const keyed = nodes.map((node) => [node, [...KEYS[order](node, zones), ranks.get(node.id) ?? 0]]);
  keyed.sort(([, a], [, b]) => a.reduce((found, value, at) => found || value - b[at], 0));
  return keyed.map(([node]) => node);
}

/** Return nodes as items, under a heading for each group where they are grouped: `{key, node}` or `{key, title, nodes}`. */
export function grouped(nodes, group) {
  if (!group) return nodes.map((node) => ({ key: node.id, node }));
  const found = new Map();
  for (const node of nodes) {
    const key = group === "zone" ? node.zone : store.zones.get(node.zone)?.area ?? "";
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(node);
  }
  const headings = [...found].map(([key, members]) => ({ key: `/${key}`, title: heading(group, key), nodes: members }));
  headings.sort((a, b) => (a.title === "") - (b.title === "") || compare(a.title, b.title));
  return headings.flatMap((each) => [each, ...each.nodes.map((node) => ({ key: node.id, node }))]);
}

function heading(group, key) {
  if (group === "zone") return [zoneTitle(key), ...areasOf(key)].join(" · ");
  const path = [];
  for (let id = key; id && store.areas.has(id) && path.length < 9; id = store.areas.get(id).parent) path.push(store.areas.get(id).title || id);
  return path.reverse().join(" › ");
}

/** Return how many nodes there are in service, and how many of them are on line. Plain receivers do not tell. */
export function counts(nodes = store.nodes.values()) {
  let all = 0;
  let online = 0;
  for (const node of nodes) {
    const state = stateOf(node);
    if (state === "retired" || state === "plain") continue;
    all += 1;
    if (state === "online") online += 1;
  }
  return { all, online };
}
