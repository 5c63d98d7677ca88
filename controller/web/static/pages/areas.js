import { t } from "../core/texts.js";

export const title = () => t("nav.areas");

export function show(main) {
  void main;
}
