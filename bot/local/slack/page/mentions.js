// People, groups, channels, broadcasts, dates and emoji inside running text.

import { emoji } from "./emoji.js";
import { h, link } from "./dom.js";

export function userMention(world, id) {
  const user = world.user(id);
  const mine = id === world.me ? " me" : "";
  return h(
    "span",
    { class: `mention${mine}`, title: user?.real_name },
    `@${user ? (user.is_bot ? user.name : user.real_name) || user.name : id}`,
  );
}

export function groupMention(world, id, label) {
  const group = world.group(id);
  const mine = group?.members?.includes(world.me) ? " me" : "";
  const name = group?.handle ?? group?.name ?? label?.replace(/^@/, "") ?? id;
  return h("span", { class: `mention${mine}`, title: group?.name }, `@${name}`);
}

export function broadcast(range) {
  return h("span", { class: "mention me" }, `@${range}`);
}

export function channelMention(world, id, label) {
  const channel = world.channel(id);
  if (!channel) return h("span", { class: "mention" }, `#${label || id}`);
  return h(
    "button",
    { type: "button", class: "mention channel-link", on: { click: () => world.open(id) } },
    `#${channel.name}`,
  );
}

/** A moment in the viewer's zone; the fallback where the template or the number is unusable. */
export function moment(world, seconds, template, address, fallback) {
  const usable = Number.isFinite(seconds) && template;
  const text = usable ? world.clock.template(seconds, template) : (fallback ?? "");
  const node = h("time", { title: usable ? world.clock.full(seconds) : undefined }, text);
  return address ? link(address, node) : node;
}

const REFERENCE = /^([@#])([A-Z0-9]+)(?:\|([^]*))?$/;

/** What stands between `<` and `>` in Slack's wire text. */
export function reference(world, inside, unescape) {
  const person = REFERENCE.exec(inside);
  if (person) {
    const [, sign, id, label] = person;
    return sign === "@" ? userMention(world, id) : channelMention(world, id, label);
  }
  if (inside.startsWith("!")) return special(world, inside.slice(1), unescape);
  const [address, ...label] = inside.split("|");
  const text = label.length ? label.join("|") : address.replace(/^mailto:/, "");
  return link(unescape(address), ...withEmoji(unescape(text)));
}

function special(world, inside, unescape) {
  const [command, ...rest] = inside.split("|");
  const label = rest.length ? unescape(rest.join("|")) : undefined;
  if (/^(here|channel|everyone)$/.test(command)) return broadcast(command);
  const [kind, ...parts] = command.split("^");
  if (kind === "subteam") return groupMention(world, parts[0], label);
  if (kind === "date")
    return moment(world, Number(parts[0]), parts[1], parts[2] && unescape(parts[2]), label);
  return h("span", {}, label ?? `<${command}>`);
}

const EMOJI = /:([a-z0-9_+'-]+)(?:::skin-tone-\d)?:/g;

/** Text with its known `:names:` replaced. */
export function withEmoji(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(EMOJI)) {
    nodes.push(text.slice(from, found.index), emoji(found[1]));
    from = found.index + found[0].length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}
