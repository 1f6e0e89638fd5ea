// Editing one's own message in place.

import { h } from "./dom.js";

/** The box that replaces the text; `done` runs after saving or giving up. */
export function editor(app, message, done) {
  const area = h("textarea", {
    class: "edit-area",
    rows: 2,
    "aria-label": "Edit message",
    value: asTyped(app.world, message.text ?? ""),
  });
  const save = async () => {
    const answer = await app.act({ do: "edit", channel: message.channel, ts: message.ts, text: area.value });
    if (answer.ok) done();
  };
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      done();
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      save();
    }
  });
  return h(
    "div",
    { class: "edit-box" },
    area,
    h(
      "div",
      { class: "edit-buttons" },
      h("button", { type: "button", class: "button", on: { click: done } }, "Cancel"),
      h("button", { type: "button", class: "button primary-solid", on: { click: save } }, "Save"),
    ),
  );
}

/** Wire text back to what a person would type. */
function asTyped(world, text) {
  return text
    .replace(/<@(\w+)(?:\|[^>]*)?>/g, (whole, id) => (world.user(id) ? `@${world.user(id).name}` : whole))
    .replace(/<#(\w+)(?:\|[^>]*)?>/g, (whole, id) =>
      world.channel(id) ? `#${world.channel(id).name}` : whole,
    )
    .replace(/<!subteam\^(\w+)(?:\|[^>]*)?>/g, (whole, id) =>
      world.group(id) ? `@${world.group(id).handle ?? world.group(id).name}` : whole,
    )
    .replace(/<!(here|channel|everyone)(?:\|[^>]*)?>/g, "@$1")
    .replace(/<(https?:[^|>]+)(?:\|[^>]*)?>/g, "$1")
    .replace(/&(amp|lt|gt);/g, (whole, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);
}
