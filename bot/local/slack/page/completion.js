// Completing @people, #channels, :emoji: and /commands while typing.

import { h } from "./dom.js";
import { avatar } from "./avatar.js";
import { emoji, emojiNames } from "./emoji.js";

const MOST = 8;
const TOKEN = /(^|\s)([@#:][\w+'-]*)$/;

/** Watches a textarea and offers completions in `host`; `handles(event)` is true when it used a key. */
export class Completion {
  constructor(app, area, host) {
    Object.assign(this, { app, area, host, offers: [], index: 0 });
    area.setAttribute("aria-autocomplete", "list");
    area.addEventListener("input", () => this.look());
    area.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  look() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    const token = /^\/[\w-]*$/.test(before) ? before : TOKEN.exec(before)?.[2];
    this.offers = token ? this.find(token).slice(0, MOST) : [];
    Object.assign(this, { token, index: 0 });
    this.draw();
  }

  find(token) {
    const { world } = this.app;
    const wanted = token.slice(1).toLowerCase();
    const fits = (...words) =>
      words.some((word) =>
        String(word ?? "")
          .toLowerCase()
          .includes(wanted),
      );
    switch (token[0]) {
      case "/":
        return world.commands
          .filter((one) => one.command.startsWith(token))
          .map((one) => ({
            insert: one.command,
            title: one.command,
            note: [one.usage_hint, one.description].filter(Boolean).join(" — "),
          }));
      case "#":
        return world
          .channels()
          .filter((one) => one.kind !== "dm" && fits(one.name))
          .map((one) => ({ insert: `#${one.name}`, title: `#${one.name}`, note: one.topic }));
      case ":":
        return wanted.length < 2
          ? []
          : emojiNames(wanted, MOST).map((name) => ({
              insert: `:${name}:`,
              title: `:${name}:`,
              mark: emoji(name),
            }));
      default:
        return this.mentions(fits);
    }
  }

  mentions(fits) {
    const { world } = this.app;
    const bots = world.people().sort((one, other) => Boolean(other.is_bot) - Boolean(one.is_bot));
    const users = bots
      .filter((one) => one.id !== world.me && fits(one.name, one.real_name))
      .map((one) => ({
        insert: `@${one.name}`,
        title: one.real_name,
        note: `@${one.name}${one.is_bot ? " · app" : ""}`,
        mark: avatar(one, "tiny"),
      }));
    const groups = [...world.groups.values()]
      .filter((one) => fits(one.handle, one.name))
      .map((one) => ({
        insert: `@${one.handle ?? one.name}`,
        title: `@${one.handle ?? one.name}`,
        note: one.name,
      }));
    const ranges = ["here", "channel"]
      .filter((one) => fits(one))
      .map((one) => ({ insert: `@${one}`, title: `@${one}`, note: "Notify people in this channel" }));
    return [...users, ...groups, ...ranges];
  }

  draw() {
    this.host.hidden = this.offers.length === 0;
    this.host.replaceChildren(
      ...this.offers.map((offer, index) =>
        h(
          "div",
          {
            role: "option",
            class: "completion",
            "aria-selected": String(index === this.index),
            on: {
              mousedown: (event) => {
                event.preventDefault();
                this.take(offer);
              },
            },
          },
          offer.mark ?? [],
          h("b", {}, offer.title),
          offer.note ? h("small", {}, offer.note) : [],
        ),
      ),
    );
  }

  handles(event) {
    if (this.host.hidden || !this.offers.length) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.index = (this.index + step + this.offers.length) % this.offers.length;
      this.draw();
    } else if (event.key === "Escape") this.close();
    else if (event.key === "Tab" || (event.key === "Enter" && this.offers[this.index].insert !== this.token))
      this.take(this.offers[this.index]);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  take(offer) {
    const { area, token } = this;
    const end = area.selectionStart;
    area.setRangeText(`${offer.insert} `, end - token.length, end, "end");
    area.dispatchEvent(new Event("input"));
    area.focus();
    this.close();
  }

  close() {
    this.offers = [];
    this.host.hidden = true;
  }
}
