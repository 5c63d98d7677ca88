import { t } from "../core/texts.js";

export const title = () => t("nav.nodes");

export function show(main) {
  void main;
}
