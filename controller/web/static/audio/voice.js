// The one voice of this browser: its microphone, its settings, and what it says on which zones. Pages come and go, it stays.

import { keep, kept } from "../core/kept.js";
import { open, speak } from "./microphone.js";

const KEY = "loaxa.voice";
const LEVEL_FLOOR_DB = -50;

function remembered() {
  try {
    return JSON.parse(kept(KEY)) ?? {};
  } catch {
    return {};
  }
}

/** chime: before speech, "" for none. graceS: how long a lost connection is waited for. deviceId: of the microphone. */
export const settings = { chime: "open", graceS: 5, deviceId: "", ...remembered() };

let microphone = null;
let speech = null;
let now = { name: "idle", busy: false, since: 0, reason: "", session: "" };
const watchers = new Set();
const levels = new Set();
const devices = new Set();

function tellAll(set, ...what) {
  for (const work of set) work(...what);
}

function become(change) {
  now = { ...now, ...change };
  tellAll(watchers, now);
  document.dispatchEvent(new CustomEvent("voice", { detail: now })); // the shell says so on every page
}

/** Return what goes on: name ("idle", "preparing", "connecting", "chime", "speaking", "interrupted", "ended"), busy, since, reason, session. */
export const state = () => now;

function follow(set, work, signal) {
  set.add(work);
  signal.addEventListener("abort", () => set.delete(work));
}

/** Call `work(state)` at every change, and now. */
export function watch(work, signal) {
  follow(watchers, work, signal);
  work(now);
}

/** Call `work(level)` with the level of the microphone from 0 to 1 while it is open. */
export const watchLevel = (work, signal) => follow(levels, work, signal);

/** Call `work(list of {id, label}, id of the chosen one)` when microphones come and go, and now. */
export function watchDevices(work, signal) {
  follow(devices, work, signal);
  listDevices();
}

async function listDevices() {
  if (!navigator.mediaDevices?.enumerateDevices) return;
  const found = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "audioinput" && device.deviceId);
  tellAll(devices, found.map(({ deviceId, label }) => ({ id: deviceId, label })), settings.deviceId || found[0]?.deviceId);
}

navigator.mediaDevices?.addEventListener("devicechange", listDevices);

/** Change settings; another microphone is opened at once where one is open. */
export async function set(change) {
  Object.assign(settings, change);
  keep(KEY, JSON.stringify(settings));
  if ("deviceId" in change && microphone && !now.busy) {
    release();
    await prepare();
  }
}

function release() {
  microphone?.close();
  microphone = null;
  tellAll(levels, 0);
}

/** Open the microphone, so that its level is seen and pressing needs no waiting. Throws what the browser refuses. */
export async function prepare() {
  if (microphone) return;
  const onLevel = (db) => tellAll(levels, Math.min(1, Math.max(0, 1 - db / LEVEL_FLOOR_DB)));
  try {
    microphone = await open({ deviceId: settings.deviceId, onLevel });
  } catch (error) {
    if (error.name !== "OverconstrainedError" || !settings.deviceId) throw error;
    settings.deviceId = ""; // it is not plugged in any more
    microphone = await open({ deviceId: "", onLevel });
  }
  listDevices();
}

/** Begin to speak in zones. Throws what browser or controller refuse. */
export async function begin({ zones, priority }) {
  if (now.busy) return;
  become({ name: "preparing", busy: true, reason: "", since: 0, session: "" });
  try {
    await prepare();
    speech = await speak(microphone.stream, { zones, priority, chime: settings.chime || null, graceS: settings.graceS, onState });
    become({ session: speech.session });
  } catch (error) {
    speech = null;
    become({ name: "idle", busy: false });
    throw error;
  }
}

function onState(name, reason = "") {
  if (name === "ended") {
    speech = null;
    become({ name, busy: false, since: 0, reason, session: "" });
  } else {
    become({ name, busy: true, since: now.since || (name === "speaking" ? Date.now() : 0) });
  }
}

/** Stop speaking. */
export async function stop() {
  await speech?.stop();
}
