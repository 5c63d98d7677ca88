// Which page an address shows. A page is `static/pages/NAME.js` with `title(rest)` and `show(main, rest, signal)`.

import { fill, h } from "./dom.js";
import { t } from "./texts.js";

let leaving = null;
let shown = "";
let main = null;
let chosen = () => {};

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // an address that somebody cut off
  }
}

/** Return the name of the page of the present address, and what follows it. */
export function place() {
  const [name, ...rest] = window.location.pathname.split("/").filter(Boolean).map(decoded);
  return { name: name ?? "", rest };
}

/** Go to an address of ours. */
export function go(path, { replace = false } = {}) {
  window.history[replace ? "replaceState" : "pushState"](null, "", path);
  open();
}

async function open() {
  leaving?.abort();
  leaving = new AbortController();
  shown = window.location.pathname + window.location.search;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close(); // it belongs to the page that is left
  const { signal } = leaving;
  const { name, rest } = place();
  chosen(name);
  let page;
  try {
    page = await import(`../pages/${name}.js`);
  } catch {
    fill(main, h("p", { class: "notice warn", role: "alert" }, t("shell.page_missing")));
    return;
  }
  if (signal.aborted) return;
  const title = page.title(rest);
  document.title = `${title} – ${t("shell.title")}`;
  main.className = `page-${name}`;
  fill(main, h("h1", { tabindex: "-1", id: "page-title" }, title));
  main.querySelector("h1").focus({ preventScroll: true });
  window.scrollTo(0, 0);
  page.show(main, rest, signal);
}

/** Show pages in `element` from now on; `onPage(name)` is told which one. */
export function start(element, onPage) {
  main = element;
  chosen = onPage;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.target) return;
    const url = new URL(link.href);
    if (url.origin !== window.location.origin || url.pathname.startsWith("/api/") || link.hasAttribute("download") || url.searchParams.has("lang")) return;
    if (url.hash && url.pathname === window.location.pathname) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
  window.addEventListener("popstate", () => {
    if (shown !== window.location.pathname + window.location.search) open(); // else it was a place in this page, such as #main
  });
  open();
}

/** Leave the page that is shown. */
export function stop() {
  leaving?.abort();
}
