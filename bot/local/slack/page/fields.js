// Elements a person types into: text, numbers, addresses, dates, times and files.

import { h } from "./dom.js";

const TYPES = {
  plain_text_input: "text",
  rich_text_input: "text",
  number_input: "text",
  email_text_input: "email",
  url_text_input: "url",
  datepicker: "date",
  timepicker: "time",
  datetimepicker: "datetime-local",
  file_input: "file",
};

/** A field for the element; null when it is not one. */
export function field(surface, block, spec, changed) {
  if (!TYPES[spec.type]) return null;
  const node = input(spec);
  const saved = surface.state.get(block.block_id, spec.action_id);
  if (spec.type !== "file_input") node.value = saved ? shown(saved) : initial(spec);
  const state = () => read(spec, node);
  surface.state.set(block.block_id, spec.action_id, state(), true);
  const picks = /date|time|file/.test(spec.type);
  node.addEventListener("input", () => surface.state.set(block.block_id, spec.action_id, state()));
  node.addEventListener("change", async () => {
    if (spec.type === "file_input") return changed({ type: spec.type, files: await contents(node) }, node);
    if (picks) changed(state(), node);
  });
  const triggers = spec.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  if (!picks && triggers.includes("on_character_entered"))
    node.addEventListener("input", () => changed(state(), node));
  if (!picks && triggers.includes("on_enter_pressed")) {
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && block.dispatch_action) changed(state(), node);
    });
  }
  return node;
}

function input(spec) {
  const shared = {
    class: "field",
    name: spec.action_id,
    placeholder: spec.placeholder?.text ?? (spec.type === "url_text_input" ? "https://" : undefined),
    maxlength: spec.max_length,
    data: { action: spec.action_id ?? "" },
    autofocus: spec.focus_on_load,
  };
  if (spec.multiline || spec.type === "rich_text_input") return h("textarea", { ...shared, rows: 4 });
  const numeric =
    spec.type === "number_input" ? { inputmode: spec.is_decimal_allowed ? "decimal" : "numeric" } : {};
  const several =
    spec.type === "file_input"
      ? { multiple: (spec.max_files ?? 10) > 1, accept: spec.filetypes?.map((type) => `.${type}`).join(",") }
      : {};
  return h("input", { ...shared, ...numeric, ...several, type: TYPES[spec.type] });
}

function initial(spec) {
  if (spec.type === "datetimepicker") return localMoment(spec.initial_date_time);
  return String(spec.initial_value ?? spec.initial_date ?? spec.initial_time ?? "");
}

function shown(saved) {
  if (saved.type === "datetimepicker") return localMoment(saved.selected_date_time);
  if (saved.type === "rich_text_input")
    return saved.rich_text_value?.elements?.[0]?.elements?.[0]?.text ?? "";
  return String(saved.value ?? saved.selected_date ?? saved.selected_time ?? "");
}

function read({ type }, node) {
  const value = node.value || null;
  switch (type) {
    case "datepicker":
      return { type, selected_date: value };
    case "timepicker":
      return { type, selected_time: value };
    case "datetimepicker":
      return { type, selected_date_time: value ? Math.floor(new Date(value).getTime() / 1000) : null };
    case "file_input":
      return { type, files: [] };
    case "rich_text_input":
      return { type, rich_text_value: value && paragraph(value) };
    default:
      return { type, value };
  }
}

function paragraph(value) {
  return {
    type: "rich_text",
    elements: [{ type: "rich_text_section", elements: [{ type: "text", text: value }] }],
  };
}

function localMoment(seconds) {
  if (!seconds) return "";
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

async function contents(node) {
  return Promise.all(
    [...node.files].map(async (file) => ({
      name: file.name,
      mimetype: file.type || "text/plain",
      size: file.size,
      content: await file.text(),
    })),
  );
}
