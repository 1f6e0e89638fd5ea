// Every block type and the function that draws it.

import { h } from "../dom.js";
import {
  actions,
  context,
  contextActions,
  divider,
  file,
  header,
  image,
  input,
  markdownBlock,
  richTextBlock,
  section,
  video,
} from "./text.js";
import { alert, card, carousel, container } from "./cards.js";
import { chart } from "./chart.js";
import { dataTable, table } from "./tables.js";
import { plan, taskCard } from "./plan.js";

const DRAW = {
  actions,
  alert,
  card,
  carousel,
  container,
  context,
  context_actions: contextActions,
  data_table: dataTable,
  data_visualization: chart,
  divider,
  file,
  header,
  image,
  input,
  markdown: markdownBlock,
  plan,
  rich_text: richTextBlock,
  section,
  table,
  task_card: taskCard,
  video,
};

/** One block as a node; an unknown type stays visible as such. */
export function block(surface, spec) {
  const draw = DRAW[spec?.type];
  const inside = draw
    ? draw(surface, spec, block)
    : h("div", { class: "unsupported" }, `unsupported block: ${spec?.type}`);
  return h(
    "div",
    { class: `block b-${draw ? spec.type : "unknown"}`, data: { block: spec?.block_id ?? "" } },
    inside,
  );
}

/**
 * Bring `host` to show `specs`, touching only blocks that changed.
 *
 * A changed block keeps what the person opened: details with the same `data-key` stay open or closed.
 */
export function patchBlocks(host, surface, specs) {
  // Times and mentions depend on who reads.
  const wanted = specs.map((spec) => [surface.world.me + JSON.stringify(spec), spec]);
  const old = [...host.children];
  wanted.forEach(([signature, spec], index) => {
    const before = old[index];
    if (before?.signature === signature) return;
    const node = block(surface, spec);
    node.signature = signature;
    if (!before) host.append(node);
    else {
      keepOpen(before, node);
      before.replaceWith(node);
    }
  });
  old.slice(wanted.length).forEach((node) => node.remove());
}

function keepOpen(before, after) {
  const was = new Map(
    [...before.querySelectorAll("details[data-key]")].map((node) => [node.dataset.key, node.open]),
  );
  for (const node of after.querySelectorAll("details[data-key]")) {
    if (was.has(node.dataset.key)) node.open = was.get(node.dataset.key);
  }
}
