// One message: avatar, name, time, body, files, reactions and the reply bar; patched in place when it changes.

import { h, icon } from "./dom.js";
import { ago } from "./dates.js";
import { avatar } from "./avatar.js";
import { mrkdwn } from "./mrkdwn.js";
import { attachments } from "./attachments.js";
import { patchBlocks } from "./blocks/index.js";
import { messageSurface } from "./surface.js";
import { files } from "./files.js";
import { reactionBar } from "./reactions.js";
import { toolbar } from "./message_actions.js";
import { editor } from "./message_edit.js";

/** A live message node: `show(message, compact)` brings it up to date. */
export class MessageView {
  constructor(app, { inThread = false } = {}) {
    Object.assign(this, { app, inThread });
    this.side = h("div", { class: "side" });
    this.head = h("div", { class: "message-head" });
    this.note = h("div", { class: "message-note" });
    this.text = h("div", { class: "text message-text" });
    this.blocks = h("div", { class: "blocks" });
    this.extra = h("div", { class: "extra" });
    this.foot = h("div", { class: "message-foot" });
    this.node = h(
      "article",
      { class: "message", on: { pointerenter: () => this.tools(), focusin: () => this.tools() } },
      this.note,
      this.side,
      h("div", { class: "message-body" }, this.head, this.text, this.blocks, this.extra, this.foot),
    );
    this.node.addEventListener("pointerleave", () => this.hideTools());
    this.node.addEventListener("focusout", ({ relatedTarget }) => this.leave(relatedTarget));
  }

  show(message, compact) {
    const { world } = this.app;
    const status = world.statuses.get(`${message.channel}/${message.ts}`) ?? "";
    if (this.shown === message && this.compact === compact && this.status === status) return;
    const before = this.shown;
    Object.assign(this, { shown: message, compact, status });
    this.surface ??= messageSurface(this.app, message);
    this.node.id = `${this.inThread ? "t" : "m"}-${message.ts}`;
    this.node.dataset.ts = message.ts;
    this.node.classList.toggle("compact", compact);
    this.node.classList.toggle("ephemeral", Boolean(message.ephemeral_to));
    this.node.classList.toggle("mentions-me", mentions(world, message));
    this.showAuthor(message, compact);
    if (!this.editing) this.showBody(message, before);
    this.showFoot(message);
    this.leave(document.activeElement);
  }

  showAuthor(message, compact) {
    const { world } = this.app;
    const author = world.author(message);
    const seconds = Number(message.ts);
    const time = h("time", { class: "stamp", title: world.clock.full(seconds) }, world.clock.time(seconds));
    this.note.hidden = !message.ephemeral_to;
    this.note.replaceChildren(icon("eye"), "Only visible to you");
    this.side.replaceChildren(compact ? time : avatar(author));
    this.head.hidden = compact;
    const badge = author.is_bot
      ? h("span", { class: "badge" }, "APP")
      : author.is_restricted
        ? h("span", { class: "badge guest" }, "GUEST")
        : author.is_stranger
          ? h("span", { class: "badge guest" }, "EXTERNAL")
          : [];
    this.head.replaceChildren(
      ...[
        h("b", { class: "author" }, author.is_bot ? author.name : author.real_name),
        badge,
        compact ? [] : time,
      ].flat(),
    );
  }

  showBody(message, before) {
    const { world } = this.app;
    const edited = message.edited ? h("span", { class: "edited" }, "(edited)") : [];
    const cursor = message.streaming ? h("span", { class: "cursor", "aria-label": "still writing" }) : [];
    const plain = !message.blocks?.length;
    this.text.hidden = !plain;
    this.text.replaceChildren(
      ...(plain ? [mrkdwn(world, message.text ?? ""), " ", edited, cursor].flat() : []),
    );
    patchBlocks(this.blocks, this.surface, message.blocks ?? []);
    this.blocks.classList.toggle("was-edited", Boolean(message.edited && !plain));
    this.blocks.classList.toggle("streaming", Boolean(message.streaming && !plain));
    const outside = JSON.stringify([world.me, message.attachments, message.files]);
    if (before && this.outside === outside) return;
    this.outside = outside;
    this.extra.replaceChildren(
      ...attachments(this.surface, message.attachments ?? []),
      ...files(message.files ?? []),
    );
  }

  showFoot(message) {
    const reactions = reactionBar(this.app, message);
    const working =
      this.status && !this.inThread
        ? h("div", { class: "working" }, `${this.app.world.bot?.name} ${this.status}`)
        : [];
    this.foot.replaceChildren(...[reactions, this.replyBar(message), working].flat());
  }

  replyBar(message) {
    if (this.inThread || !message.reply_count) return [];
    const { app } = this;
    const replies = app.world.thread(message.channel, message.ts).filter((one) => one.ts !== message.ts);
    const faces = [
      ...new Map(replies.map((one) => [app.world.author(one).id, app.world.author(one)])).values(),
    ].slice(0, 5);
    const last = replies.at(-1);
    const count = message.reply_count;
    return h(
      "button",
      {
        type: "button",
        class: "reply-bar",
        on: { click: () => app.openThread(message.channel, message.ts) },
      },
      faces.map((person) => avatar(person, "tiny")),
      h("span", { class: "reply-count" }, `${count} ${count === 1 ? "reply" : "replies"}`),
      last ? h("span", { class: "reply-last" }, `Last reply ${ago(Number(last.ts))}`) : [],
      h("span", { class: "reply-open" }, "View thread"),
      icon("right"),
    );
  }

  tools() {
    if (this.bar || this.editing || !this.shown) return;
    this.bar = toolbar(this.app, this.shown, { inThread: this.inThread, edit: () => this.edit() });
    this.node.append(this.bar);
  }

  /** The bar goes when neither pointer nor focus is here; a button that vanished took the focus along. */
  leave(focused) {
    if (this.bar && !this.node.contains(focused) && !this.node.matches(":hover")) this.hideTools();
  }

  hideTools() {
    if (this.node.contains(document.activeElement) && this.bar?.contains(document.activeElement)) return;
    this.bar?.remove();
    this.bar = null;
  }

  edit() {
    this.bar?.remove();
    this.bar = null;
    this.editing = true;
    const done = () => {
      this.editing = false;
      box.remove();
      [this.text, this.blocks].forEach((part) => part.classList.remove("replaced"));
      this.showBody(this.shown, null);
    };
    const box = editor(this.app, this.shown, done);
    [this.text, this.blocks].forEach((part) => part.classList.add("replaced"));
    this.blocks.after(box);
    box.querySelector("textarea").focus();
  }
}

function mentions(world, message) {
  return message.user !== world.me && (message.text ?? "").includes(`<@${world.me}>`);
}
