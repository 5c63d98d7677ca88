import { t } from "../core/texts.js";

export const title = () => t("nav.enrol");

export function show(main) {
  void main;
}
