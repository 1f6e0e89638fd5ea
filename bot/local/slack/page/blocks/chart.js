// `data_visualization`: line, bar, area and pie charts drawn as SVG, with axes and a legend.

import { h, s } from "../dom.js";

const WIDTH = 600;
const HEIGHT = 250;
const EDGE = { left: 56, right: 14, top: 12, bottom: 44 };
const COLOURS = 8;

export function chart(surface, spec) {
  const { chart: data = {}, title } = spec;
  const pie = data.type === "pie";
  const drawing = pie ? drawPie(data.segments ?? []) : drawAxes(data);
  const names = pie
    ? (data.segments ?? []).map((part) => `${part.label} ${share(part, data.segments)}`)
    : (data.series ?? []).map((one) => one.name);
  const legend =
    pie || names.length > 1
      ? h(
          "ul",
          { class: "legend" },
          names.map((name, index) =>
            h(
              "li",
              {},
              s(
                "svg",
                { viewBox: "0 0 10 10", "aria-hidden": "true" },
                s("rect", { width: 10, height: 10, rx: 2, class: `fill-${index % COLOURS}` }),
              ),
              String(name),
            ),
          ),
        )
      : [];
  return h(
    "figure",
    { class: `chart chart-${pie ? "pie" : "axes"}` },
    h("figcaption", {}, String(title ?? "")),
    h("div", { class: "chart-body" }, drawing, legend),
    numbers(data, pie),
  );
}

/** The same numbers as a table, for people who cannot see the drawing. */
function numbers(data, pie) {
  const series = pie ? [{ name: "value", data: data.segments ?? [] }] : (data.series ?? []);
  const labels = pie ? (data.segments ?? []).map((part) => part.label) : categories(data);
  return h(
    "table",
    { class: "visually-hidden" },
    labels.map((label) =>
      h(
        "tr",
        {},
        h("th", {}, String(label)),
        series.map((one) => h("td", {}, String(value(one, label) ?? ""))),
      ),
    ),
  );
}

function categories(data) {
  return data.axis_config?.categories ?? (data.series?.[0]?.data ?? []).map((point) => point.label);
}

function value(series, label) {
  const point = (series.data ?? []).find((one) => one.label === label);
  return point && Number.isFinite(Number(point.value)) ? Number(point.value) : null;
}

function share(part, all) {
  const total = all.reduce((sum, one) => sum + Math.max(Number(one.value) || 0, 0), 0);
  return total ? `${Math.round((100 * Math.max(Number(part.value) || 0, 0)) / total)} %` : "";
}

