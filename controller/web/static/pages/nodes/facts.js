// Everything that is known of a node, as words; what is not known is a dash.

import { fill, h, say } from "../../core/dom.js";
import { store } from "../../core/store.js";
import { dateTime, duration, has, number, t } from "../../core/texts.js";
import { decibels, linkWord, placeWord, playingWord, sessionIn } from "./words.js";

const unknown = (value) => value === null || value === undefined || value === "";
const unit = (name, value, digits = 0) => (unknown(value) ? "" : t(`nodes.value_${name}`, { value: number(value, { maximumFractionDigits: digits }) }));
const scaled = (name, value, by, digits) => (unknown(value) ? "" : unit(name, value / by, digits));
const choice = (value, yes, no) => (unknown(value) ? "" : t(value ? `nodes.${yes}` : `nodes.${no}`));
const word = (prefix, value) => (unknown(value) ? "" : has(`nodes.${prefix}_${value}`) ? t(`nodes.${prefix}_${value}`) : String(value));
const pair = (a, b, digits) => (unknown(a) || unknown(b) ? "" : t("nodes.pair", {
  first: number(a, { maximumFractionDigits: digits }), second: number(b, { maximumFractionDigits: digits }),
}));

const SILENT = [["no key", "no_key"], ["the controller's time", "no_time"], ["packets come too late", "too_late"]];

/** Return why nothing plays, in the reader's words where the node's are known. */
export function silentWord(reason) {
  const known = SILENT.find(([begin]) => reason.startsWith(begin));
  return known ? t(`nodes.silent_${known[1]}`) : reason;
}

function stream({ node, health, row }) {
  if (node.rtp_address) return "";
  if (health?.silent) return silentWord(health.silent);
  if (!row?.on_air) return t("nodes.stream_none");
  return row.playing ? t("nodes.stream_ok") : t("nodes.stream_wait");
}

function playing({ row }) {
  if (!row || row.rtp) return "";
  const said = playingWord(row);
  const session = row.playing && sessionIn(row.zone);
  return session ? `${said} (${t(`priority.${session.priority}`)})` : said || t("shell.silence");
}

/** Return a share of frames that a counter counted since boot. */
function share(counters, name) {
  if (!counters) return "";
  const bad = counters[name] ?? 0;
  const due = (counters.played ?? 0) + Math.max(counters.lost ?? 0, counters.late ?? 0, counters.concealed ?? 0);
  const percent = unit("percent", due ? (100 * bad) / due : 0, 2);
  return t("nodes.share", { percent, count: number(bad) });
}

function size(bytes) {
  if (bytes >= 1e9) return scaled("gb", bytes, 1e9, 1);
  return unknown(bytes) ? "" : bytes < 1e6 ? scaled("kb", bytes, 1e3, 0) : scaled("mb", bytes, 1e6, 1);
}

