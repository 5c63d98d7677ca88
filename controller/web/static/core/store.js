// What is known of the commune, kept up to date by events. Pages read it and watch it; they never change it.

import * as api from "./api.js";
import * as events from "./events.js";
import { compare } from "./texts.js";

/** me: who is signed in. nodes, zones, areas: maps by id. sessions: what is on air. alerts: what is wrong now, by id. unknown: strangers. */
export const store = {
  me: null, nodes: new Map(), zones: new Map(), areas: new Map(), sessions: [], alerts: new Map(), unknown: [], health: null,
};

const watchers = new Map();

/** Call `work(detail)` whenever a part ("nodes", "zones", "areas", "sessions", "alerts", "health", "trouble") changed; at once, too. */
export function watch(part, work, signal) {
  if (!watchers.has(part)) watchers.set(part, new Set());
  watchers.get(part).add(work);
  signal?.addEventListener("abort", () => watchers.get(part).delete(work));
  work(null);
}

function changed(part, detail = null) {
  for (const work of watchers.get(part) ?? []) work(detail);
}

/** Whether who is signed in may do something. */
export const may = (permission) => store.me?.permissions.includes(permission) ?? false;

export const zoneTitle = (id) => store.zones.get(id)?.title || id;
export const nodeTitle = (id) => store.nodes.get(id)?.title || id;
export const sortedZones = () => [...store.zones.values()].sort((a, b) => compare(a.title || a.id, b.title || b.id));

/** Return the ids of an area and of all areas below it. */
export function areasBelow(id) {
  const found = new Set([id]);
  let grew = true;
  while (grew) {
    grew = false;
    for (const area of store.areas.values()) {
      if (area.parent && found.has(area.parent) && !found.has(area.id)) {
        found.add(area.id);
        grew = true;
      }
    }
  }
  return found;
}

/** Return the columns of the nodes' rows that an event carries, as in `nodes` of /api/events. */
const EVENT_COLUMNS = ["id", "state", "since_ms", "alert", "on_air", "muted", "gain_db", "playing"];

/** Rows that were told while the overview is on its way: it may have been made before them. */
let meanwhile = null;

function take(node, row) {
  EVENT_COLUMNS.forEach((name, at) => { node[name] = row[at]; });
}

async function loadOverview() {
  const told = new Map();
  meanwhile = told;
  const found = await api.get("/overview").finally(() => { if (meanwhile === told) meanwhile = null; });
  const { columns, rows } = found.nodes;
  store.nodes = new Map(rows.map((row) => [row[0], Object.fromEntries(columns.map((name, at) => [name, row[at]]))]));
  store.zones = new Map(found.zones.map((zone) => [zone.id, zone]));
  store.areas = new Map(found.areas.map((area) => [area.id, area]));
  store.unknown = found.unknown;
  for (const row of told.values()) {
    const node = store.nodes.get(row[0]);
    if (node && row[2] >= node.since_ms) take(node, row);
  }
  for (const part of ["areas", "zones", "nodes"]) changed(part);
}

async function loadSessions() {
  store.sessions = (await api.get("/sessions?active=true")).sessions;
  changed("sessions");
}

let alertsMeanwhile = null;

async function loadAlerts() {
  const told = [];
  alertsMeanwhile = told;
  const { alerts: found } = await api.get("/alerts?active=true&limit=5000").finally(() => { if (alertsMeanwhile === told) alertsMeanwhile = null; });
  store.alerts = new Map(found.map((alert) => [alert.id, alert]));
  for (const alert of told) put(alert); // what was told while the answer was on its way is newer
  changed("alerts");
}

function put(alert) {
  if (alert.cleared_at) store.alerts.delete(alert.id);
  else store.alerts.set(alert.id, alert);
}

async function loadHealth() {
  store.health = await api.get("/health");
  changed("health");
  trouble(!store.health.broker?.connected ? "broker_away" : !store.health.engine?.ready ? "engine_away" : "");
}

let troubled = "";

function trouble(key) {
  if (key === troubled) return;
  troubled = key;
  changed("trouble", key);
}

/** Return what is wrong with the connection or the controller, a part of a key of the catalogue, or "". */
export const currentTrouble = () => troubled;

/** Return a function that does `work` once, `ms` after the first of many calls. */
function gathered(work, ms = 80) {
  let waiting = null;
  let failed = false;
  return () => {
    const run = () => {
      waiting = null;
      work().then(() => {
        if (failed) health(); // which says how the controller is now
        failed = false;
      }, (error) => {
        if (error.status !== 0 && error.status < 500) return;
        trouble("disconnected");
        failed = true;
        waiting = setTimeout(run, AGAIN_MS);
      });
    };
    waiting ??= setTimeout(run, ms);
  };
}

const AGAIN_MS = 3000;

function takeRows({ rows }) {
  const touched = [];
  let strange = false;
  for (const row of rows) {
    meanwhile?.set(row[0], row);
    const node = store.nodes.get(row[0]);
    if (!node) { strange ||= !meanwhile; continue; }
    take(node, row);
    touched.push(node);
  }
  if (touched.length) changed("nodes", touched);
  if (strange) overview();
}

function takeAlert(alert) {
  alertsMeanwhile?.push(alert);
  put(alert);
  changed("alerts", alert);
}

const overview = gathered(loadOverview);
const sessions = gathered(loadSessions);
const health = gathered(loadHealth);
const alerts = gathered(loadAlerts);

let begun = false;

events.on("hello", () => {
  if (!begun) return; // begin() reads everything itself
  trouble("");
  for (const load of [overview, sessions, health, alerts]) load();
});
events.on("nodes", takeRows);
events.on("session", sessions);
events.on("zone", overview);
events.on("area", overview);
events.on("health", health);
events.on("alert", takeAlert);
events.on("lost", () => trouble("disconnected"));

/** Read everything once; who is signed in is `me`. */
export async function begin(me) {
  store.me = me;
  // First listened, then read: so nothing is missed, and nothing read twice.
  const waiting = new AbortController();
  await new Promise((resolve) => {
    for (const kind of ["hello", "lost"]) events.on(kind, resolve, waiting.signal);
    events.follow(() => api.get("/me").catch(() => {}));
  });
  waiting.abort();
  begun = true;
  await Promise.allSettled([loadOverview(), loadSessions(), loadAlerts(), loadHealth()]);
}

/** Forget everything: who was signed in is not any more. */
export function end() {
  events.leave();
  begun = false;
  Object.assign(store, {
    me: null, nodes: new Map(), zones: new Map(), areas: new Map(), sessions: [], alerts: new Map(), unknown: [], health: null,
  });
}
