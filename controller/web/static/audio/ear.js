// The one ear of this browser: what it hears, how loud. Pages come and go, it stays.

import { keep, kept } from "../core/kept.js";
import { listen } from "./player.js";

const KEY = "loaxa.volume";

let player = null;
let now = { name: "idle", place: "", title: "" };
let loud = Number(kept(KEY) ?? 0.8);
const watchers = new Set();
const levels = new Set();

function become(change) {
  now = { ...now, ...change };
  for (const work of watchers) work(now);
}

/** Return what goes on: name ("idle", "connecting", "playing", "silent", "lost"), place, title. */
export const state = () => now;

/** Return the volume, from 0 to 1. */
export const volume = () => loud;

/** Set the volume, from 0 to 1. */
export function setVolume(value) {
  loud = value;
  keep(KEY, String(value));
  player?.setVolume(value);
}

function follow(set, work, signal) {
  set.add(work);
  signal.addEventListener("abort", () => set.delete(work));
}

/** Call `work(state)` at every change, and now. */
export function watch(work, signal) {
  follow(watchers, work, signal);
  work(now);
}

/** Call `work(level)` with the level of what is heard, from 0 to 1. */
export const watchLevel = (work, signal) => follow(levels, work, signal);

/** Hear what comes from an address, in place of what was heard. place, title: what it is called. */
export function hear(place, path, title) {
  player?.stop();
  become({ name: "connecting", place, title });
  player = listen(path, {
    onState: (name) => { if (now.place === place) become({ name }); },
    onLevel: (level) => { for (const work of levels) work(level); },
  });
  player.setVolume(loud);
}

/** Hear nothing. */
export function stop() {
  player?.stop();
  player = null;
  for (const work of levels) work(0);
  become({ name: "idle", place: "", title: "" });
}
