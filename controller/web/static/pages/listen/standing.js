// A place in a simulated village: what somebody standing there would hear of all horns.

import { h, svg, fill } from "../../core/dom.js";
import { icon } from "../../core/icons.js";
import { nodeTitle, store, watch } from "../../core/store.js";
import { config, number, t } from "../../core/texts.js";
import * as ear from "../../audio/ear.js";

const MARGIN_M = 60;
const STEP_M = 5;
const PLACE = "air";

let at = null; // metres, kept while the village is looked at elsewhere

function bounds(nodes) {
  const xs = nodes.map((node) => node.x_m);
  const ys = nodes.map((node) => node.y_m);
  return { left: Math.min(...xs) - MARGIN_M, right: Math.max(...xs) + MARGIN_M, low: Math.min(...ys) - MARGIN_M, high: Math.max(...ys) + MARGIN_M };
}

/** Return the card with the plan on which one stands. */
export function standing(signal) {
  const plan = svg("svg", { class: "plan", role: "slider", tabindex: "0", "aria-label": t("listen.stand"), "aria-valuetext": "" });
  const where = h("p", { class: "quiet", role: "status" });
  const button = h("button", { type: "button", class: "main" });
  let box = null;
  let marker = null;

  const go = (x, y) => {
    if (!box) return;
    at = { x: Math.min(box.right, Math.max(box.left, x)), y: Math.min(box.high, Math.max(box.low, y)) };
    marker?.setAttribute("transform", `translate(${at.x} ${-at.y})`);
    const near = [...store.nodes.values()].filter((node) => node.x_m !== null).map((node) => [Math.hypot(node.x_m - at.x, node.y_m - at.y), node.id]).sort((a, b) => a[0] - b[0])[0];
    const words = near ? t("listen.stands", { metres: number(Math.round(near[0])), node: nodeTitle(near[1]) }) : "";
    plan.setAttribute("aria-valuetext", words);
    where.textContent = words;
    if (ear.state().place === PLACE) listenHere();
  };
  let waiting = null;
  const listenHere = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => ear.hear(PLACE, `${config.air}?x=${at.x.toFixed(1)}&y=${at.y.toFixed(1)}`, t("listen.standing")), 150);
  };
  signal.addEventListener("abort", () => clearTimeout(waiting));

  function draw() {
    const nodes = [...store.nodes.values()].filter((node) => node.x_m !== null && node.y_m !== null);
    if (!nodes.length) {
      fill(plan);
      where.textContent = t("listen.no_places");
      return;
    }
    box = bounds(nodes);
    plan.setAttribute("viewBox", `${box.left} ${-box.high} ${box.right - box.left} ${box.high - box.low}`);
    marker = svg("g", { class: "person" }, svg("circle", { r: "9" }), svg("circle", { r: "3", class: "eye" }));
    fill(plan, nodes.map((node) => svg("g", { transform: `translate(${node.x_m} ${-node.y_m})`, class: `horn ${node.state}` }, svg("circle", { r: "6" }), svg("text", { y: "-12" }, node.title || node.id))), marker);
    go(at?.x ?? (box.left + box.right) / 2, at?.y ?? (box.low + box.high) / 2);
  }

  const toPlan = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(plan.getScreenCTM().inverse());
    go(point.x, -point.y);
  };
  plan.addEventListener("pointerdown", (event) => {
    plan.setPointerCapture(event.pointerId);
    toPlan(event);
  });
  plan.addEventListener("pointermove", (event) => { if (plan.hasPointerCapture(event.pointerId)) toPlan(event); });
  plan.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move || !at) return;
    event.preventDefault();
    go(at.x + move[0] * STEP_M, at.y + move[1] * STEP_M);
  });
  button.addEventListener("click", () => {
    if (ear.state().place === PLACE) ear.stop();
    else if (at) listenHere();
  });
  ear.watch((state) => fill(button, icon(state.place === PLACE ? "stop" : "listen"), t(state.place === PLACE ? "listen.stop" : "listen.hear_here")), signal);
  let known = "";
  watch("nodes", () => {
    const now = [...store.nodes.values()].map((node) => `${node.id} ${node.x_m} ${node.y_m} ${node.state}`).join();
    if (now !== known) draw();
    known = now;
  }, signal);
  return h("section", { class: "card stack", "aria-labelledby": "stand-title" }, h("h2", { id: "stand-title" }, t("listen.stand")), h("p", { class: "quiet" }, t("listen.stand_says")), plan, where, button);
}
