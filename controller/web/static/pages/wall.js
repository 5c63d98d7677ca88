import { t } from "../core/texts.js";

export const title = () => t("nav.wall");

export function show(main) {
  void main;
}
