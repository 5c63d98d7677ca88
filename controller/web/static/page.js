// What the page does: follows the controller's events, and asks it to speak and to be silent.

import * as api from "./api.js";
import * as signin from "./signin.js";
import * as view from "./view.js";

const form = document.getElementById("broadcast");
const known = { zones: [], nodes: [], unknown: [], sessions: [] };

const zoneTitle = (id) => known.zones.find((zone) => zone.id === id)?.title || id;

async function loadSessions() {
  known.sessions = await api.activeSessions();
  view.showSessions(known.sessions, zoneTitle, stop);
}

async function loadStations() {
  const [zones, answer] = await Promise.all([api.zones(), api.nodes()]);
  Object.assign(known, { zones, nodes: answer.nodes, unknown: answer.unknown });
  view.showZones(zones);
  view.showNodes(known.nodes, known.unknown, zoneTitle);
  view.showSessions(known.sessions, zoneTitle, stop); // titles of zones may be new
}

async function loadHealth() {
  const health = await api.health();
  view.showTrouble(!health.broker.connected ? "broker_away" : !health.engine.ready ? "engine_away" : "");
}

// Many events in a burst, one request.
function gathered(work) {
  let waiting = null;
  return () => {
    waiting ??= setTimeout(() => {
      waiting = null;
      work().catch(() => view.showTrouble("disconnected"));
    }, 60);
  };
}

let events = null;

function leave() {
  events?.close();
  events = null;
}

function follow() {
  leave();
  const stream = new EventSource("/api/events");
  events = stream;
  const sessions = gathered(loadSessions);
  const stations = gathered(loadStations);
  const health = gathered(loadHealth);
  stream.addEventListener("hello", () => { stations(); sessions(); health(); });
  stream.addEventListener("session", sessions);
  stream.addEventListener("zone", stations);
  stream.addEventListener("health", health);
  stream.addEventListener("node", (event) => {
    const change = JSON.parse(event.data);
    const node = known.nodes.find((one) => one.id === change.id);
    if (!node) return stations();
    Object.assign(node, change);
    return view.showNode(node, known.nodes, zoneTitle);
  });
  stream.addEventListener("error", () => {
    view.showTrouble("disconnected");
    if (stream.readyState !== EventSource.CLOSED) return;
    api.me().catch(() => {}); // shows the sign-in where that is what is missing
    setTimeout(() => { if (events === stream) follow(); }, 3000);
  });
}

async function stop(id, button) {
  button.disabled = true;
  try {
    await api.stop(id);
  } catch (error) {
    button.disabled = false;
    view.answer(error.message || view.text("disconnected"), true);
  }
}

async function chosenSource(fields) {
  const kind = fields.get("kind");
  if (kind === "text") {
    if (!fields.get("text").trim()) throw new Error(view.text("need_text"));
    return { kind, text: fields.get("text") };
  }
  if (kind === "chime") return { kind, name: fields.get("chime") };
  const file = fields.get("file");
  if (!file?.size) throw new Error(view.text("need_file"));
  view.answer(view.text("uploading"));
  return { kind: "sound", sound: (await api.upload(file)).id };
}

form.addEventListener("change", () => {
  const kind = new FormData(form).get("kind");
  for (const part of form.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== kind;
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new FormData(form);
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  view.answer("");
  try {
    const zones = fields.getAll("zone");
    if (!zones.length) throw new Error(view.text("need_zone"));
    await api.begin({ source: await chosenSource(fields), zones, priority: fields.get("priority") });
    view.answer(view.text("started"));
  } catch (error) {
    view.answer(error.message || view.text("disconnected"), true);
  } finally {
    button.disabled = false;
  }
});

document.getElementById("stop-all").addEventListener("click", async () => {
  try {
    await api.stopAll();
    view.answer(view.text("stopped"));
  } catch (error) {
    view.answer(error.message || view.text("disconnected"), true);
  }
});

signin.begin(follow, leave);
