// The pane at the right: one message and its replies.

import { h, iconButton } from "./dom.js";
import { Composer } from "./composer.js";
import { MessageList } from "./message_list.js";

export class Thread {
  constructor(app) {
    this.app = app;
    this.list = new MessageList(app, { inThread: true });
    this.composer = new Composer(app, () => ({
      channel: app.place.channel,
      thread_ts: app.place.thread,
      label: "Reply…",
    }));
    this.title = h("span", { class: "thread-channel" });
    this.status = h("div", { class: "thread-status", role: "status" });
    this.node = h(
      "aside",
      { class: "thread", "aria-label": "Thread" },
      h(
        "header",
        { class: "conversation-head" },
        h("h2", {}, "Thread", this.title),
        h("span", { class: "grow" }),
        iconButton("close", "Close thread", () => app.closeThread()),
      ),
      this.list.node,
      this.status,
      this.composer.node,
    );
  }

  moved() {
    const { place, world } = this.app;
    this.node.hidden = !place.thread;
    document.body.classList.toggle("with-thread", Boolean(place.thread));
    if (!place.thread) return;
    const channel = world.channel(place.channel);
    this.title.textContent = channel?.kind === "dm" ? (world.bot?.name ?? "") : `# ${channel?.name ?? ""}`;
    this.list.toEnd();
    this.composer.moved();
    this.refresh();
  }

  refresh() {
    const { place, world } = this.app;
    if (!place.thread) return;
    this.list.show(world.thread(place.channel, place.thread));
    const status = world.statuses.get(`${place.channel}/${place.thread}`);
    const stop = () => this.app.act({ do: "stop", channel: place.channel, thread_ts: place.thread });
    this.status.replaceChildren(
      ...(status
        ? [
            `${world.bot?.name} ${status}`,
            h("button", { type: "button", class: "text-button", on: { click: stop } }, "Stop"),
          ]
        : []),
    );
  }
}
