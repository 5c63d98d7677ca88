import { t } from "../core/texts.js";

export const title = () => t("nav.health");

export function show(main) {
  void main;
}
