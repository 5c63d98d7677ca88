// Puts a node where it hangs: by a touch on the map, or where this telephone is.

import * as api from "../../core/api.js";
import { doing, tell } from "../../core/dialog.js";
import { h } from "../../core/dom.js";
import { may } from "../../core/store.js";
import { t } from "../../core/texts.js";

/** Return {button(node)}: buttons that move a node on the map that was `made`. */
export function mover({ map, earth }, signal) {
  let moving = null;

  const put = async (node, lat, lon) => {
    const place = earth ? { lat, lon } : { x_m: Math.round(lon * 10) / 10, y_m: Math.round(lat * 10) / 10 };
    try {
      await api.patch(`/nodes/${encodeURIComponent(node.id)}`, place);
      tell(t("map.moved", { node: node.title || node.id }));
    } catch (error) {
      tell(error.message, { bad: true });
    }
  };

  map.on("click", ({ latlng }) => {
    if (!moving) return;
    const node = moving;
    end();
    put(node, latlng.lat, latlng.lng);
  });
  const end = () => {
    moving = null;
    map.getContainer().classList.remove("moving");
  };
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") end(); }, { signal });

  return {
    button(node) {
      if (!may("nodes.write")) return null;
      const move = h("button", { type: "button", onclick: () => {
        moving = node;
        map.getContainer().classList.add("moving");
        tell(t("map.touch_place", { node: node.title || node.id }));
      } }, t("map.move"));
      if (!earth || !navigator.geolocation) return move;
      const here = h("button", { type: "button" }, t("map.here"));
      here.addEventListener("click", () => doing(here, () => new Promise((resolve, reject) => {
        navigator.geolocation.getCurrentPosition(
          ({ coords }) => resolve(put(node, coords.latitude, coords.longitude)),
          () => reject(new Error(t("map.no_position"))), { enableHighAccuracy: true, timeout: 15_000 });
      })));
      return [move, here];
    },
  };
}
