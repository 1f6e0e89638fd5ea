// Pressing an element: confirmation, progress, and the warning when the app did not acknowledge.

import { h, icon } from "./dom.js";
import { confirmed } from "./dialogs.js";

const LATE = "The app did not acknowledge this within 3 seconds";

/** Press `element` of `block` on `surface`; `node` shows the progress. Returns false when the person backed out. */
export async function press(surface, block, element, node, what = {}) {
  if (element.confirm && !(await confirmed(surface.world, element.confirm))) return false;
  node.nextElementSibling?.matches?.(".late") && node.nextElementSibling.remove();
  node.classList.add("busy");
  node.setAttribute("aria-busy", "true");
  const answer = await surface.press({ block_id: block.block_id, action_id: element.action_id, ...what });
  node.classList.remove("busy");
  node.removeAttribute("aria-busy");
  if (answer.ok && answer.acked === false && node.isConnected) node.after(warning(LATE));
  return true;
}

function warning(label) {
  return h("span", { class: "late", role: "img", "aria-label": label, title: label }, icon("warn"));
}
