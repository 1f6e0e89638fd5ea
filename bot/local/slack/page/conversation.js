// The middle: a channel or the app, with its header, tabs, messages and composer.

import { h, icon, iconButton } from "./dom.js";
import { avatar } from "./avatar.js";
import { Composer } from "./composer.js";
import { Home } from "./home.js";
import { MessageList } from "./message_list.js";

export class Conversation {
  constructor(app) {
    this.app = app;
    this.list = new MessageList(app, { top: () => this.beginning() });
    this.composer = new Composer(app, () => this.target());
    this.home = new Home(app);
    this.head = h("header", { class: "conversation-head" });
    this.tabs = h("div", { class: "tabs", role: "tablist" });
    this.node = h(
      "main",
      { class: "conversation" },
      this.head,
      this.tabs,
      this.list.node,
      this.composer.node,
      this.home.node,
    );
  }

  get channel() {
    return this.app.world.channel(this.app.place.channel);
  }

  target() {
    const { world, place } = this.app;
    const dm = this.channel?.kind === "dm";
    return {
      channel: place.channel,
      label: `Message ${dm ? world.bot?.name : `#${this.channel?.name ?? ""}`}`,
    };
  }

  /** Draw the place we are at, from the start. */
  moved() {
    this.drawHead();
    const home = Boolean(this.app.place.home);
    this.home.node.hidden = !home;
    this.list.node.hidden = this.composer.node.hidden = home || !this.channel;
    if (home) return this.home.show();
    this.list.toEnd();
    this.composer.moved();
    return this.refresh();
  }

  refresh() {
    const { world, place } = this.app;
    if (place.home) return this.home.show();
    return this.list.show(world.mainline(place.channel));
  }

  drawHead() {
    const { app, channel } = this;
    const { world, place } = app;
    const back = iconButton("left", "Channels", () => app.showSidebar(), "to-sidebar");
    if (!channel) return this.head.replaceChildren(back, h("h2", {}, "No channel"));
    const dm = channel.kind === "dm";
    const name = dm
      ? [avatar(world.bot, "small"), world.bot?.name ?? "", h("span", { class: "badge" }, "APP")]
      : [channel.is_ext_shared ? icon("link") : h("span", { class: "hash" }, "#"), channel.name];
    const members =
      dm || !channel.members
        ? []
        : h(
            "span",
            {
              class: "member-count",
              title: channel.members.map((id) => world.user(id)?.real_name ?? id).join(", "),
            },
            channel.members.slice(0, 3).map((id) => avatar(world.user(id), "tiny")),
            String(channel.members.length),
          );
    this.head.replaceChildren(
      back,
      h("h2", {}, name),
      h(
        "span",
        { class: "topic" },
        channel.is_ext_shared ? h("span", { class: "badge guest" }, "SHARED") : [],
        channel.topic ?? "",
      ),
      h("span", { class: "grow" }),
      members,
    );
    this.tabs.hidden = !dm;
    const tab = (label, home) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          "aria-selected": String(Boolean(place.home) === home),
          class: "tab",
          on: { click: () => (home ? app.openHome() : app.openMessages()) },
        },
        label,
      );
    return this.tabs.replaceChildren(...(dm ? [tab("Home", true), tab("Messages", false)] : []));
  }

  beginning() {
    const { channel } = this;
    if (!channel) return [];
    if (channel.kind === "dm")
      return h(
        "div",
        { class: "beginning" },
        avatar(this.app.world.bot, "large"),
        h("h3", {}, this.app.world.bot?.name),
        h(
          "p",
          {},
          "This is the very beginning of your direct messages with this app. Only you can see them.",
        ),
      );
    return h(
      "div",
      { class: "beginning" },
      h("h3", {}, "# ", channel.name),
      h("p", {}, `This is the very beginning of the ${channel.name} channel. ${channel.topic ?? ""}`),
    );
  }
}