/** What is shown, by heading: a name and what makes its words of `{node, status, gauges, counters, states, row}`. */
const FACTS = {
  state: [
    ["playing", playing],
    ["stream", stream],
    ["volume", ({ gauges }) => (unknown(gauges.gain_cdb) ? "" : decibels(gauges.gain_cdb / 100))],
    ["muted", ({ gauges }) => choice(gauges.muted, "yes", "no")],
    ["delay", ({ node }) => scaled("ms", node.delay_us, 1000, 1)],
    ["clock", ({ gauges }) => scaled("ms", gauges.offset_uncertainty_us, 1000, 2)],
    ["skew", ({ gauges }) => scaled("ms", gauges.skew_us, 1000, 2)],
    ["leads", ({ gauges }) => choice(gauges.leads, "leads", "follows")],
    ["uptime", ({ gauges }) => (unknown(gauges.uptime_s) ? "" : duration(gauges.uptime_s))],
  ],
  link: [
    ["link", ({ states }) => linkWord(states.link)],
    ["mobile", ({ gauges }) => (unknown(gauges.mobile_dbm) ? "" : t("nodes.dbm", { value: number(gauges.mobile_dbm) }))],
    ["wifi", ({ gauges }) => (unknown(gauges.wifi_dbm) ? "" : t("nodes.dbm", { value: number(gauges.wifi_dbm) }))],
    ["round_trip", ({ gauges }) => scaled("ms", gauges.round_trip_us, 1000, 1)],
    ["lost", ({ counters }) => share(counters, "lost")],
    ["concealed", ({ counters }) => share(counters, "concealed")],
    ["late", ({ counters }) => share(counters, "late")],
    ["forged", ({ counters }) => (counters ? number(counters.forged ?? 0) : "")],
  ],
  power: [
    ["speaker", ({ states }) => word("speaker", states.speaker)],
    ["current", ({ gauges }) => unit("ma", gauges.speaker_ma)],
    ["horns", ({ node }) => (unknown(node.horns) ? "" : number(node.horns))],
    ["temperature", ({ gauges }) => scaled("c", gauges.temperature_mc, 1000, 1)],
    ["supply", ({ gauges }) => scaled("v", gauges.supply_mv, 1000, 2)],
    ["fm", ({ states }) => word("fm", states.fm)],
    ["door", ({ gauges }) => choice(gauges.door_open, "door_open", "door_shut")],
    ["tilt", ({ gauges }) => choice(gauges.tilted, "tilted", "upright")],
  ],
  board: [
    ["storage", ({ gauges }) => {
      const free = size(gauges.storage_free_bytes);
      return free && !unknown(gauges.storage_total_bytes) ? t("nodes.of_storage", { free, total: size(gauges.storage_total_bytes) }) : free;
    }],
    ["heap", ({ gauges }) => size(gauges.free_heap_bytes)],
    ["firmware", ({ status }) => status.firmware],
    ["board", ({ node, status }) => status.board || node.board],
    ["cause", ({ status }) => word("cause", status.restart_cause?.replaceAll(" ", "_"))],
    ["enrolled", ({ node }) => (node.enrolled_at ? dateTime(node.enrolled_at) : "")],
    ["serial", ({ node }) => node.serial],
    ["sim_number", ({ node }) => node.sim_number],
    ["sim_serial", ({ node }) => node.sim_serial],
    ["rtp", ({ node }) => (node.rtp_address ? `${node.rtp_address.host}:${node.rtp_address.port}` : "")],
  ],
  place: [
    ["zone", ({ node }) => placeWord(node.zone)],
    ["address", ({ node }) => node.postal_address],
    ["position", ({ node }) => pair(node.lat, node.lon, 5)],
    ["plan", ({ node }) => (unknown(node.x_m) || unknown(node.y_m) ? "" : t("nodes.value_m", { value: pair(node.x_m, node.y_m, 1) }))],
    ["height", ({ node }) => unit("m", node.height_m, 1)],
    ["aim", ({ node }) => unit("deg", node.aim_deg)],
    ["note", ({ node }) => node.note],
  ],
};

/** Return the cards of facts by group; `show(node)` shows a node as it was read. */
export function factCards() {
  const shown = [];
  const seen = h("span", { class: "quiet" });
  const cards = Object.fromEntries(Object.entries(FACTS).map(([group, facts]) => {
    const id = `facts-${group}`;
    const list = h("dl", { class: "facts" }, facts.map(([name, made]) => {
      const value = h("dd");
      shown.push([value, made]);
      return h("div", {}, h("dt", {}, t(`nodes.fact_${name}`)), value);
    }));
    return [group, h("section", { class: "card", "aria-labelledby": id },
      h("div", { class: "bar" }, h("h2", { id }, t(`nodes.facts_${group}`)), group === "state" && seen), list)];
  }));
  return {
    cards,
    show(node) {
      const health = node.health;
      const all = {
        node, health, row: store.nodes.get(node.id), status: node.status ?? {},
        gauges: health?.gauges ?? {}, states: health?.states ?? {}, counters: health?.counters,
      };
      for (const [value, made] of shown) say(value, made(all) || t("shell.none"));
      fill(seen, node.seen_at ? `${t("nodes.seen")}: ${dateTime(node.seen_at)}` : "");
    },
  };
}
