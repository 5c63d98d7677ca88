// A map of the commune, or, where nobody has said where on the globe it is, its plan in metres.

import { h } from "../core/dom.js";
import { store } from "../core/store.js";
import { config, t } from "../core/texts.js";
import { leaflet } from "../core/vendor.js";

const EARTH_ZOOM = 16;
const PLAN_ZOOM = 0;
const PADDING = [32, 32];

/** Whether positions on the globe are known: then the map is one of the earth. */
export const onEarth = () =>
  [...store.nodes.values()].some((node) => node.lat !== null && node.lon !== null) || [...store.areas.values()].some((area) => area.outline);

/** Return where a node is on the map, or null. */
export function spot(node, earth) {
  if (earth) return node.lat !== null && node.lon !== null ? [node.lat, node.lon] : null;
  return node.x_m !== null && node.y_m !== null ? [node.y_m, node.x_m] : null;
}

/** Return a colour of the style sheet. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Make a map in `element`; resolves to {L, map, earth, fit(points)}, or to null where Leaflet is missing. */
export async function makeMap(element, signal) {
  const L = await leaflet();
  if (!L || signal.aborted) return null;
  const earth = onEarth();
  const map = L.map(element, {
    crs: earth ? L.CRS.EPSG3857 : L.CRS.Simple, preferCanvas: true, zoomControl: false, attributionControl: earth && Boolean(config.tiles),
    minZoom: earth ? 4 : -6, maxZoom: earth ? 19 : 4, zoomAnimation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  });
  L.control.zoom({ zoomInTitle: t("map.zoom_in"), zoomOutTitle: t("map.zoom_out") }).addTo(map);
  if (earth && config.tiles) {
    map.attributionControl.setPrefix(false);
    L.tileLayer(config.tiles, { maxZoom: 19, referrerPolicy: "origin", attribution: t("map.attribution") }).addTo(map);
  }
  const resized = new ResizeObserver(() => map.invalidateSize());
  resized.observe(element);
  signal.addEventListener("abort", () => {
    resized.disconnect();
    map.remove();
  });
  const fit = (points) => {
    if (points.length > 1) map.fitBounds(L.latLngBounds(points), { padding: PADDING, maxZoom: earth ? EARTH_ZOOM : 2 });
    else map.setView(points[0] ?? (earth ? [16.5, 107] : [0, 0]), points.length ? (earth ? EARTH_ZOOM : PLAN_ZOOM) : earth ? 5 : PLAN_ZOOM);
  };
  fit([]); // a canvas that has no view yet cannot be drawn on
  return { L, map, earth, fit };
}

/** Draw the outlines of areas; returns the layer. */
export function outlines({ L, map, earth }) {
  const group = L.layerGroup().addTo(map);
  if (!earth) return group;
  for (const area of store.areas.values()) {
    if (!area.outline) continue;
    L.polygon(area.outline, { color: colour("main"), weight: area.kind === "village" ? 1.5 : 2.5, fillOpacity: 0.05, interactive: false }).addTo(group);
    if (area.kind === "village") {
      const label = h("span", {}, area.title || area.id);
      L.marker(L.polygon(area.outline).getBounds().getCenter(), { interactive: false, keyboard: false, icon: L.divIcon({ className: "map-label", html: label, iconSize: null }) }).addTo(group);
    }
  }
  return group;
}
