// `rich_text`: sections, lists, quotes and preformatted text, with no parsing of the text itself.

import { emoji } from "./emoji.js";
import { h, link } from "./dom.js";
import { broadcast, channelMention, groupMention, moment, userMention } from "./mentions.js";

/** All elements of a rich_text block (or of a cell, a task's details, a title). */
export function richText(world, block) {
  return (block?.elements ?? []).map((element) => piece(world, element));
}

function piece(world, element) {
  switch (element.type) {
    case "rich_text_section":
      return h("div", { class: "rich-section" }, runs(world, element.elements));
    case "rich_text_quote":
      return h("blockquote", {}, runs(world, element.elements));
    case "rich_text_preformatted":
      return h("pre", { class: "code-block" }, runs(world, element.elements));
    case "rich_text_list":
      return list(world, element);
    default:
      return h("span", { class: "unsupported" }, `unsupported rich text: ${element.type}`);
  }
}

function list(world, { style, indent = 0, offset = 0, elements, border }) {
  const ordered = style === "ordered";
  const depth = Math.min(Math.max(Number(indent) || 0, 0), 8);
  const start = ordered ? Number(offset) + 1 : undefined;
  const cls = `rich-list indent-${depth} marker-${depth % 3}${border ? " bordered" : ""}`;
  return h(
    ordered ? "ol" : "ul",
    { class: cls, start },
    (elements ?? []).map((item) => h("li", {}, runs(world, item.elements))),
  );
}

function runs(world, elements) {
  return (elements ?? []).map((element) => styled(run(world, element), element.style));
}

function run(world, element) {
  switch (element.type) {
    case "text":
      return lines(element.text ?? "");
    case "link":
      return [link(element.url, element.text || element.url)];
    case "user":
      return [userMention(world, element.user_id)];
    case "usergroup":
      return [groupMention(world, element.usergroup_id)];
    case "channel":
      return [channelMention(world, element.channel_id)];
    case "broadcast":
      return [broadcast(element.range)];
    case "emoji":
      return [emoji(element.name, element.unicode)];
    case "date":
      return [moment(world, Number(element.timestamp), element.format, element.url, element.fallback)];
    case "color":
      return colour(element.value);
    case "team":
      return [h("span", { class: "mention" }, element.team_id)];
    default:
      return [h("span", { class: "unsupported" }, `unsupported: ${element.type}`)];
  }
}

function lines(value) {
  return String(value)
    .split("\n")
    .flatMap((line, index) => (index ? [h("br"), line] : [line]));
}

function colour(value) {
  const swatch = h("span", { class: "swatch" });
  if (/^#[0-9a-f]{3,8}$/i.test(value ?? "")) swatch.style.background = value;
  return [h("span", { class: "colour" }, String(value), swatch)];
}

const WRAPS = [
  ["code", "code"],
  ["bold", "b"],
  ["italic", "i"],
  ["strike", "s"],
  ["underline", "u"],
  ["highlight", "mark"],
];

function styled(nodes, style) {
  return WRAPS.filter(([name]) => style?.[name]).reduce((inside, [, tag]) => [h(tag, {}, inside)], nodes);
}
