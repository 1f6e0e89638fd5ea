// Where a person writes: Enter sends, Shift+Enter breaks the line, a leading slash runs a command.

import { h, iconButton } from "./dom.js";
import { Completion } from "./completion.js";
import { pickEmoji } from "./reactions.js";

const MARKS = [
  ["B", "Bold", "*", "mark-bold"],
  ["I", "Italic", "_", "mark-italic"],
  ["S", "Strikethrough", "~", "mark-strike"],
];
const MOST_HEIGHT = 260;

/** `place()` says where to post: `{channel, thread_ts?, label}`. */
export class Composer {
  constructor(app, place) {
    Object.assign(this, { app, place, drafts: new Map() });
    this.area = h("textarea", {
      class: "composer-text",
      rows: 1,
      "aria-label": "Message",
      on: { input: () => this.changed(), keydown: (event) => this.key(event) },
    });
    this.offers = h("div", {
      class: "completions",
      role: "listbox",
      "aria-label": "Suggestions",
      hidden: true,
    });
    this.completion = new Completion(app, this.area, this.offers);
    this.picker = h("input", { type: "file", hidden: true, on: { change: () => this.upload() } });
    this.send = iconButton("send", "Send", () => this.submit(), "send");
    this.smile = iconButton("smile", "Emoji", () =>
      pickEmoji(this.smile, (name) => this.insert(`:${name}: `)),
    );
    const marks = MARKS.map(([label, name, sign, cls]) =>
      h(
        "button",
        {
          type: "button",
          class: `icon-button ${cls}`,
          "aria-label": name,
          title: name,
          on: { click: () => this.wrap(sign) },
        },
        label,
      ),
    );
    this.node = h(
      "div",
      { class: "composer" },
      this.offers,
      h(
        "div",
        { class: "composer-box" },
        h(
          "div",
          { class: "composer-marks" },
          marks,
          iconButton("code", "Code", () => this.wrap("`")),
          iconButton("block", "Code block", () => this.wrap("```\n", "\n```")),
          iconButton("quote", "Quote", () => this.wrap("> ", "")),
        ),
        this.area,
        h(
          "div",
          { class: "composer-tools" },
          iconButton("plus", "Attach a text file", () => this.picker.click(), "attach"),
          this.smile,
          iconButton("at", "Mention someone", () => this.insert("@"), "mention-button"),
          h("span", { class: "grow" }),
          this.send,
        ),
      ),
      this.picker,
    );
    this.changed();
  }

  /** Switch to another place, keeping what was being written here. */
  moved() {
    const { channel, thread_ts: thread = "", label } = this.place();
    const key = `${channel}/${thread}`;
    if (key === this.key_) return;
    if (this.key_) this.drafts.set(this.key_, this.area.value);
    this.key_ = key;
    this.area.value = this.drafts.get(key) ?? "";
    this.area.placeholder = label;
    this.area.setAttribute("aria-label", label);
    this.changed();
  }

  changed() {
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight || 22, MOST_HEIGHT)}px`;
    this.send.disabled = !this.area.value.trim();
  }

  key(event) {
    if (this.completion.handles(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && !this.area.value) this.app.editLast(this.place());
  }

  async submit() {
    const value = this.area.value.trim();
    if (!value) return;
    this.area.value = "";
    this.changed();
    const answer = await this.post(value);
    if (!answer.ok && !this.area.value) {
      this.area.value = value;
      this.changed();
    }
  }

  post(value) {
    const { channel, thread_ts } = this.place();
    const [command, ...rest] = value.split(" ");
    const known = this.app.world.commands.some((one) => one.command === command);
    if (known && thread_ts) {
      this.app.toast("Slash commands do not work in threads. Mention the app instead.");
      return Promise.resolve({ ok: false });
    }
    if (known) return this.app.act({ do: "slash", command, text: rest.join(" "), channel });
    return this.app.act({ do: "post", channel, text: value, ...(thread_ts ? { thread_ts } : {}) });
  }

  insert(value) {
    this.area.setRangeText(value, this.area.selectionStart, this.area.selectionEnd, "end");
    this.area.focus();
    this.area.dispatchEvent(new Event("input"));
  }

  wrap(before, after = before) {
    const { selectionStart: from, selectionEnd: to, value } = this.area;
    this.area.setRangeText(`${before}${value.slice(from, to)}${after}`, from, to, "end");
    if (from === to) this.area.selectionStart = this.area.selectionEnd = from + before.length;
    this.area.focus();
    this.changed();
  }

  async upload() {
    const [file] = this.picker.files;
    if (file)
      await this.app.act({
        do: "upload",
        ...this.place(),
        label: undefined,
        name: file.name,
        content: await file.text(),
      });
    this.picker.value = "";
  }
}
