// The `markdown` block: standard Markdown as nodes, one pass over lines, then over each line.

import { h, link } from "./dom.js";
import { reference, withEmoji } from "./mentions.js";
import { unescape } from "./mrkdwn.js";

const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const RULE = /^ {0,3}([-*_])( *\1){2,} *$/;
const DIVISION = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** Markdown text as block nodes. */
export function markdown(world, value) {
  return new Lines(world, String(value).replaceAll("\r\n", "\n").split("\n")).blocks();
}

class Lines {
  constructor(world, lines) {
    this.world = world;
    this.lines = lines;
    this.at = 0;
  }

  get line() {
    return this.lines[this.at];
  }

  get done() {
    return this.at >= this.lines.length;
  }

  blocks() {
    const nodes = [];
    while (!this.done) {
      if (!this.line.trim()) this.at++;
      else nodes.push(this.block());
    }
    return nodes;
  }

  block() {
    const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(this.line);
    if (heading) {
      this.at++;
      return h(
        `h${Math.min(heading[1].length + 2, 6)}`,
        { class: `md-heading level-${heading[1].length}` },
        inline(this.world, heading[2]),
      );
    }
    if (/^ {0,3}(```|~~~)/.test(this.line)) return this.fence();
    if (RULE.test(this.line)) return (this.at++, h("hr"));
    if (/^ {0,3}>/.test(this.line)) return this.quote();
    if (ITEM.test(this.line)) return this.list(indent(this.line));
    if (this.line.includes("|") && DIVISION.test(this.lines[this.at + 1] ?? "")) return this.table();
    return this.paragraph();
  }

  fence() {
    const mark = this.line.trim().slice(0, 3);
    const body = [];
    for (this.at++; !this.done && !this.line.trim().startsWith(mark); this.at++) body.push(this.line);
    this.at++;
    return h("pre", { class: "code-block" }, body.join("\n"));
  }

  quote() {
    const inside = [];
    for (; !this.done && /^ {0,3}>/.test(this.line); this.at++)
      inside.push(this.line.replace(/^ {0,3}> ?/, ""));
    return h("blockquote", {}, new Lines(this.world, inside).blocks());
  }

  list(depth) {
    const ordered = /\d/.test(ITEM.exec(this.line)[2]);
    const start = ordered ? parseInt(ITEM.exec(this.line)[2], 10) : undefined;
    const list = h(ordered ? "ol" : "ul", { class: "md-list", start });
    while (!this.done) {
      const item = ITEM.exec(this.line);
      if (!item || indent(this.line) < depth || /\d/.test(item[2]) !== ordered) break;
      if (indent(this.line) > depth + 1 && list.lastChild)
        list.lastChild.append(this.list(indent(this.line)));
      else list.append(this.item(item[3]));
    }
    return list;
  }

  item(value) {
    this.at++;
    const task = /^\[([ xX])\]\s+(.*)$/.exec(value);
    const node = h("li", { class: task ? "task" : undefined });
    if (task) node.append(h("input", { type: "checkbox", disabled: true, checked: task[1] !== " " }), " ");
    node.append(...inline(this.world, task ? task[2] : value));
    while (!this.done && /^\s+\S/.test(this.line) && !ITEM.test(this.line))
      node.append(" ", ...inline(this.world, this.lines[this.at++].trim()));
    return node;
  }

  table() {
    const aligned = cells(this.lines[this.at + 1]).map((cell) =>
      cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : "left",
    );
    const row = (tag) =>
      h(
        "tr",
        {},
        cells(this.line).map((cell, column) =>
          h(tag, { class: `align-${aligned[column] ?? "left"}` }, inline(this.world, cell)),
        ),
      );
    const head = h("thead", {}, row("th"));
    const body = h("tbody");
    for (this.at += 2; !this.done && this.line.includes("|"); this.at++) body.append(row("td"));
    return h("div", { class: "table-frame" }, h("table", { class: "table" }, head, body));
  }

  paragraph() {
    const node = h("p");
    while (!this.done && this.line.trim()) {
      if (node.childNodes.length) {
        if (this.startsBlock()) break;
        node.append(h("br"));
      }
      node.append(...inline(this.world, this.line.trim()));
      this.at++;
    }
    return node;
  }

  startsBlock() {
    return /^ {0,3}(#{1,6}\s|```|~~~|>)/.test(this.line) || ITEM.test(this.line) || RULE.test(this.line);
  }
}

function indent(line) {
  return /^\s*/.exec(line)[0].replaceAll("\t", "    ").length;
}

function cells(line) {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

const INLINE = [
  [/^\\([\\`*_{}[\]()#+.!~|<>-])/, (world, [, sign]) => sign],
  [/^(`+)([^]*?[^`])\1(?!`)/, (world, found) => h("code", {}, found[2].trim())],
  [
    /^!?\[([^\]]*)\]\(\s*<?((?:[^\s()<>]|\([^\s()]*\))+)>?(?:\s+"[^"]*")?\s*\)/,
    (world, found) => link(found[2], inline(world, found[1] || found[2])),
  ],
  [/^(\*\*|__)(?=\S)([^]*?\S)\1/, (world, found) => h("b", {}, inline(world, found[2]))],
  [/^~~(?=\S)([^]*?\S)~~/, (world, found) => h("s", {}, inline(world, found[1]))],
  [/^([*_])(?=\S)([^]*?[^\s*_])\1(?![\p{L}\p{N}])/u, (world, found) => h("i", {}, inline(world, found[2]))],
  [
    /^<([@#!][^<>\n]+|https?:[^<>\s]+|mailto:[^<>\s]+)>/,
    (world, found) => reference(world, found[1], unescape),
  ],
  [/^https?:\/\/[^\s<>()]+[^\s<>().,;:!?"']/, (world, [found]) => link(found, found)],
];

/** One line's worth of Markdown as nodes. */
function inline(world, value) {
  const nodes = [];
  let literal = "";
  for (let at = 0; at < value.length;) {
    const wordBefore = /[\p{L}\p{N}]/u.test(value[at - 1] ?? "");
    const found = match(world, value.slice(at), wordBefore);
    if (found) {
      nodes.push(...withEmoji(unescape(literal)), found.node);
      literal = "";
      at += found.length;
    } else literal += value[at++];
  }
  nodes.push(...withEmoji(unescape(literal)));
  return nodes;
}

function match(world, rest, wordBefore) {
  if (!/^[\\`!*_~<h[]/.test(rest)) return null;
  if (wordBefore && /^[_h]/.test(rest)) return null;
  for (const [pattern, build] of INLINE) {
    const found = pattern.exec(rest);
    if (found) return { node: build(world, found), length: found[0].length };
  }
  return null;
}
