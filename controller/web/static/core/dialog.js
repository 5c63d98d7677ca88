// Questions, answers and short news.

import { h, uid } from "./dom.js";
import { t } from "./texts.js";

const news = h("div", { id: "news" });
document.body.append(news);

function open(dialog, closed) {
  dialog.addEventListener("close", () => {
    if (dialog.contains(news)) document.body.append(news);
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** Ask; resolves to true when the person agrees. danger: the button is red. */
export function confirm(question, { yes = t("shell.yes"), detail = "", danger = false } = {}) {
  return new Promise((resolve) => {
    const id = uid("ask");
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": id },
      h("form", { method: "dialog" },
        h("h2", { id }, question),
        detail && h("p", {}, detail),
        h("div", { class: "actions" },
          h("button", { value: "no", autofocus: danger }, t("shell.cancel")),
          h("button", { value: "yes", class: danger ? "danger solid" : "main", autofocus: !danger }, yes))));
    open(dialog, () => resolve(dialog.returnValue === "yes"));
  });
}

/** Show content in a dialog with a heading and a button that closes it; resolves when it is closed. `build(close)` returns the content. */
export function sheet(title, build) {
  return new Promise((resolve) => {
    const id = uid("sheet");
    const dialog = h("dialog", { class: "dialog sheet", "aria-labelledby": id });
    const close = () => dialog.close();
    dialog.append(
      h("div", { class: "bar" }, h("h2", { id }, title),
        h("button", { type: "button", class: "icon", "aria-label": t("shell.close"), onclick: close }, "×")),
      build(close));
    open(dialog, resolve);
  });
}

const LASTS_MS = 6000;

/** Tell something short; bad: it is an error and stays until it is closed. */
export function tell(message, { bad = false } = {}) {
  const front = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body; // what lies behind a dialog is out of reach
  if (news.parentElement !== front) front.append(news);
  const made = h("div", { class: bad ? "toast bad" : "toast", role: bad ? "alert" : "status" },
    h("span", {}, message),
    h("button", { type: "button", class: "icon", "aria-label": t("shell.close"), onclick: () => made.remove() }, "×"));
  for (const old of [...news.children]) if (old.firstChild.textContent === message) old.remove(); // pressed again, refused again
  news.append(made);
  while (news.children.length > 4) news.firstChild.remove();
  if (!bad) setTimeout(() => made.remove(), LASTS_MS);
}

/** Do `work` with a button disabled; what it refuses is told. Resolves to the answer, or undefined. */
export async function doing(button, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } catch (error) {
    tell(error.message || t("shell.disconnected"), { bad: true });
    return undefined;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}
