// Cards, carousels, containers and alerts.

import { element } from "../elements.js";
import { h, icon, iconButton, image } from "../dom.js";
import { text } from "../mrkdwn.js";
import { richText } from "../richtext.js";

const ALERT_ICON = { info: "info", warning: "warn", error: "warn", success: "check", default: "info" };

export function card(surface, spec) {
  const { world } = surface;
  const line = (part, cls) => (part ? h("div", { class: cls }, text(world, part)) : []);
  const drawn = spec.icon ?? spec.slack_icon;
  return h(
    "article",
    { class: "card" },
    spec.hero_image ? image(spec.hero_image.image_url, spec.hero_image.alt_text, "card-hero") : [],
    h(
      "div",
      { class: "card-head" },
      drawn ? picture(drawn) : [],
      h("div", {}, line(spec.title, "card-title"), line(spec.subtitle, "card-subtitle")),
    ),
    line(spec.body, "card-body"),
    line(spec.subtext, "card-subtext"),
    spec.actions?.length
      ? h(
          "div",
          { class: "actions" },
          spec.actions.map((one) => element(surface, spec, one)),
        )
      : [],
  );
}

function picture(drawn) {
  return drawn.name
    ? h("span", { class: "card-icon named" }, icon(drawn.name))
    : image(drawn.image_url, drawn.alt_text, "card-icon");
}

export function carousel(surface, spec, block) {
  const track = h(
    "div",
    { class: "carousel-track", tabindex: "0", "aria-label": "Cards" },
    (spec.elements ?? []).map((one) => block(surface, one)),
  );
  const move = (step) => () => track.scrollBy({ left: step * track.clientWidth * 0.8, behavior: "smooth" });
  return h(
    "div",
    { class: "carousel" },
    iconButton("left", "Previous cards", move(-1), "carousel-step"),
    track,
    iconButton("right", "Next cards", move(1), "carousel-step"),
  );
}

export function container(surface, spec, block) {
  const { world } = surface;
  const title = spec.rich_text_title ? richText(world, spec.rich_text_title) : text(world, spec.title);
  const head = [
    spec.icon ? image(spec.icon.image_url, spec.icon.alt_text, "card-icon") : [],
    h(
      "div",
      { class: "container-titles" },
      h("div", { class: "container-title" }, title),
      spec.subtitle ? h("div", { class: "container-subtitle" }, text(world, spec.subtitle)) : [],
    ),
  ];
  const children = h(
    "div",
    { class: "container-inside" },
    (spec.child_blocks ?? []).map((one) => block(surface, one)),
  );
  const width = ["narrow", "standard", "wide", "full"].includes(spec.width) ? spec.width : "standard";
  const cls = `container ${width}${spec.has_header_divider ? " divided" : ""}`;
  if (!spec.is_collapsible)
    return h("section", { class: cls }, h("div", { class: "container-head" }, head), children);
  return h(
    "details",
    { class: cls, open: !spec.default_collapsed, data: { key: "container" } },
    h("summary", { class: "container-head" }, head, icon("right")),
    children,
  );
}

/** Only for modals, as in Slack; elsewhere Slack refuses the message, so it never arrives here. */
export function alert(surface, spec) {
  const level = ALERT_ICON[spec.level] ? spec.level : "default";
  return h(
    "div",
    { class: `alert alert-${level}`, role: level === "error" ? "alert" : "status" },
    icon(ALERT_ICON[level]),
    h("div", {}, text(surface.world, spec.text)),
  );
}
