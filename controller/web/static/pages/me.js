import { t } from "../core/texts.js";

export const title = () => t("nav.me");

export function show(main) {
  void main;
}
