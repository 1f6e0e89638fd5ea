// Attachments: the coloured bar, with blocks or the old text fields.

import { h, image, link } from "./dom.js";
import { mrkdwn, text } from "./mrkdwn.js";
import { block } from "./blocks/index.js";

const NAMED = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };

/** Every attachment of a message as a node. */
export function attachments(surface, list) {
  return list.map((spec) => {
    const bar = h("span", { class: "attachment-bar" });
    const colour =
      NAMED[spec.color] ??
      (/^#?[0-9a-f]{6}$/i.test(spec.color ?? "") ? `#${spec.color.replace("#", "")}` : null);
    if (colour) bar.style.background = colour;
    const inside = spec.blocks?.length
      ? spec.blocks.map((one) => block(surface, one))
      : legacy(surface, spec);
    return h(
      "div",
      { class: "attachment" },
      [spec.pretext ? h("div", { class: "pretext" }, mrkdwn(surface.world, spec.pretext)) : []],
      h("div", { class: "attachment-row" }, bar, h("div", { class: "attachment-inside" }, inside)),
    );
  });
}

function legacy(surface, spec) {
  const { world } = surface;
  const title = spec.title ? text(world, { type: "mrkdwn", text: spec.title }) : null;
  return [
    spec.author_name ? h("div", { class: "attachment-author" }, spec.author_name) : [],
    title
      ? h("div", { class: "attachment-title" }, spec.title_link ? link(spec.title_link, title) : title)
      : [],
    spec.text ? h("div", { class: "text" }, mrkdwn(world, spec.text)) : [],
    spec.fields?.length
      ? h(
          "div",
          { class: "fields" },
          spec.fields.map((one) =>
            h(
              "div",
              { class: one.short ? "field-text" : "field-text wide" },
              h("b", {}, one.title),
              h("br"),
              mrkdwn(world, String(one.value ?? "")),
            ),
          ),
        )
      : [],
    spec.image_url ? image(spec.image_url, spec.fallback, "block-image") : [],
    spec.footer
      ? h(
          "div",
          { class: "attachment-footer" },
          spec.footer,
          spec.ts ? ` | ${world.clock.full(Number(spec.ts))}` : "",
        )
      : [],
  ];
}
