// A long list of which only what is on the screen is in the page: two thousand rows cost as much as thirty.

import { onFrame } from "../../core/dom.js";

const BEYOND = 8;

/**
 * Show items in `body`, whose rows are placed by their tops. make(item, index): returns `{element, patch(item)}`.
 * height(item): pixels. Returns set(items), touch(keys), each(work), again() and first(): whether the beginning is seen.
 */
export function windowed(body, { make, height, signal }) {
  let items = [];
  let tops = [0];
  let places = new Map();
  const shown = new Map();
  const dirty = new Set();

  const at = (y) => { // the last item that begins at y or above
    let low = 0;
    let high = items.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  function draw() {
    const top = -body.getBoundingClientRect().top;
    const from = Math.max(0, at(top) - BEYOND);
    const to = items.length ? Math.min(items.length - 1, at(top + window.innerHeight) + BEYOND) : -1;
    const wanted = [];
    const held = document.activeElement?.closest?.("[data-key]")?.dataset.key; // who types in a row keeps it
    const heldAt = held !== undefined && shown.has(held) ? places.get(held) : undefined;
    if (heldAt < from) wanted.push(heldAt);
    for (let index = from; index <= to; index += 1) wanted.push(index);
    if (heldAt > to) wanted.push(heldAt);
    const keys = new Set(wanted.map((index) => items[index].key));
    for (const [key, row] of shown) {
      if (!keys.has(key)) {
        row.element.remove();
        shown.delete(key);
      }
    }
    let next = body.firstElementChild;
    for (const index of wanted) {
      const item = items[index];
      let row = shown.get(item.key);
      if (!row) {
        row = make(item);
        row.element.dataset.key = item.key;
        shown.set(item.key, row);
      }
      if (row.top !== tops[index]) row.element.style.setProperty("top", `${(row.top = tops[index])}px`);
      if (row.index !== index) row.element.setAttribute("aria-rowindex", String((row.index = index) + 2));
      if (row.element === next) next = next.nextElementSibling;
      else body.insertBefore(row.element, next);
    }
  }

  function measure() {
    tops = [];
    let y = 0;
    for (const item of items) {
      tops.push(y);
      y += height(item);
    }
    body.style.setProperty("height", `${y}px`);
    body.parentElement.setAttribute("aria-rowcount", String(items.length + 1));
  }

  const drawSoon = onFrame(() => { if (!signal.aborted) draw(); });
  const patchSoon = onFrame(() => {
    for (const key of dirty) {
      const row = shown.get(key);
      if (row) row.patch(items[places.get(key)]);
    }
    dirty.clear();
  });
  window.addEventListener("scroll", drawSoon, { passive: true, signal });
  window.addEventListener("resize", drawSoon, { signal });

  return {
    set(found) {
      const focused = document.activeElement;
      items = found;
      places = new Map(items.map((item, index) => [item.key, index]));
      measure();
      for (const [key, row] of shown) {
        if (places.has(key)) row.patch(items[places.get(key)]);
      }
      draw();
      if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
    },
    /** Items changed: those that are on the screen are shown as they are now, in the next frame. */
    touch(keys) {
      for (const key of keys) if (shown.has(key)) dirty.add(key);
      if (dirty.size) patchSoon();
    },
    each(work) {
      for (const row of shown.values()) work(row);
    },
    /** Rows are of another height now. */
    again() {
      measure();
      draw();
    },
    first: () => body.getBoundingClientRect().top > 0,
  };
}
