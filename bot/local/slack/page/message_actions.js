// What a person can do with a message: the bar on hover and its menu.

import { h, icon, iconButton } from "./dom.js";
import { emoji } from "./emoji.js";
import { confirmed, showSource } from "./dialogs.js";
import { menu } from "./popover.js";
import { pickReaction, toggle } from "./reactions.js";

const QUICK = ["white_check_mark", "+1", "eyes"];

export function toolbar(app, message, { inThread, edit }) {
  const react = iconButton("smile", "Add a reaction", () => pickReaction(app, message, react));
  const more = iconButton("more", "More actions", () =>
    menu(more, rows(app, message, edit), { align: "end" }),
  );
  const quick = QUICK.map((name) =>
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": `React with ${name}`,
        title: `:${name}:`,
        on: { click: () => toggleOwn(app, message, name) },
      },
      emoji(name),
    ),
  );
  const reply = iconButton("reply", "Reply in thread", () =>
    app.openThread(message.channel, message.thread_ts ?? message.ts),
  );
  const offered = message.ephemeral_to ? [more] : [quick, react, inThread ? [] : reply, more];
  return h("div", { class: "toolbar", role: "toolbar", "aria-label": "Message actions" }, offered.flat());
}

function toggleOwn(app, message, name) {
  const mine =
    message.reactions?.some((one) => one.name === name && one.users.includes(app.world.me)) ?? false;
  return toggle(app, message, name, mine);
}

function rows(app, message, edit) {
  const { world } = app;
  const where = { channel: message.channel, ts: message.ts };
  const shortcuts = world.shortcuts
    .filter((one) => one.type === "message")
    .map((one) => ({
      label: one.name,
      hint: world.bot?.name,
      icon: icon("bolt"),
      run: () => app.act({ do: "shortcut", callback_id: one.callback_id, ...where }),
    }));
  const own =
    message.user === world.me && !message.ephemeral_to
      ? [
          { label: "Edit message", icon: icon("edit"), run: edit },
          { label: "Delete message…", icon: icon("trash"), danger: true, run: () => remove(app, where) },
        ]
      : [];
  const always = [
    { label: "Copy link", icon: icon("link"), run: () => app.copyLink(message) },
    { label: "Show JSON", icon: icon("code"), run: () => showSource("Message as JSON", message) },
  ];
  return [
    ...(message.ephemeral_to ? [] : shortcuts),
    ...(shortcuts.length && !message.ephemeral_to ? [null] : []),
    ...always,
    ...(own.length ? [null, ...own] : []),
  ];
}

async function remove(app, where) {
  const plain = (text) => ({ type: "plain_text", text });
  const agreed = await confirmed(app.world, {
    title: plain("Delete message"),
    text: plain("Delete this message? This cannot be undone."),
    confirm: plain("Delete"),
    deny: plain("Cancel"),
    style: "danger",
  });
  if (agreed) app.act({ do: "delete", ...where });
}
