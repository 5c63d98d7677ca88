import { t } from "../core/texts.js";

export const title = () => t("nav.listen");

export function show(main) {
  void main;
}
