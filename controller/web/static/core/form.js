// Fields with their labels, and what is shown once.

import { tell } from "./dialog.js";
import { h, uid } from "./dom.js";
import { t } from "./texts.js";

/** Return a field: a label, the input, and what helps to fill it in. */
export function field(label, input, hint = "") {
  input.id ||= uid("field");
  if (hint) input.setAttribute("aria-describedby", `${input.id}-hint`);
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input, hint && h("p", { class: "quiet", id: `${input.id}-hint` }, hint));
}

/** Say in our words what is expected where an input's value is not valid when its form is sent. Returns the input. */
export function expects(input, words) {
  input.addEventListener("invalid", () => input.setCustomValidity(words));
  input.addEventListener("input", () => input.setCustomValidity(""));
  return input;
}

/** Return a choice of several: `options` is a list of [value, words, explanation]. */
export function checks(legend, name, options, chosen = []) {
  return h("fieldset", {}, h("legend", {}, legend), options.map(([value, words, explanation]) =>
    h("label", { class: "check" }, h("input", { type: "checkbox", name, value, checked: chosen.includes(value) }),
      h("span", {}, words, explanation && h("span", { class: "quiet block" }, explanation)))));
}

/** Return the values that are chosen of :func:`checks`. */
export const checked = (element, name) => [...element.querySelectorAll(`input[name="${name}"]:checked`)].map((input) => input.value);

/** Return a secret that is told once, with a button that copies it. */
export function secret(label, value) {
  const input = h("input", { readonly: true, value, autocomplete: "off", spellcheck: "false", class: "secret" });
  const copy = h("button", { type: "button", class: "small" }, t("shell.copy"));
  copy.addEventListener("click", async () => {
    input.select();
    try {
      await navigator.clipboard.writeText(value);
      tell(t("shell.copied"));
    } catch { /* it is selected: the keyboard copies it */ }
  });
  return h("div", { class: "stack" }, field(label, input), copy);
}

/** Return the picture of an SVG text, such as a QR code. */
export function picture(svgText, words) {
  return h("img", { class: "qr", alt: words, src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '))}` });
}
