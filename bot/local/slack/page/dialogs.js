// Dialogs of the page itself: the confirmation Slack shows before a risky button, and plain questions.

import { h, iconButton } from "./dom.js";
import { text } from "./mrkdwn.js";

/** Show a `confirm` object; resolves to true when the person agrees. */
export function confirmed(world, confirm) {
  return new Promise((resolve) => {
    const finish = (agreed) => () => {
      box.close();
      resolve(agreed);
    };
    const danger = confirm.style === "danger" ? "danger-solid" : "primary-solid";
    const box = dialog(
      "confirm",
      text(world, confirm.title ?? "Are you sure?"),
      [
        h("div", { class: "dialog-body" }, text(world, confirm.text ?? "")),
        h(
          "footer",
          { class: "dialog-foot" },
          h(
            "button",
            { type: "button", class: "button", data: { role: "deny" }, on: { click: finish(false) } },
            text(world, confirm.deny ?? "Cancel"),
          ),
          h(
            "button",
            {
              type: "button",
              class: `button ${danger}`,
              data: { role: "confirm" },
              on: { click: finish(true) },
            },
            text(world, confirm.confirm ?? "Yes"),
          ),
        ),
      ],
      finish(false),
    );
    box.querySelector("[data-role=confirm]").focus();
  });
}

/** A modal dialog with a title and a close button; `onClose` runs for the cross and for Escape. */
export function dialog(cls, title, content, onClose) {
  const close = iconButton("close", "Close", () => onClose());
  const box = h(
    "dialog",
    { class: `dialog ${cls}` },
    h("header", { class: "dialog-head" }, h("h2", {}, title), close),
    content,
  );
  box.addEventListener("cancel", (event) => {
    event.preventDefault();
    onClose();
  });
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/** The raw JSON of something, for developers. */
export function showSource(title, value) {
  const box = dialog(
    "source",
    title,
    h("div", { class: "dialog-body" }, h("pre", { class: "code-block" }, JSON.stringify(value, null, 2))),
    () => box.close(),
  );
}
