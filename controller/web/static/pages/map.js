import { t } from "../core/texts.js";

export const title = () => t("nav.map");

export function show(main) {
  void main;
}
