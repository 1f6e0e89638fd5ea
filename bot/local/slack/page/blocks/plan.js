// `plan` and `task_card`: a list of tasks with their state, details that open, output and sources.

import { h, icon, link, s } from "../dom.js";
import { plain } from "../mrkdwn.js";
import { richText } from "../richtext.js";

const SAYS = { pending: "Pending", in_progress: "In progress", complete: "Complete", error: "Failed" };

export function plan(surface, spec) {
  const tasks = spec.tasks ?? [];
  const title = typeof spec.title === "string" ? spec.title : spec.title?.text;
  const done = tasks.filter((task) => task.status === "complete").length;
  return h(
    "details",
    { class: "plan", open: true, data: { key: "plan" } },
    h(
      "summary",
      { class: "plan-title" },
      overall(tasks),
      h("span", { class: "plan-name" }, plain(title ?? "Plan")),
      h("span", { class: "plan-count" }, `${done} of ${tasks.length}`),
      icon("right"),
    ),
    h(
      "ol",
      { class: "tasks" },
      tasks.map((task) => h("li", {}, taskBody(surface, task))),
    ),
  );
}

export function taskCard(surface, spec) {
  return h("div", { class: "task-card" }, taskBody(surface, spec));
}

function overall(tasks) {
  const states = new Set(tasks.map((task) => task.status));
  if (states.has("error")) return status("error");
  if (states.has("in_progress")) return status("in_progress");
  return status(tasks.length && states.size === 1 && states.has("complete") ? "complete" : "pending");
}

function taskBody(surface, spec) {
  const line = [status(spec.status), h("span", { class: "task-title" }, plain(spec.title ?? ""))];
  const parts = [
    part(surface, "details", spec.details),
    part(surface, "output", spec.output),
    sources(spec.sources),
  ].flat();
  if (!parts.length)
    return h("div", { class: `task ${spec.status}` }, h("div", { class: "task-line" }, line));
  return h(
    "details",
    { class: `task ${spec.status}`, data: { key: `task-${spec.task_id}` } },
    h("summary", { class: "task-line" }, line, icon("right")),
    h("div", { class: "task-inside" }, parts),
  );
}

function part(surface, kind, value) {
  if (!value) return [];
  return h(
    "div",
    { class: `task-${kind}` },
    typeof value === "string" ? plain(value) : richText(surface.world, value),
  );
}

function sources(list) {
  if (!list?.length) return [];
  return h(
    "div",
    { class: "sources" },
    h("span", { class: "sources-label" }, "Sources"),
    list.map((source) => link(source.url, icon("link"), source.text ?? source.url)),
  );
}

/** The state as a drawing with words for screen readers. */
export function status(state) {
  const label = SAYS[state] ?? String(state);
  return h(
    "span",
    {
      class: `status status-${SAYS[state] ? state : "pending"}`,
      role: "img",
      "aria-label": label,
      title: label,
    },
    drawing(state),
  );
}

function drawing(state) {
  const ring = (props) =>
    s("circle", {
      cx: 10,
      cy: 10,
      r: 7.5,
      fill: "none",
      stroke: "currentColor",
      "stroke-width": 2,
      ...props,
    });
  const mark = (d) =>
    s("path", {
      d,
      fill: "none",
      stroke: "#fff",
      "stroke-width": 2,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
    });
  const disc = s("circle", { cx: 10, cy: 10, r: 8.5, fill: "currentColor" });
  const inside = {
    in_progress: [ring({ opacity: 0.25 }), ring({ "stroke-dasharray": "14 40", "stroke-linecap": "round" })],
    complete: [disc, mark("M6.2 10.3l2.6 2.6 5-5.6")],
    error: [disc, mark("M7 7l6 6M13 7l-6 6")],
  }[state] ?? [ring({ "stroke-dasharray": "2.5 2.2" })];
  return s("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, inside);
}