function drawAxes(data) {
  const labels = categories(data);
  const all = (data.series ?? [])
    .flatMap((one) => labels.map((label) => value(one, label)))
    .filter((one) => one !== null);
  const scale = niceScale(Math.min(0, ...all), Math.max(0, ...all));
  const plot = new Plot(data, labels, scale);
  const marks =
    { bar: () => plot.bars(), area: () => plot.lines(true), line: () => plot.lines(false) }[data.type] ??
    (() => plot.lines(false));
  return s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${data.type} chart`, class: "plot" },
    plot.grid(),
    marks(),
    plot.titles(),
  );
}

/** Round steps that cover the values. */
function niceScale(low, high) {
  const span = high - low || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const from = Math.floor(low / step) * step;
  const to = Math.ceil(high / step) * step || step;
  return { from, to, step };
}

class Plot {
  constructor(data, labels, scale) {
    Object.assign(this, { data, labels, scale, series: data.series ?? [] });
    this.wide = WIDTH - EDGE.left - EDGE.right;
    this.high = HEIGHT - EDGE.top - EDGE.bottom;
  }

  y(number) {
    return EDGE.top + this.high * (1 - (number - this.scale.from) / (this.scale.to - this.scale.from));
  }

  /** The middle of a category's share of the axis. */
  x(index) {
    return EDGE.left + (this.wide * (index + 0.5)) / Math.max(this.labels.length, 1);
  }

  grid() {
    const { from, to, step } = this.scale;
    const ticks = Array.from(
      { length: Math.round((to - from) / step) + 1 },
      (unused, index) => from + index * step,
    );
    const every = Math.ceil(this.labels.length / 10);
    return [
      ticks.map((tick) => [
        s("line", {
          x1: EDGE.left,
          x2: WIDTH - EDGE.right,
          y1: this.y(tick),
          y2: this.y(tick),
          class: tick === 0 ? "axis" : "gridline",
        }),
        s(
          "text",
          { x: EDGE.left - 8, y: this.y(tick) + 4, "text-anchor": "end", class: "tick" },
          short(tick),
        ),
      ]),
      this.labels.map((label, index) =>
        index % every
          ? []
          : s(
              "text",
              {
                x: this.x(index),
                y: HEIGHT - EDGE.bottom + 18,
                "text-anchor": "middle",
                class: (index / every) % 2 ? "tick odd" : "tick",
              },
              String(label),
            ),
      ),
    ];
  }

  titles() {
    const { x_label: below, y_label: beside } = this.data.axis_config ?? {};
    return [
      below
        ? s(
            "text",
            { x: EDGE.left + this.wide / 2, y: HEIGHT - 6, "text-anchor": "middle", class: "axis-title" },
            below,
          )
        : [],
      beside
        ? s(
            "text",
            {
              transform: `translate(13 ${EDGE.top + this.high / 2}) rotate(-90)`,
              "text-anchor": "middle",
              class: "axis-title",
            },
            beside,
          )
        : [],
    ];
  }

  bars() {
    const slot = (this.wide / Math.max(this.labels.length, 1)) * 0.72;
    const thick = Math.min(slot / Math.max(this.series.length, 1), 46);
    return this.series.flatMap((one, row) =>
      this.labels.map((label, index) => {
        const number = value(one, label);
        if (number === null) return [];
        const left = this.x(index) - (thick * this.series.length) / 2 + thick * row;
        const [top, bottom] = [this.y(Math.max(number, 0)), this.y(Math.min(number, 0))];
        return s(
          "rect",
          {
            x: left + 1,
            y: top,
            width: Math.max(thick - 2, 1),
            height: Math.max(bottom - top, 0.5),
            rx: 2,
            class: `fill-${row % COLOURS}`,
          },
          tip(one.name, label, number),
        );
      }),
    );
  }

  lines(filled) {
    return this.series.map((one, row) => {
      const points = this.labels
        .map((label, index) => ({ label, number: value(one, label), x: this.x(index) }))
        .filter((point) => point.number !== null);
      if (!points.length) return [];
      const path = points
        .map((point, index) => `${index ? "L" : "M"}${point.x.toFixed(1)} ${this.y(point.number).toFixed(1)}`)
        .join("");
      const floor = this.y(Math.max(0, this.scale.from));
      const area = filled
        ? s("path", {
            d: `${path}L${points.at(-1).x} ${floor}L${points[0].x} ${floor}Z`,
            class: `fill-${row % COLOURS} area`,
          })
        : [];
      const dots = points.map((point) =>
        s(
          "circle",
          { cx: point.x, cy: this.y(point.number), r: 3, class: `fill-${row % COLOURS}` },
          tip(one.name, point.label, point.number),
        ),
      );
      return [area, s("path", { d: path, class: `line stroke-${row % COLOURS}` }), dots];
    });
  }
}

function tip(series, label, number) {
  return s("title", {}, `${series ? `${series}, ` : ""}${label}: ${number}`);
}

function short(number) {
  return new Intl.NumberFormat("en", {
    notation: Math.abs(number) >= 10000 ? "compact" : "standard",
    maximumFractionDigits: 2,
  }).format(number);
}

function drawPie(segments) {
  const sizes = segments.map((part) => Math.max(Number(part.value) || 0, 0));
  const total = sizes.reduce((sum, size) => sum + size, 0) || 1;
  let turned = 0;
  const slices = sizes.map((size, index) => {
    const [from, to] = [turned, (turned += size / total)];
    const cls = `fill-${index % COLOURS} slice`;
    const name = tip("", segments[index].label, segments[index].value);
    if (to - from > 0.9999) return s("circle", { cx: 100, cy: 100, r: 92, class: cls }, name);
    return s(
      "path",
      { d: `M100 100L${spot(from)}A92 92 0 ${to - from > 0.5 ? 1 : 0} 1 ${spot(to)}Z`, class: cls },
      name,
    );
  });
  return s("svg", { viewBox: "0 0 200 200", role: "img", "aria-label": "pie chart", class: "pie" }, slices);
}

function spot(turn) {
  const angle = 2 * Math.PI * turn - Math.PI / 2;
  return `${(100 + 92 * Math.cos(angle)).toFixed(2)} ${(100 + 92 * Math.sin(angle)).toFixed(2)}`;
}
