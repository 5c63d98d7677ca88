import { t } from "../core/texts.js";

export const title = () => t("nav.audit");

export function show(main) {
  void main;
}
