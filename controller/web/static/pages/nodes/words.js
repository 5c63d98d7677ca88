// What is said of a node, in words. Nothing here touches the page.

import { store } from "../../core/store.js";
import { ago, has, number, t } from "../../core/texts.js";

/** What a node may be in; the order of the choice. A plain receiver tells nothing of itself and has a word of its own. */
export const STATES = ["online", "silent", "offline", "new", "plain", "retired"];
/** Kinds of a node's alerts, the worst first. */
export const ALERTS = [
  "offline", "no_signal", "speaker_short", "speaker_open", "tampered", "clock_off",
  "high_loss", "weak_signal", "hot", "supply_low", "storage_low",
];
const WARNINGS = new Set(["high_loss", "weak_signal", "hot", "supply_low", "storage_low"]);

export const stateOf = (node) => (node.rtp && node.state !== "retired" ? "plain" : node.state);
export const stateWord = (node) => t(`state.${stateOf(node)}`);
export const alertWord = (kind) => (has(`alerts.kind.${kind}`) ? t(`alerts.kind.${kind}`) : kind);
export const severityOf = (kind) => (WARNINGS.has(kind) ? "warning" : "fault");

/** Return since when it is so, such as "5 minutes ago"; "" where nobody knows. */
export const since = (node, now) => (node.since_ms === null ? "" : ago(node.since_ms, now));

/** Return a signed number of decibels. */
export const decibels = (gain) => t("nodes.db", { value: number(gain, { maximumFractionDigits: 1 }) });

const LEAST_DBM = { wifi: [-80, -72, -65, -55], mobile: [-105, -95, -85, -75] };

/** Return how many of four bars a signal is worth; 0 where it is not known. */
export function bars(link, dbm) {
  if (dbm === null || dbm === undefined) return 0;
  return Math.max(1, (LEAST_DBM[link] ?? LEAST_DBM.mobile).filter((least) => dbm >= least).length);
}

export const linkWord = (link) => (link ? t(`nodes.link_${link}`) : "");
export const dbmWord = (dbm) => (dbm === null || dbm === undefined ? "" : t("nodes.dbm", { value: number(dbm) }));

const RANKS = ["background", "normal", "priority", "live", "emergency"];

/** Return the session that is heard of those on air in a zone, or undefined. */
export function sessionIn(zone) {
  let found;
  for (const session of store.sessions) {
    if (!session.zones.includes(zone) || session.state === "ended" || session.state === "failed") continue;
    if (!found || RANKS.indexOf(session.priority) > RANKS.indexOf(found.priority)) found = session;
  }
  return found;
}

const MOST_CHARS = 80;

/** Return what a session plays, in a few words. */
export function sourceWord(session) {
  const { kind, text, name } = session.source;
  if (kind === "text" && text) return text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text;
  if (kind === "chime" && name) return `${t("source.chime")}: ${t(`chime.${name}`)}`;
  return t(`source.${kind}`);
}

/** Return what a node plays, in words; "" in silence. */
export function playingWord(node) {
  if (!node.on_air || node.rtp) return "";
  const session = sessionIn(node.zone);
  const what = session ? sourceWord(session) : t("shell.on_air");
  return node.playing ? what : t("nodes.not_playing");
}

/** Return the titles of the areas that a zone lies in, the innermost first. */
export function areasOf(zone) {
  const found = [];
  for (let id = store.zones.get(zone)?.area; id && store.areas.has(id) && found.length < 9; id = store.areas.get(id).parent) {
    found.push(store.areas.get(id).title || id);
  }
  return found;
}

/** Return a zone with its areas, such as "Thôn Đông · Xã Bình Minh". */
export function placeWord(zone) {
  const title = store.zones.get(zone)?.title || zone;
  return [...new Set([title, ...areasOf(zone).slice(0, 2)])].join(" · ");
}
