// One emoji as a node: drawn where it carries state, else a character, else its name.

import { h, s } from "./dom.js";
import { DRAWN } from "./emoji_drawn.js";
import { CHARACTERS, known, usableNames } from "./emoji_table.js";

const PROBE = "\u{1F422}";
let colourFont;

/** The node for an emoji name, or the literal `:name:` text when the page does not know it. */
export function emoji(name, unicode) {
  const own = known(name);
  const shapes = own && DRAWN[own];
  const label = `:${name}:`;
  if (shapes) {
    const drawing = shapes.map(([tag, attributes]) => s(tag, attributes));
    return h(
      "span",
      { class: "emoji", role: "img", "aria-label": label, title: label },
      s("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, drawing),
    );
  }
  const character = own ? CHARACTERS.get(own) : fromCodes(unicode);
  if (!character) return document.createTextNode(label);
  if (!hasColourFont()) return h("span", { class: "emoji named", title: label }, label);
  return h("span", { class: "emoji glyph", role: "img", "aria-label": label, title: label }, character);
}

function fromCodes(codes) {
  if (!/^[0-9a-f]{2,6}(-[0-9a-f]{2,6})*$/i.test(codes ?? "")) return null;
  return String.fromCodePoint(...codes.split("-").map((code) => Math.min(parseInt(code, 16), 0x10ffff)));
}

/** Whether this machine can show emoji characters: a drawn one leaves coloured pixels. */
function hasColourFont() {
  if (colourFont !== undefined) return colourFont;
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.font = "24px sans-serif";
  pen.fillText(PROBE, 2, 28);
  const { data } = pen.getImageData(0, 0, 40, 40);
  colourFont = data.some((value, at) => at % 4 === 0 && Math.abs(value - data[at + 1]) > 20);
  return colourFont;
}

/** Names that contain the words typed, best first. */
export function emojiNames(query, limit = 60) {
  const wanted = query.toLowerCase().replaceAll(":", "");
  const shown = (name) => wanted || hasColourFont() || DRAWN[known(name)];
  const names = usableNames().filter((name) => name.includes(wanted) && shown(name));
  return names.sort((a, b) => b.startsWith(wanted) - a.startsWith(wanted)).slice(0, limit);
}
