// The stack of modals the app has opened for this person: only the top one shows.

import { h, iconButton } from "./dom.js";
import { avatar } from "./avatar.js";
import { patchBlocks } from "./blocks/index.js";
import { closePopover } from "./popover.js";
import { plain } from "./mrkdwn.js";
import { Inputs, viewSurface } from "./surface.js";

export class Modals {
  constructor(app) {
    Object.assign(this, { app, stack: [] });
    app.world.addEventListener("change", ({ detail }) => this.take(detail));
  }

  take(event) {
    switch (event.type) {
      case "view_opened":
        return this.reset([this.layer(event.view)]);
      case "view_pushed":
        return this.reset([...this.stack, this.layer(event.view)]);
      case "view_updated":
        return this.update(event.view);
      case "view_errors":
        return this.errors(event.view_id, event.errors ?? {});
      case "view_closed":
        return this.closed(event);
      default:
        return undefined;
    }
  }

  layer(view) {
    return { view, surface: viewSurface(this.app, "modal", view) };
  }

  /** The stack as the server knows it, after a reload. */
  restore(views) {
    this.reset(views.map((view) => this.layer(view)));
  }

  get top() {
    return this.stack.at(-1);
  }

  reset(stack) {
    this.stack = stack;
    this.show();
  }

  update(view) {
    const layer = this.stack.find(
      (one) => one.view.id === view.id || (view.external_id && one.view.external_id === view.external_id),
    );
    if (!layer) return;
    const ids = new Set(view.blocks.map((block) => block.block_id));
    const typed = Object.fromEntries(
      Object.entries(layer.surface.state.values).filter(([id]) => ids.has(id)),
    );
    layer.view = view;
    Object.assign(layer.surface.state, new Inputs(view.id, { ...(view.state?.values ?? {}), ...typed }));
    if (layer === this.top) this.show();
  }

  closed({ view_id: id, all }) {
    const at = this.stack.findIndex((one) => one.view.id === id);
    if (all || id === undefined) this.reset([]);
    else if (at >= 0) this.reset(this.stack.slice(0, at));
  }

  errors(id, errors) {
    if (!this.top || (id && this.top.view.id !== id)) return;
    this.working(false);
    for (const place of this.box.querySelectorAll(".field-error")) place.replaceChildren();
    for (const input of this.box.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    let first = null;
    for (const [block, message] of Object.entries(errors)) {
      const frame = this.box.querySelector(`[data-input="${CSS.escape(block)}"]`);
      frame?.querySelector(".field-error").replaceChildren(String(message));
      const control = frame?.querySelector("input, textarea, button");
      control?.setAttribute("aria-invalid", "true");
      first ??= control;
    }
    first?.focus();
  }

  show() {
    closePopover();
    if (!this.top) {
      this.box?.close();
      this.box = null;
      return;
    }
    const sameView = this.box && this.shown === this.top;
    if (!this.box) this.build();
    this.draw(sameView);
  }

  build() {
    this.box = h("dialog", { class: "dialog modal" });
    this.box.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    this.box.addEventListener("close", (event) => event.target.remove());
    document.body.append(this.box);
    this.body = null;
  }

  draw(sameView) {
    const { view, surface } = this.top;
    const bot = this.app.world.bot;
    const back =
      this.stack.length > 1
        ? iconButton("left", "Back", () => this.close(), "modal-back")
        : avatar(bot, "small");
    const depth =
      this.stack.length > 1 ? h("span", { class: "modal-depth" }, `${this.stack.length} of 3`) : [];
    const head = h(
      "header",
      { class: "dialog-head" },
      back,
      h("h2", {}, plain(view.title?.text ?? "")),
      depth,
      iconButton("close", "Close", () => this.close()),
    );
    if (!sameView) this.body = h("div", { class: "dialog-body blocks" });
    patchBlocks(this.body, surface, view.blocks ?? []);
    this.form = h(
      "form",
      {
        class: "modal-form",
        novalidate: true,
        on: {
          submit: (event) => {
            event.preventDefault();
            this.submit();
          },
        },
      },
      head,
      this.body,
      this.foot(view),
    );
    this.box.replaceChildren(this.form);
    this.shown = this.top;
    if (!this.box.open) this.box.showModal();
    if (!sameView)
      (
        this.body.querySelector("[autofocus]") ??
        this.body.querySelector("input:not([type=checkbox]):not([type=radio]), textarea")
      )?.focus();
  }

  foot(view) {
    const needsSubmit = view.submit || (view.blocks ?? []).some((block) => block.type === "input");
    this.sender = needsSubmit
      ? h(
          "button",
          { type: "submit", class: "button primary-solid", data: { role: "submit" } },
          h("span", { class: "button-text" }, plain(view.submit?.text ?? "Submit")),
        )
      : null;
    return h(
      "footer",
      { class: "dialog-foot" },
      h("p", { class: "modal-error", role: "alert" }),
      h(
        "button",
        { type: "button", class: "button", on: { click: () => this.close() } },
        plain(view.close?.text ?? (needsSubmit ? "Cancel" : "Close")),
      ),
      this.sender ?? [],
    );
  }

  close() {
    if (this.top) this.app.act({ do: "close", view_id: this.top.view.id });
  }

  working(on) {
    this.sender?.classList.toggle("busy", on);
    if (this.sender) this.sender.disabled = on;
  }

  async submit() {
    const layer = this.top;
    const missing = this.missing(layer);
    if (Object.keys(missing).length) return this.errors(layer.view.id, missing);
    this.errors(layer.view.id, {});
    this.say("");
    this.working(true);
    const answer = await this.app.act(
      { do: "submit", view_id: layer.view.id, values: layer.surface.state.values },
      { quiet: true },
    );
    if (layer !== this.top) return;
    this.working(false);
    if (answer.errors) this.errors(layer.view.id, answer.errors);
    else if (!answer.ok || answer.acked === false) this.say("We had some trouble connecting. Try again?");
  }

  /** Slack itself refuses to send a form whose required inputs are empty. */
  missing({ view, surface }) {
    const empty = (view.blocks ?? []).filter(
      (block) =>
        block.type === "input" &&
        !block.optional &&
        isEmpty(surface.state.get(block.block_id, block.element?.action_id)),
    );
    return Object.fromEntries(empty.map((block) => [block.block_id, "Please complete this required field."]));
  }

  say(message) {
    this.form.querySelector(".modal-error").textContent = message;
  }
}

function isEmpty(state) {
  if (!state) return true;
  const { type, ...values } = state;
  return Object.values(values).every(
    (value) => value === null || value === undefined || value === "" || value.length === 0,
  );
}
