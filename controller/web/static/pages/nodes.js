// All nodes, or one of them: `/nodes` and `/nodes/ID`.

import { nodeTitle } from "../core/store.js";
import { need } from "../core/styles.js";
import { t } from "../core/texts.js";
import { showList } from "./nodes/list.js";

export const title = ([id]) => (id ? nodeTitle(id) : t("nav.nodes"));

export async function show(main, [id], signal) {
  const looks = need("nodes");
  if (!id) {
    await looks; // rows are placed by it
    if (!signal.aborted) showList(main, signal);
    return;
  }
  const [{ showNode }] = await Promise.all([import("./nodes/one.js"), looks]);
  if (!signal.aborted) showNode(main, id, signal);
}
