// A scrolling list of messages that touches only what changed and draws old ones when they are scrolled to.

import { h } from "./dom.js";
import { MessageView } from "./message.js";

const FIRST = 80;
const MORE = 80;
const GROUPED_WITHIN = 300;
const NEAR_END = 60;

/** `show(messages)` brings the list up to date; it stays at the end when the person is there. */
export class MessageList {
  constructor(app, { inThread = false, top = () => [] } = {}) {
    Object.assign(this, { app, inThread, top, limit: FIRST, views: new Map(), all: [] });
    this.older = h("button", {
      type: "button",
      class: "older text-button",
      on: { click: () => this.showOlder() },
    });
    this.start = h("div", { class: "list-start" });
    this.items = h("div", { class: "items" });
    this.newer = h(
      "button",
      { type: "button", class: "newer", hidden: true, on: { click: () => this.toEnd() } },
      "New messages ↓",
    );
    this.scroll = h(
      "div",
      { class: "message-list", tabindex: "-1", on: { scroll: () => this.scrolled() } },
      inThread ? [] : h("div", { class: "spacer" }),
      this.start,
      this.older,
      this.items,
    );
    this.node = h("div", { class: "list-frame" }, this.scroll, this.newer);
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(this.items);
    this.atEnd = true;
  }

  show(messages) {
    const grown = this.all.length && messages.at(-1)?.ts !== this.all.at(-1)?.ts;
    this.all = messages;
    if (grown && !this.atEnd) this.newer.hidden = false;
    const visible = messages.slice(-this.limit);
    const hidden = messages.length - visible.length;
    this.older.hidden = hidden === 0;
    this.older.textContent = `Show ${Math.min(hidden, MORE)} older of ${hidden}`;
    this.start.replaceChildren(...(hidden ? [] : [this.top()].flat()));
    this.arrange(visible);
    if (this.atEnd) this.toEnd();
  }

  /** Put the nodes into order, moving as few as possible. */
  arrange(visible) {
    const wanted = [];
    const kept = new Set(visible.map((message) => message.ts));
    let previous = null;
    for (const message of visible) {
      const day = this.app.world.clock.dayKey(Number(message.ts));
      const newDay = !previous || this.app.world.clock.dayKey(Number(previous.ts)) !== day;
      if (newDay && !this.inThread) wanted.push(this.divider(day, message));
      const view = this.view(message.ts);
      view.show(message, !newDay && together(previous, message));
      wanted.push(view.node);
      if (this.inThread && !previous && visible.length > 1) wanted.push(this.count(visible.length - 1));
      previous = message;
    }
    for (const [key, view] of this.views)
      if (!kept.has(key) && !key.startsWith("day")) this.forget(key, view);
    this.place(wanted);
  }

  place(wanted) {
    const keep = new Set(wanted);
    for (const node of [...this.items.children]) if (!keep.has(node)) node.remove();
    let at = this.items.firstChild;
    for (const node of wanted) {
      if (node === at) at = at.nextSibling;
      else this.items.insertBefore(node, at);
    }
  }

  view(ts) {
    if (!this.views.has(ts)) this.views.set(ts, new MessageView(this.app, { inThread: this.inThread }));
    return this.views.get(ts);
  }

  forget(key, view) {
    view.node.remove();
    this.views.delete(key);
  }

  /** Between a thread's first message and its replies. */
  count(replies) {
    this.replies ??= h("div", { class: "reply-divider" });
    this.replies.textContent = `${replies} ${replies === 1 ? "reply" : "replies"}`;
    return this.replies;
  }

  divider(day, message) {
    const key = `day-${day}`;
    const label = this.app.world.clock.day(Number(message.ts));
    if (!this.views.has(key)) this.views.set(key, { node: h("div", { class: "day" }, h("span", {}, label)) });
    return this.views.get(key).node;
  }

  showOlder() {
    const before = this.scroll.scrollHeight - this.scroll.scrollTop;
    this.limit += MORE;
    this.show(this.all);
    this.scroll.scrollTop = this.scroll.scrollHeight - before;
  }

  scrolled() {
    this.atEnd = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR_END;
    if (this.atEnd) this.newer.hidden = true;
    if (this.scroll.scrollTop < 80 && !this.older.hidden && !this.atEnd) this.showOlder();
  }

  toEnd() {
    this.atEnd = true;
    this.newer.hidden = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  flash(ts) {
    const node = this.views.get(ts)?.node;
    node?.scrollIntoView({ block: "center" });
    node?.classList.add("flash");
  }
}

/** Messages of one author within five minutes stand under one name, as in Slack. */
function together(previous, message) {
  const same = previous && previous.user === message.user && previous.bot_id === message.bot_id;
  const plain =
    !message.ephemeral_to && !previous?.ephemeral_to && !message.reply_count && !previous?.reply_count;
  return Boolean(same && plain && Number(message.ts) - Number(previous.ts) < GROUPED_WITHIN);
}
