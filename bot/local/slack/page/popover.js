// One small floating panel at a time: menus, option lists, pickers.

import { h } from "./dom.js";

let current = null;

/** Open `content` beside `anchor`; closes on Escape, on an outside click and on scrolling away. Returns close(). */
export function popover(anchor, content, { cls = "", align = "start" } = {}) {
  closePopover();
  const panel = h("div", { class: `popover ${cls}` }, content);
  const host = anchor.closest("dialog") ?? document.body;
  host.append(panel);
  place(panel, anchor, align);
  const outside = (event) => panel.contains(event.target) || anchor.contains(event.target) || closePopover();
  const key = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    closePopover();
    anchor.focus();
  };
  document.addEventListener("pointerdown", outside, true);
  document.addEventListener("keydown", key, true);
  anchor.setAttribute("aria-expanded", "true");
  current = () => {
    document.removeEventListener("pointerdown", outside, true);
    document.removeEventListener("keydown", key, true);
    anchor.setAttribute("aria-expanded", "false");
    panel.remove();
    current = null;
  };
  return closePopover;
}

export function closePopover() {
  current?.();
}

function place(panel, anchor, align) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const below = at.bottom + 4 + height <= innerHeight;
  const above = at.top - 4 - height;
  const left = align === "end" ? at.right - width : at.left;
  panel.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  panel.style.top = `${below ? at.bottom + 4 : above >= 8 ? above : Math.max(8, innerHeight - height - 8)}px`;
}

/** A menu of `{label, icon?, danger?, run}` rows; null rows are separators. */
export function menu(anchor, rows, options = {}) {
  const items = rows.map((row) =>
    row === null
      ? h("hr")
      : h(
          "button",
          {
            type: "button",
            role: "menuitem",
            class: `menu-item${row.danger ? " danger" : ""}`,
            on: {
              click: () => {
                closePopover();
                row.run();
              },
            },
          },
          row.icon ?? [],
          h("span", {}, row.label),
          row.hint ? h("small", {}, row.hint) : [],
        ),
  );
  const list = h("div", { role: "menu", class: "menu" }, items);
  list.addEventListener("keydown", (event) => walk(event, list, "[role=menuitem]"));
  popover(anchor, list, options);
  list.querySelector("[role=menuitem]")?.focus();
}

/** Arrow keys move the focus among the matching children. */
export function walk(event, list, selector) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...list.querySelectorAll(selector)];
  const at = all.indexOf(document.activeElement);
  all[(at + step + all.length) % all.length]?.focus();
}
