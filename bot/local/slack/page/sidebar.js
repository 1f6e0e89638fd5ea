// The left side: who you are, the channels, the app, and whether the bot is connected.

import { h, icon, iconButton } from "./dom.js";
import { avatar } from "./avatar.js";
import { cycleTheme, themeName } from "./theme.js";

export class Sidebar {
  constructor(app) {
    this.app = app;
    this.people = h("div", { class: "people", role: "radiogroup", "aria-label": "Acting as" });
    this.list = h("nav", { class: "channels", "aria-label": "Channels" });
    this.title = h("h1", { class: "team-name" });
    this.status = h("div", { class: "bot-status", role: "status" });
    const theme = iconButton(
      "moon",
      themeName(),
      () => {
        const name = cycleTheme();
        theme.title = name;
        theme.setAttribute("aria-label", name);
      },
      "theme",
    );
    this.rail = h(
      "aside",
      { class: "rail", "aria-label": "Acting as" },
      h("div", { class: "team-tile", "aria-hidden": "true" }, "A"),
      h("div", { class: "rail-label" }, "Acting as"),
      this.people,
      h("span", { class: "grow" }),
      theme,
    );
    this.node = h(
      "aside",
      { class: "sidebar", "aria-label": "Workspace" },
      h("header", { class: "team" }, this.title),
      this.list,
      h("span", { class: "grow" }),
      this.status,
    );
  }

  show() {
    const { world } = this.app;
    this.title.textContent = world.team.name ?? "Workspace";
    this.rail.querySelector(".team-tile").textContent = (world.team.name ?? "W").slice(0, 1);
    this.people.replaceChildren(
      ...world
        .people()
        .filter((user) => !user.is_bot)
        .map((user) => this.person(user)),
    );
    this.showStatus();
    this.showChannels();
  }

  person(user) {
    const { world } = this.app;
    const note = user.is_restricted ? " (guest)" : user.is_stranger ? " (other organisation)" : "";
    return h(
      "button",
      {
        type: "button",
        role: "radio",
        class: "person",
        "aria-checked": String(user.id === world.me),
        "aria-label": `Act as ${user.real_name}${note}`,
        title: `${user.real_name}${note}`,
        data: { user: user.id },
        on: { click: () => this.app.become(user.id) },
      },
      avatar(user, "medium"),
      h("span", {}, user.name),
    );
  }

  showStatus() {
    const { world } = this.app;
    const count = world.online;
    const words = !world.connected
      ? "Reconnecting to local Slack…"
      : count === 0
        ? "The bot is offline"
        : `${count} bot connection${count === 1 ? "" : "s"}`;
    this.status.className = `bot-status ${world.connected && count ? "on" : "off"}`;
    this.status.replaceChildren(h("span", { class: "lamp", "aria-hidden": "true" }), words);
  }

  showChannels() {
    const { world, place } = this.app;
    const rooms = world.channels().filter((one) => one.kind !== "dm");
    const parts = [
      h("h2", {}, "Channels"),
      rooms.map((one) => this.channel(one, place.channel === one.id && !place.home)),
    ];
    if (world.dm) parts.push(h("h2", {}, "Apps"), this.appRow(world.dm));
    this.list.replaceChildren(...parts.flat());
  }

  channel(one, here) {
    const sign = one.is_ext_shared
      ? h("span", { class: "hash", title: "Shared with another organisation" }, icon("link"))
      : h("span", { class: "hash" }, "#");
    return this.row(one, here, sign, one.name);
  }

  appRow(dm) {
    const { world, place } = this.app;
    return this.row(dm, place.channel === dm.id, avatar(world.bot, "tiny"), world.bot?.name ?? dm.name);
  }

  row(one, here, mark, name) {
    const unread = one.unread > 0 && !here;
    const badge = unread && one.mentions ? h("span", { class: "badge-count" }, String(one.mentions)) : [];
    return h(
      "button",
      {
        type: "button",
        class: `channel${here ? " here" : ""}${unread ? " unread" : ""}`,
        "aria-current": here ? "page" : undefined,
        data: { channel: one.id },
        on: { click: () => this.app.open(one.id) },
      },
      mark,
      h("span", { class: "channel-name" }, name),
      unread ? h("span", { class: "visually-hidden" }, ` ${one.unread} unread`) : [],
      badge,
    );
  }
}
