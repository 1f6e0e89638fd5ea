// The everyday blocks: sections, headers, context, images, markdown, rich text, actions and inputs.

import { element } from "../elements.js";
import { h, image as picture, link } from "../dom.js";
import { markdown } from "../markdown.js";
import { text } from "../mrkdwn.js";
import { richText } from "../richtext.js";

const LONG = 700;

export function section(surface, spec) {
  const body = h("div", { class: "section-body" });
  if (spec.text) body.append(long(surface, spec));
  if (spec.fields)
    body.append(
      h(
        "div",
        { class: "fields" },
        spec.fields.map((one) => h("div", { class: "field-text" }, text(surface.world, one))),
      ),
    );
  const accessory = spec.accessory
    ? h("div", { class: "accessory" }, element(surface, spec, spec.accessory))
    : [];
  return h("div", { class: "section" }, body, accessory);
}

/** Slack folds long section text behind "See more" unless the block says `expand`. */
function long(surface, spec) {
  const node = h("div", { class: "text" }, text(surface.world, spec.text));
  if (spec.expand || (spec.text.text ?? "").length <= LONG) return node;
  node.classList.add("folded");
  const more = h(
    "button",
    {
      type: "button",
      class: "text-button",
      on: {
        click: () => {
          node.classList.remove("folded");
          more.remove();
        },
      },
    },
    "See more",
  );
  return h("div", {}, node, more);
}

export function header(surface, spec) {
  const level = Math.min(Math.max(Number(spec.level) || 1, 1), 4);
  return h(`h${level + 2}`, { class: `header level-${level}` }, text(surface.world, spec.text));
}

export function context(surface, spec) {
  return h(
    "div",
    { class: "context" },
    (spec.elements ?? []).map((one) =>
      one.type === "image"
        ? picture(one.image_url ?? one.slack_file?.url, one.alt_text, "context-image")
        : h("span", { class: "context-text" }, text(surface.world, one)),
    ),
  );
}

export function divider() {
  return h("hr");
}

export function image(surface, spec) {
  const address = spec.image_url ?? spec.slack_file?.url;
  const caption = spec.title ? h("figcaption", {}, text(surface.world, spec.title)) : [];
  return h(
    "figure",
    { class: "image" },
    caption,
    address
      ? link(address, picture(address, spec.alt_text, "block-image"))
      : picture(null, spec.alt_text, "block-image"),
  );
}

export function video(surface, spec) {
  return h(
    "figure",
    { class: "image" },
    h("figcaption", {}, link(spec.title_url ?? spec.video_url, text(surface.world, spec.title))),
    picture(spec.thumbnail_url, spec.alt_text, "block-image"),
  );
}

export function file(surface, spec) {
  return h("div", { class: "remote-file" }, `Remote file ${spec.external_id ?? ""}`);
}

export function markdownBlock(surface, spec) {
  return h("div", { class: "markdown" }, markdown(surface.world, spec.text ?? ""));
}

export function richTextBlock(surface, spec) {
  return h("div", { class: "rich" }, richText(surface.world, spec));
}

export function actions(surface, spec) {
  return h(
    "div",
    { class: "actions" },
    (spec.elements ?? []).map((one) => element(surface, spec, one)),
  );
}

export function contextActions(surface, spec) {
  return h(
    "div",
    { class: "context-actions" },
    (spec.elements ?? []).map((one) => element(surface, spec, one)),
  );
}

/** A labelled input; the place beneath it is where a modal shows this block's error. */
export function input(surface, spec) {
  const control = element(surface, spec, spec.element ?? {});
  const id = `input-${surface.state.id}-${spec.block_id ?? ""}`;
  const errors = h("div", { class: "field-error", id: `${id}-error`, role: "alert" });
  if (control instanceof HTMLElement) {
    control.id = id;
    control.setAttribute("aria-describedby", errors.id);
    if (!control.matches("input, textarea")) control.setAttribute("aria-label", spec.label?.text ?? "");
  }
  const optional = spec.optional ? h("span", { class: "optional" }, " (optional)") : [];
  const hint = spec.hint ? h("div", { class: "hint" }, text(surface.world, spec.hint)) : [];
  return h(
    "div",
    { class: "input", data: { input: spec.block_id ?? "" } },
    h("label", { for: id }, text(surface.world, spec.label), optional),
    control,
    errors,
    hint,
  );
}
