// Every kind of select: one button that opens a filtered list of options, fixed or asked from the app.

import { h, icon } from "./dom.js";
import { text } from "./mrkdwn.js";
import { closePopover, popover, walk } from "./popover.js";

const SUGGEST_AFTER = 200;

/** How each kind names its selection, and where its options come from. */
const KINDS = {
  static: { one: "option", many: "options", initial: "option", source: fixed },
  external: { one: "option", many: "options", initial: "option", source: asked },
  users: { one: "user", many: "users", initial: "user", source: people },
  conversations: {
    one: "conversation",
    many: "conversations",
    initial: "conversation",
    source: conversations,
  },
  channels: { one: "channel", many: "channels", initial: "channel", source: channels },
};

/** `static_select`, `multi_users_select`, ...; null when the type is not a select. */
export function select(surface, block, element, onChange) {
  const found = /^(multi_)?(static|external|users|conversations|channels)_select$/.exec(element.type);
  return found && new Select(surface, block, element, KINDS[found[2]], Boolean(found[1]), onChange).node;
}

class Select {
  constructor(surface, block, element, kind, multiple, onChange) {
    Object.assign(this, { surface, block, element, kind, multiple, onChange });
    this.plainIds = kind.one !== "option";
    this.chosen = this.initial();
    this.label = h("span", { class: "select-label" });
    this.node = h(
      "button",
      {
        type: "button",
        class: "select",
        "aria-haspopup": "listbox",
        "aria-expanded": "false",
        data: { action: element.action_id ?? "" },
        on: { click: () => this.open() },
      },
      this.label,
      icon("down"),
    );
    this.show();
  }

  get state() {
    const values = this.chosen.map((option) => (this.plainIds ? option.value : option));
    const { one, many } = this.kind;
    const selection = this.multiple
      ? { [`selected_${many}`]: values }
      : { [`selected_${one}`]: values[0] ?? null };
    return { type: this.element.type, ...selection };
  }

  initial() {
    const given = this.multiple
      ? this.element[`initial_${this.kind.many}`]
      : this.element[`initial_${this.kind.initial}`];
    const saved = this.surface.state.get(this.block.block_id, this.element.action_id);
    const kept =
      saved && (this.multiple ? saved[`selected_${this.kind.many}`] : saved[`selected_${this.kind.one}`]);
    const values = [kept ?? given ?? []].flat().filter(Boolean);
    return values.map((value) => (this.plainIds ? this.named(value) : value));
  }

  named(id) {
    const { world } = this.surface;
    const user = world.user(id);
    return {
      value: id,
      text: {
        type: "plain_text",
        text: user ? user.real_name : `#${world.channel(id)?.name ?? id}`,
        emoji: false,
      },
    };
  }

  show() {
    const empty = this.chosen.length === 0;
    const { world } = this.surface;
    const fallback = this.multiple ? "Select options" : "Select an option";
    const parts = this.chosen.map((option) =>
      h("span", { class: this.multiple ? "chip" : "" }, text(world, option.text)),
    );
    this.label.replaceChildren(
      ...(empty ? text(world, this.element.placeholder ?? { type: "plain_text", text: fallback }) : parts),
    );
    this.node.classList.toggle("empty", empty);
    this.surface.state.set(this.block.block_id, this.element.action_id, this.state, true);
  }

  open() {
    this.list = h("div", {
      role: "listbox",
      class: "options",
      "aria-multiselectable": this.multiple ? "true" : undefined,
    });
    const external = this.kind.source === asked;
    const filter = h("input", {
      type: "text",
      class: "filter",
      placeholder: external ? "Type to search" : "Search",
      "aria-label": "Search options",
      on: { input: () => this.refresh(filter.value, external ? SUGGEST_AFTER : 0) },
    });
    const panel = h(
      "div",
      { class: "select-panel", on: { keydown: (event) => walk(event, panel, "input, [role=option]") } },
      filter,
      this.list,
    );
    popover(this.node, panel, { cls: "select-popover" });
    filter.focus();
    this.refresh("", 0);
  }

  refresh(query, delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      this.list.replaceChildren(h("div", { class: "hint-row" }, "Loading…"));
      const groups = await this.kind.source(this, query);
      const rows = groups.flatMap((group) => [
        group.label ? h("div", { class: "group-label" }, text(this.surface.world, group.label)) : [],
        group.options.map((option) => this.row(option)),
      ]);
      this.list.replaceChildren(
        ...(rows.flat().length ? rows.flat() : [h("div", { class: "hint-row" }, "No results")]),
      );
    }, delay);
  }

  row(option) {
    const selected = this.chosen.some((one) => one.value === option.value);
    const { world } = this.surface;
    return h(
      "button",
      {
        type: "button",
        role: "option",
        class: "option",
        "aria-selected": String(selected),
        data: { value: option.value },
        on: { click: (event) => this.choose(option, event.currentTarget) },
      },
      h(
        "span",
        { class: "option-text" },
        text(world, option.text),
        option.description ? h("small", {}, text(world, option.description)) : [],
      ),
      selected ? icon("check") : [],
    );
  }

  choose(option, row) {
    const had = this.chosen.some((one) => one.value === option.value);
    if (!this.multiple) {
      this.chosen = [option];
      closePopover();
      this.node.focus();
    } else {
      const limit = this.element.max_selected_items ?? Infinity;
      if (!had && this.chosen.length >= limit) return;
      this.chosen = had ? this.chosen.filter((one) => one.value !== option.value) : [...this.chosen, option];
      row.replaceWith(this.row(option));
    }
    this.show();
    this.onChange(this.state, this.node);
  }
}

function matching(options, query) {
  const wanted = query.trim().toLowerCase();
  return options.filter((option) => (option.text?.text ?? "").toLowerCase().includes(wanted));
}

async function fixed({ element }, query) {
  const groups = element.option_groups ?? [{ options: element.options ?? [] }];
  return groups
    .map((group) => ({ ...group, options: matching(group.options, query) }))
    .filter((group) => group.options.length);
}

async function asked({ element, block, surface }, query) {
  if (query.length < (element.min_query_length ?? 3))
    return [{ options: [], label: { type: "plain_text", text: "Keep typing to search" } }];
  const answer = await surface.suggest({
    block_id: block.block_id,
    action_id: element.action_id,
    value: query,
  });
  return answer.option_groups ?? [{ options: answer.options ?? [] }];
}

async function people(control, query) {
  const users = control.surface.world.people().filter((user) => !user.is_bot);
  return [
    {
      options: matching(
        users.map((user) => control.named(user.id)),
        query,
      ),
    },
  ];
}

async function channels(control, query) {
  const all = control.surface.world.channels().filter((channel) => channel.kind !== "dm");
  return [
    {
      options: matching(
        all.map((channel) => control.named(channel.id)),
        query,
      ),
    },
  ];
}

async function conversations(control, query) {
  const [rooms, users] = await Promise.all([channels(control, query), people(control, query)]);
  return [...rooms, ...users];
}
