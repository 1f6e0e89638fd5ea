// `table` and `data_table`: rows of raw text, numbers and rich text; data tables turn pages and sort.

import { h, icon } from "../dom.js";
import { plain } from "../mrkdwn.js";
import { richText } from "../richtext.js";

const PAGE = 5;

export function table(surface, spec) {
  const [head, ...rows] = spec.rows ?? [];
  const settings = spec.column_settings ?? [];
  const line = (row, tag) =>
    h(
      "tr",
      {},
      row.map((cell, column) => h(tag, { class: looks(settings[column]) }, content(surface, cell))),
    );
  return h(
    "div",
    { class: "table-frame" },
    h(
      "table",
      { class: "table" },
      h("thead", {}, head ? line(head, "th") : []),
      h(
        "tbody",
        {},
        rows.map((row) => line(row, "td")),
      ),
    ),
  );
}

function looks(setting) {
  const align = ["left", "center", "right"].includes(setting?.align) ? setting.align : "left";
  return `align-${align}${setting?.is_wrapped ? " wrapped" : ""}`;
}

function content(surface, cell) {
  if (cell?.type === "rich_text") return richText(surface.world, cell);
  if (cell?.type === "raw_number") return String(cell.text ?? cell.value ?? "");
  return plain(cell?.text ?? "", true);
}

/** A captioned table with a page of rows at a time; a click on a heading sorts by it. */
export function dataTable(surface, spec) {
  return new DataTable(surface, spec).node;
}

class DataTable {
  constructor(surface, spec) {
    const [head, ...rows] = spec.rows ?? [];
    Object.assign(this, { surface, spec, head: head ?? [], rows, page: 0, sorted: null, down: false });
    this.size = Math.min(Math.max(spec.page_size ?? PAGE, 1), 100);
    this.body = h("tbody");
    this.heading = h("tr");
    this.pager = h("div", { class: "pager" });
    this.node = h(
      "div",
      { class: "data-table" },
      h(
        "div",
        { class: "table-frame" },
        h(
          "table",
          { class: "table" },
          h("caption", {}, plain(spec.caption ?? "")),
          h("thead", {}, this.heading),
          this.body,
        ),
      ),
      this.pager,
    );
    this.show();
  }

  get pages() {
    return Math.max(1, Math.ceil(this.rows.length / this.size));
  }

  get ordered() {
    if (this.sorted === null) return this.rows;
    const key = (row) => words(row[this.sorted]);
    const compare = (one, other) => key(one).localeCompare(key(other), "en", { numeric: true });
    return [...this.rows].sort((one, other) => (this.down ? -compare(one, other) : compare(one, other)));
  }

  show() {
    const named = this.spec.row_header_column_index ?? 0;
    const from = this.page * this.size;
    const cell = (value, column) =>
      h(
        column === named ? "th" : "td",
        {
          class: value?.type === "raw_number" ? "align-right" : "align-left",
          scope: column === named ? "row" : undefined,
        },
        content(this.surface, value),
      );
    this.heading.replaceChildren(...this.head.map((value, column) => this.title(value, column)));
    this.body.replaceChildren(
      ...this.ordered.slice(from, from + this.size).map((row) => h("tr", {}, row.map(cell))),
    );
    this.turnPages(from);
  }

  title(value, column) {
    const direction = this.sorted === column ? (this.down ? "descending" : "ascending") : "none";
    const numeric = this.rows[0]?.[column]?.type === "raw_number";
    const sort = () => {
      Object.assign(this, { down: this.sorted === column && !this.down, sorted: column, page: 0 });
      this.show();
    };
    return h(
      "th",
      { "aria-sort": direction, class: numeric ? "align-right" : "align-left" },
      h(
        "button",
        { type: "button", class: "sort", on: { click: sort } },
        content(this.surface, value),
        direction === "none" ? [] : h("span", { "aria-hidden": "true" }, this.down ? " ↓" : " ↑"),
      ),
    );
  }

  turnPages(from) {
    const to = Math.min(from + this.size, this.rows.length);
    const turn = (step, name, label) =>
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": label,
          disabled: this.page + step < 0 || this.page + step >= this.pages,
          on: {
            click: () => {
              this.page += step;
              this.show();
            },
          },
        },
        icon(name),
      );
    this.pager.hidden = this.pages === 1;
    this.pager.replaceChildren(
      h("span", { class: "pager-count" }, `${from + 1} to ${to} of ${this.rows.length}`),
      turn(-1, "left", "Previous page"),
      turn(1, "right", "Next page"),
    );
  }
}

function words(cell) {
  if (cell?.type !== "rich_text") return String(cell?.text ?? cell?.value ?? "");
  return JSON.stringify(cell.elements ?? []).replace(/.*?"text":"([^"]*)"|.+/g, "$1");
}
