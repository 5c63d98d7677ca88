import { t } from "../core/texts.js";

export const title = () => t("nav.people");

export function show(main) {
  void main;
}
