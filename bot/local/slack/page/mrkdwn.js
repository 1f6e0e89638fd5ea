// Slack's own markup: *bold*, _italic_, ~strike~, `code`, fences, quotes, <references> and :emoji:.

import { h, link } from "./dom.js";
import { reference, withEmoji } from "./mentions.js";

const STYLES = { "*": "b", _: "i", "~": "s" };
const ENTITY = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const URL_HERE = /^https?:\/\/[^\s<>|]+[^\s<>|.,;:!?"')\]}]/;

/** Undo Slack's three escapes. */
export function unescape(text) {
  return text.replace(/&(amp|lt|gt);/g, (entity) => ENTITY[entity]);
}

/** A text object (`plain_text` or `mrkdwn`) or a bare string as nodes. */
export function text(world, object) {
  if (typeof object === "string") return mrkdwn(world, object);
  if (!object) return [];
  if (object.type === "plain_text") return plain(object.text ?? "", object.emoji !== false);
  return mrkdwn(world, object.text ?? "", { bare: !object.verbatim });
}

/** Text without markup; emoji names become emoji unless switched off. */
export function plain(value, emojis = true) {
  const nodes = [];
  for (const [index, line] of String(value).split("\n").entries()) {
    if (index) nodes.push(h("br"));
    nodes.push(...(emojis ? withEmoji(line) : [line]));
  }
  return nodes;
}

/** Markup as nodes. `bare` also links addresses written without brackets. */
export function mrkdwn(world, value, { bare = true } = {}) {
  const reader = new Reader(world, bare);
  return String(value)
    .split(/(```[^]*?```)/)
    .flatMap((part, index, all) => {
      if (part.startsWith("```") && part.length >= 6) return [fence(world, part.slice(3, -3))];
      const after = all[index - 1]?.startsWith("```") ? part.replace(/^\n/, "") : part;
      return after ? reader.paragraphs(after) : [];
    });
}

function fence(world, inside) {
  const body = inside.replace(/^\n/, "").replace(/\n$/, "");
  const nodes = body
    .split(/(<[^<>\n]+>)/)
    .map((part) =>
      /^<[^<>\n]+>$/.test(part) ? reference(world, part.slice(1, -1), unescape) : unescape(part),
    );
  return h("pre", { class: "code-block" }, nodes);
}

class Reader {
  constructor(world, bare) {
    this.world = world;
    this.bare = bare;
  }

  /** Lines, with runs of quoted lines gathered into one quote. */
  paragraphs(value) {
    const nodes = [];
    let quote = null;
    let open = false;
    for (const line of value.split("\n")) {
      const rest = /^(?:&gt;|>)(&gt;&gt;|>>)? ?([^]*)$/.exec(line);
      if (rest?.[1]) open = true;
      if (!open && !rest) {
        if (nodes.length && !quote) nodes.push(h("br"));
        quote = null;
        nodes.push(...this.inline(line));
        continue;
      }
      if (quote) quote.append(h("br"));
      else nodes.push((quote = h("blockquote")));
      quote.append(...this.inline(rest ? rest[2] : line));
    }
    return nodes;
  }

  inline(value) {
    const nodes = [];
    let literal = "";
    const flush = () => {
      if (literal) nodes.push(...withEmoji(unescape(literal)));
      literal = "";
    };
    for (let at = 0; at < value.length;) {
      const found = this.special(value, at);
      if (found) {
        flush();
        nodes.push(found.node);
        at = found.end;
      } else literal += value[at++];
    }
    flush();
    return nodes;
  }

  special(value, at) {
    const sign = value[at];
    if (sign === "<") return this.bracket(value, at);
    if (sign === "`") return this.code(value, at);
    if (STYLES[sign]) return this.styled(value, at, sign);
    return sign === "h" && this.bare && !isWord(value[at - 1]) ? this.address(value, at) : null;
  }

  bracket(value, at) {
    const end = value.indexOf(">", at);
    const inside = end < 0 ? "" : value.slice(at + 1, end);
    if (!/^([@#!]|https?:|mailto:|tel:|[a-z][a-z0-9+.-]*:)/i.test(inside)) return null;
    return { node: reference(this.world, inside, unescape), end: end + 1 };
  }

  code(value, at) {
    const end = value.indexOf("`", at + 1);
    if (end <= at + 1) return null;
    return { node: h("code", {}, unescape(value.slice(at + 1, end))), end: end + 1 };
  }

  styled(value, at, sign) {
    if (isWord(value[at - 1]) || /\s|^$/.test(value[at + 1] ?? "") || value[at + 1] === sign) return null;
    const end = closing(value, at + 1, sign);
    if (end < 0) return null;
    return { node: h(STYLES[sign], {}, this.inline(value.slice(at + 1, end))), end: end + 1 };
  }

  address(value, at) {
    const found = URL_HERE.exec(value.slice(at));
    return found && { node: link(unescape(found[0]), unescape(found[0])), end: at + found[0].length };
  }
}

function isWord(character) {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character);
}

/** Where a style ends: outside code and references, after a non-space, before a non-word. */
function closing(value, from, sign) {
  for (let at = from; at < value.length; at++) {
    const character = value[at];
    const partner = character === "`" ? "`" : character === "<" ? ">" : null;
    if (partner) {
      const end = value.indexOf(partner, at + 1);
      if (end > 0) at = end;
    } else if (character === sign && at > from && !/\s/.test(value[at - 1]) && !isWord(value[at + 1]))
      return at;
  }
  return -1;
}
