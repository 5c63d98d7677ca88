// Second step: the line that makes a board this node; as a picture, as text, or straight through a USB cable.

import * as api from "../../core/api.js";
import { doing, tell } from "../../core/dialog.js";
import { fill, h, say } from "../../core/dom.js";
import { picture, secret } from "../../core/form.js";
import { t } from "../../core/texts.js";

const BAUD = 115200;

/** Return the card with the code of a node, which can be made anew. */
export function codeStep(node, made, signal) {
  const content = h("div", { class: "stack" });
  const left = h("p", { role: "timer", class: "quiet" });
  let expires = 0;

  function put({ line, qr_svg, expires_at }) {
    expires = new Date(expires_at).getTime();
    fill(content,
      h("div", { class: "code" }, picture(qr_svg, t("enrol.qr")), h("div", { class: "stack" }, secret(t("enrol.line"), line), usb(line))),
      h("details", {}, h("summary", {}, t("enrol.how")), h("ol", { class: "steps" }, ["esp32", "linux", "file"].map((way) => h("li", {}, t(`enrol.how_${way}`))))));
    tick();
  }

  function tick() {
    const seconds = Math.max(0, Math.floor((expires - Date.now()) / 1000));
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    say(left, seconds ? t("enrol.lasts", { time: clock }) : t("enrol.expired"));
    left.classList.toggle("bad", !seconds);
  }

  const ticking = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(ticking));
  const again = h("button", { type: "button", class: "small" }, t("enrol.again"));
  again.addEventListener("click", () => doing(again, async () => put(await api.post(`/nodes/${encodeURIComponent(node.id)}/enrolment`))));
  put(made);
  return h("section", { class: "card stack", "aria-labelledby": "code-title" },
    h("h2", { id: "code-title", tabindex: "-1" }, t("enrol.code_of", { node: node.title || node.id })), h("p", {}, t("enrol.code_says")), content, h("div", { class: "bar" }, left, again));
}

/** Return a button that writes the line to a board at a USB cable, where the browser can. */
function usb(line) {
  if (!navigator.serial) return null;
  const button = h("button", { type: "button" }, t("enrol.usb"));
  button.addEventListener("click", () => doing(button, async () => {
    let port;
    try {
      port = await navigator.serial.requestPort();
      await port.open({ baudRate: BAUD });
    } catch (error) {
      if (error.name === "NotFoundError") return; // nobody chose one
      throw new Error(t("enrol.usb_failed"), { cause: error });
    }
    const writer = port.writable.getWriter();
    try {
      await writer.write(new TextEncoder().encode(`${line}\r\n`));
      tell(t("enrol.usb_sent"));
    } finally {
      writer.releaseLock();
      await port.close();
    }
  }));
  return button;
}
