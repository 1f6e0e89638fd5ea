// Checkboxes and radio buttons.

import { h } from "./dom.js";
import { text } from "./mrkdwn.js";

let groups = 0;

/** `checkboxes` or `radio_buttons`; null for anything else. */
export function choices(surface, block, spec, changed) {
  if (spec.type === "checkboxes") return group(surface, block, spec, changed, "checkbox");
  return spec.type === "radio_buttons" ? group(surface, block, spec, changed, "radio") : null;
}

function group(surface, block, spec, changed, kind) {
  const many = kind === "checkbox";
  const name = `group-${++groups}`;
  const saved = surface.state.get(block.block_id, spec.action_id);
  const kept = saved && (many ? saved.selected_options : saved.selected_option);
  const chosen = new Set(
    [kept ?? (many ? spec.initial_options : spec.initial_option) ?? []].flat().map((option) => option.value),
  );
  const state = () => {
    const picked = (spec.options ?? []).filter((option) => chosen.has(option.value));
    return many
      ? { type: spec.type, selected_options: picked }
      : { type: spec.type, selected_option: picked[0] ?? null };
  };
  const pick = (option) => (event) => {
    if (!many) chosen.clear();
    event.target.checked ? chosen.add(option.value) : chosen.delete(option.value);
    changed(state(), node);
  };
  const node = h(
    "div",
    { class: "choices", role: many ? "group" : "radiogroup", data: { action: spec.action_id ?? "" } },
    (spec.options ?? []).map((option) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: kind,
          name,
          value: option.value,
          checked: chosen.has(option.value),
          on: { change: pick(option) },
        }),
        h(
          "span",
          {},
          text(surface.world, option.text),
          option.description ? h("small", {}, text(surface.world, option.description)) : [],
        ),
      ),
    ),
  );
  surface.state.set(block.block_id, spec.action_id, state(), true);
  return node;
}
