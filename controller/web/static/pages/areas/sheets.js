// One zone or one area in a sheet: added, changed, removed.

import * as api from "../../core/api.js";
import { confirm, doing, sheet, tell } from "../../core/dialog.js";
import { h } from "../../core/dom.js";
import { expects, field } from "../../core/form.js";
import { areasBelow, store } from "../../core/store.js";
import { compare, number, plain, t } from "../../core/texts.js";

const KINDS = ["province", "commune", "village"];
const MOST_DB = 12;
const LEAST_DB = -60;

/** Return an id that a title suggests: "Thôn Đông Hà" is thon-dong-ha. */
export const suggest = (title) => plain(title).replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 32);

function options(list, chosen) {
  return [h("option", { value: "" }, t("shell.none")), ...list.map((area) =>
    h("option", { value: area.id, selected: area.id === chosen }, `${area.title || area.id} (${t(`area_kind.${area.kind}`)})`))];
}

const sortedAreas = () => [...store.areas.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || compare(a.title, b.title));

/** Return title and id fields; the id follows the title until somebody writes it himself. */
function names(thing) {
  const title = h("input", { maxlength: "200", value: thing?.title ?? "", autocomplete: "off" });
  const id = h("input", { maxlength: "32", value: thing?.id ?? "", readonly: Boolean(thing), required: true, pattern: "[a-z0-9][a-z0-9\\-]*", autocapitalize: "none", spellcheck: "false", autocomplete: "off" });
  expects(id, t("areas.id_hint"));
  let own = Boolean(thing);
  id.addEventListener("input", () => { own = true; });
  title.addEventListener("input", () => {
    if (own) return;
    id.value = suggest(title.value);
    id.setCustomValidity("");
  });
  return { title, id, fields: [field(t("areas.title"), title), field(t("areas.id"), id, thing ? "" : t("areas.id_hint"))] };
}

function remover(path, question, close) {
  const button = h("button", { type: "button", class: "danger" }, t("shell.remove"));
  button.addEventListener("click", async () => {
    if (!(await confirm(question, { danger: true, yes: t("shell.remove") }))) return;
    await doing(button, async () => {
      await api.del(path);
      close();
    });
  });
  return button;
}

function form(thing, fields, save, path, question, close) {
  const button = h("button", { type: "submit", class: "main" }, thing ? t("shell.save") : t("areas.add"));
  const made = h("form", {}, fields, h("div", { class: "actions" }, thing && remover(path, question, close), button));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    doing(button, async () => {
      await save();
      tell(t("shell.saved"));
      close();
    });
  });
  return made;
}

/** Show a zone, or ask for a new one where `zone` is null. */
export function zoneSheet(zone) {
  return sheet(zone ? zone.title || zone.id : t("areas.add_zone"), (close) => {
    const { title, id, fields } = names(zone);
    const area = h("select", {}, options(sortedAreas(), zone?.area));
    const profile = h("select", {}, ["lan", "low", "mobile"].map((name) => h("option", { value: name, selected: name === (zone?.profile ?? "lan") }, t(`profile.${name}`))));
    const shown = h("output", { class: "number" });
    const gain = h("input", { type: "range", min: String(LEAST_DB), max: String(MOST_DB), step: "0.5", value: String(zone?.gain_db ?? 0) });
    const say = () => { shown.textContent = t("areas.db", { value: number(Number(gain.value), { signDisplay: "exceptZero" }) }); };
    gain.addEventListener("input", say);
    say();
    const path = zone && `/zones/${encodeURIComponent(zone.id)}`;
    const body = () => ({ title: title.value.trim(), profile: profile.value, gain_db: Number(gain.value), area: area.value || null });
    return form(zone, [...fields, field(t("areas.area"), area), field(t("areas.profile"), profile, t("areas.profile_hint")), field(t("areas.gain"), gain), shown],
      () => (zone ? api.patch(path, body()) : api.post("/zones", { id: id.value.trim(), ...body() })),
      path, t("areas.sure_zone", { zone: zone?.title || zone?.id }), close);
  });
}

/** Return the first polygon of GeoJSON, as programs that draw maps wrap it; the one with the most points where there are several. */
function polygon(found) {
  if (found?.type === "Polygon") return found;
  if (found?.type === "MultiPolygon") return { type: "Polygon", coordinates: [...found.coordinates].sort((one, other) => other[0].length - one[0].length)[0] };
  const inside = found?.type === "Feature" ? [found.geometry] : found?.type === "FeatureCollection" ? found.features : found?.type === "GeometryCollection" ? found.geometries : [];
  return inside.map(polygon).find(Boolean);
}

/** Return the polygon of a GeoJSON file; throws an Error in the reader's words where there is none. */
async function readOutline(file) {
  try {
    const found = polygon(JSON.parse(await file.text()));
    if (found) return found;
  } catch { /* it is no JSON, or of another shape */ }
  throw new Error(t("areas.outline_bad"));
}

/** Show an area, or ask for a new one where `area` is null. */
export function areaSheet(area) {
  return sheet(area ? area.title || area.id : t("areas.add_area"), (close) => {
    const { title, id, fields } = names(area);
    const below = area ? areasBelow(area.id) : new Set();
    const kind = h("select", { disabled: Boolean(area) }, KINDS.map((name) => h("option", { value: name, selected: name === (area?.kind ?? "village") }, t(`area_kind.${name}`))));
    const parent = h("select", {}, options(sortedAreas().filter((other) => !below.has(other.id)), area?.parent));
    const file = h("input", { type: "file", accept: ".geojson,.json,application/geo+json" });
    const path = area && `/areas/${encodeURIComponent(area.id)}`;
    const save = async () => {
      const body = { title: title.value.trim(), parent: parent.value || null };
      if (file.files.length) body.outline_geojson = await readOutline(file.files[0]);
      if (area) await api.patch(path, body);
      else await api.post("/areas", { id: id.value.trim(), kind: kind.value, ...body });
    };
    return form(area, [...fields, field(t("areas.kind"), kind), field(t("areas.parent"), parent), field(t("areas.outline"), file, t("areas.outline_hint"))],
      save, path, t("areas.sure_area", { area: area?.title || area?.id }), close);
  });
}
