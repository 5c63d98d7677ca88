// Line icons of 24 by 24, drawn by ourselves; they say nothing to screen readers.

import { svg } from "./dom.js";

const PATHS = {
  live: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4M8 21h8",
  listen: "M4 14v-2a8 8 0 0 1 16 0v2M4 14h3v6H5a1 1 0 0 1-1-1zM20 14h-3v6h2a1 1 0 0 0 1-1z",
  nodes: "M5 10v4h3l5 4V6L8 10zM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
  map: "M9 4 3 6.5v13L9 17l6 3 6-2.5v-13L15 7zM9 4v13M15 7v13",
  enrol: "M12 5v14M5 12h14",
  health: "M3 12h4l2-6 4 12 2-6h6",
  wall: "M3 5h18v11H3zM9 20h6M12 16v4",
  areas: "M12 3v5M5 13v-2h14v2M3 13h4v5H3zM10 13h4v5h-4zM17 13h4v5h-4zM12 8v5M10 3h4v5h-4z",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.5a3.5 3.5 0 0 1 0 6M18 14a6.5 6.5 0 0 1 3.5 6",
  audit: "M6 3h9l4 4v14H6zM9 12h7M9 16h7M9 8h3",
  me: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 21a7.5 7.5 0 0 1 15 0",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  stop: "M7 7h10v10H7z",
  play: "M8 5v14l11-7z",
  warn: "M12 4 2.5 20h19zM12 10v4M12 17h.01",
  check: "m5 12.5 4.5 4.5L19 7.5",
  mute: "M5 10v4h3l5 4V6L8 10zM17 9.5l5 5M22 9.5l-5 5",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 21 21",
};

/** Return the icon of a name. */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "ico", "aria-hidden": "true", focusable: "false" }, svg("path", { d: PATHS[name] ?? PATHS.more }));
}
