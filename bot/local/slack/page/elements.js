// Block elements that a person can use; each reports its state to its surface and, where Slack does, presses.

import { h, icon, image, safeUrl } from "./dom.js";
import { plain, text } from "./mrkdwn.js";
import { menu } from "./popover.js";
import { press } from "./press.js";
import { field } from "./fields.js";
import { choices } from "./choices.js";
import { select } from "./selects.js";

/**
 * One element as a node. A surface is `{world, kind, state, press, suggest}`; elements of `input`
 * blocks press only with `dispatch_action`.
 */
export function element(surface, block, spec) {
  if (spec.visible_to_user_ids?.length && !spec.visible_to_user_ids.includes(surface.world.me))
    return h("span", { hidden: true });
  const build = PRESSED[spec.type];
  if (build) return build(surface, block, spec);
  const changed = (state, node) => remember(surface, block, spec, state, node);
  const node =
    select(surface, block, spec, changed) ??
    choices(surface, block, spec, changed) ??
    field(surface, block, spec, changed);
  return node ?? h("span", { class: "unsupported" }, `unsupported element: ${spec.type}`);
}

function remember(surface, block, spec, state, node) {
  surface.state.set(block.block_id, spec.action_id, state);
  const dispatches = block.type !== "input" || block.dispatch_action;
  if (dispatches) press(surface, block, spec, node, { selected: selection(state) });
}

/** What was chosen, without the name Slack's state gives it. */
function selection({ type, ...chosen }) {
  return Object.values(chosen)[0];
}

const PRESSED = {
  button,
  workflow_button: button,
  overflow,
  feedback_buttons: feedback,
  icon_button: iconElement,
  image: (surface, block, spec) =>
    image(spec.image_url ?? spec.slack_file?.url, spec.alt_text, "element-image"),
};

function button(surface, block, spec) {
  const href = spec.url && safeUrl(spec.url);
  const solid = { primary: "primary-solid", danger: "danger-solid" }[spec.style] ?? "";
  const run = async () => {
    const pressed = await press(surface, block, spec, node, { value: spec.value });
    if (pressed && href) window.open(href, "_blank", "noopener");
  };
  const node = h(
    "button",
    {
      type: "button",
      class: `button ${solid}`,
      "aria-label": spec.accessibility_label,
      title: href ?? undefined,
      data: { action: spec.action_id ?? "" },
      on: { click: run },
    },
    h("span", { class: "button-text" }, text(surface.world, spec.text)),
  );
  return node;
}

function overflow(surface, block, spec) {
  const pick = (option) => async () => {
    const pressed = await press(surface, block, spec, node, { selected: option });
    const href = option.url && safeUrl(option.url);
    if (pressed && href) window.open(href, "_blank", "noopener");
  };
  const rows = (spec.options ?? []).map((option) => ({
    label: plain(option.text?.text ?? ""),
    run: pick(option),
  }));
  const node = h(
    "button",
    {
      type: "button",
      class: "button overflow",
      "aria-label": spec.accessibility_label ?? "More actions",
      "aria-haspopup": "menu",
      data: { action: spec.action_id ?? "" },
      on: { click: () => menu(node, rows) },
    },
    icon("more"),
  );
  return node;
}

function feedback(surface, block, spec) {
  const side = (part, drawing) => {
    const run = async () => {
      await press(surface, block, spec, node, { value: part.value });
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === node));
    };
    const label = part.accessibility_label ?? part.text?.text ?? "Feedback";
    const node = h(
      "button",
      {
        type: "button",
        class: "icon-button feedback",
        "aria-label": label,
        title: part.text?.text,
        "aria-pressed": "false",
        data: { action: spec.action_id ?? "" },
        on: { click: run },
      },
      icon(drawing),
    );
    return node;
  };
  const group = h(
    "span",
    { class: "feedback-group" },
    side(spec.positive_button ?? {}, "up"),
    side(spec.negative_button ?? {}, "thumbdown"),
  );
  return group;
}

function iconElement(surface, block, spec) {
  const label = spec.accessibility_label ?? spec.text?.text ?? spec.icon;
  const run = () => press(surface, block, spec, node, { value: spec.value });
  const node = h(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-label": label,
      title: spec.text?.text,
      data: { action: spec.action_id ?? "" },
      on: { click: run },
    },
    icon(spec.icon === "trash" ? "trash" : spec.icon),
  );
  return node;
}
