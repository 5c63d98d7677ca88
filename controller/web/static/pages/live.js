import { t } from "../core/texts.js";

export const title = () => t("nav.live");

export function show(main) {
  void main;
}
