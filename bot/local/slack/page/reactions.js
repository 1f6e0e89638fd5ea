// Reaction pills, and the picker that adds one.

import { h, icon } from "./dom.js";
import { emoji, emojiNames } from "./emoji.js";
import { closePopover, popover } from "./popover.js";

const FREQUENT = ["white_check_mark", "+1", "x", "-1", "eyes", "heavy_plus_sign", "tada"];

/** The pills of a message; pressing one adds or withdraws one's own. */
export function reactionBar(app, message) {
  if (!message.reactions?.length) return [];
  const { world } = app;
  const pills = message.reactions.map(({ name, users = [], count }) => {
    const mine = users.includes(world.me);
    const who = users.map((id) => (id === world.me ? "You" : (world.user(id)?.real_name ?? id))).join(", ");
    return h(
      "button",
      {
        type: "button",
        class: `pill${mine ? " mine" : ""}`,
        "aria-pressed": String(mine),
        "aria-label": `${name}, ${count ?? users.length}: ${who}`,
        title: `${who} reacted with :${name}:`,
        data: { reaction: name },
        on: { click: () => toggle(app, message, name, mine) },
      },
      emoji(name),
      h("span", {}, String(count ?? users.length)),
    );
  });
  const add = h(
    "button",
    {
      type: "button",
      class: "pill add",
      "aria-label": "Add a reaction",
      title: "Add a reaction",
      on: { click: () => pickReaction(app, message, add) },
    },
    icon("smile"),
  );
  return h("div", { class: "reactions" }, pills, add);
}

export function toggle(app, message, name, mine) {
  return app.act({ do: mine ? "unreact" : "react", channel: message.channel, ts: message.ts, name });
}

/** Open the picker; the choice is added to the message. */
export function pickReaction(app, message, anchor) {
  pickEmoji(anchor, (name) => {
    const mine = message.reactions?.some((one) => one.name === name && one.users?.includes(app.world.me));
    if (!mine) toggle(app, message, name, false);
  });
}

/** A small picker with search; calls `onPick(name)`. */
export function pickEmoji(anchor, onPick) {
  const grid = h("div", { class: "emoji-grid" });
  const search = h("input", {
    type: "text",
    class: "filter",
    placeholder: "Search emoji",
    "aria-label": "Search emoji",
    on: { input: () => show() },
  });
  const cell = (name) =>
    h(
      "button",
      {
        type: "button",
        class: "emoji-cell",
        "aria-label": name,
        title: `:${name}:`,
        data: { emoji: name },
        on: {
          click: () => {
            closePopover();
            onPick(name);
          },
        },
      },
      emoji(name),
    );
  const show = () =>
    grid.replaceChildren(
      ...(search.value ? emojiNames(search.value) : [...new Set([...FREQUENT, ...emojiNames("", 200)])]).map(
        cell,
      ),
    );
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") grid.querySelector("button")?.click();
  });
  show();
  popover(anchor, h("div", { class: "emoji-picker" }, search, grid), { cls: "emoji-popover", align: "end" });
  search.focus();
}
