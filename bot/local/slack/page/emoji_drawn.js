// Emoji that carry state in this product, as SVG: they look the same whether or not an emoji font is installed.

const disc = (colour) => [
  ["circle", { cx: 10, cy: 10, r: 8, fill: colour }],
  ["circle", { cx: 10, cy: 10, r: 7.4, fill: "none", stroke: "#0002", "stroke-width": 1.2 }],
];
const stroke = (d, colour, width = 2.6) => [
  "path",
  {
    d,
    fill: "none",
    stroke: colour,
    "stroke-width": width,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  },
];
const tile = (colour) => ["rect", { x: 1.5, y: 1.5, width: 17, height: 17, rx: 3, fill: colour }];
const THUMB =
  "M6.5 9.2V17H3.5V9.2zM7.5 9.2l3-6.7c1.5 0 2.3 1 2.3 2.3v3h3.4c1.1 0 1.8.9 1.6 1.9l-1.2 5.6c-.2 1-1 1.7-2 1.7H7.5z";

/** Name to SVG shapes, each a tag and its attributes. */
export const DRAWN = {
  large_green_circle: disc("#2bac76"),
  red_circle: disc("#e01e5a"),
  large_yellow_circle: disc("#f2c744"),
  large_blue_circle: disc("#36a4f4"),
  large_orange_circle: disc("#f0883a"),
  large_purple_circle: disc("#9b59d0"),
  white_circle: disc("#e8e8e8"),
  black_circle: disc("#3a3a3c"),
  white_check_mark: [tile("#2bac76"), stroke("M5.5 10.5l3 3 6-7", "#fff")],
  heavy_check_mark: [stroke("M3.5 11l4 4.5L16.5 5", "#2bac76", 3)],
  x: [stroke("M4 4l12 12M16 4L4 16", "#e0354b", 3.6)],
  heavy_plus_sign: [stroke("M10 3.5v13M3.5 10h13", "#7c8a99", 3.4)],
  warning: [
    ["path", { d: "M10 2L19 17.5H1z", fill: "#f7c948", stroke: "#d9a514", "stroke-linejoin": "round" }],
    stroke("M10 7.5v4.5", "#3a2f0b", 2),
    ["circle", { cx: 10, cy: 14.7, r: 1.2, fill: "#3a2f0b" }],
  ],
  "+1": [
    [
      "path",
      { d: THUMB, fill: "#ffc83d", stroke: "#c8921a", "stroke-width": 0.7, "stroke-linejoin": "round" },
    ],
  ],
  "-1": [
    [
      "path",
      {
        d: THUMB,
        transform: "translate(0 20) scale(1 -1)",
        fill: "#ffc83d",
        stroke: "#c8921a",
        "stroke-width": 0.7,
        "stroke-linejoin": "round",
      },
    ],
  ],
  eyes: [
    ["ellipse", { cx: 5.5, cy: 10, rx: 4, ry: 6, fill: "#fff", stroke: "#777" }],
    ["ellipse", { cx: 14.5, cy: 10, rx: 4, ry: 6, fill: "#fff", stroke: "#777" }],
    ["circle", { cx: 4.3, cy: 11, r: 2.1, fill: "#222" }],
    ["circle", { cx: 13.3, cy: 11, r: 2.1, fill: "#222" }],
  ],
  tada: [
    ["path", { d: "M2 18.5L7 7l6 6z", fill: "#f2b134", stroke: "#c98a12", "stroke-width": 0.7 }],
    stroke("M10 6c.3-2 1.5-3 3-3M14 10c2-.3 3 .3 3.5 1.5", "#e0354b", 1.5),
    ["circle", { cx: 16, cy: 5.5, r: 1.2, fill: "#36a4f4" }],
    ["circle", { cx: 8, cy: 3, r: 1.1, fill: "#2bac76" }],
    ["circle", { cx: 18, cy: 8.5, r: 0.9, fill: "#9b59d0" }],
  ],
  hourglass_flowing_sand: [
    [
      "path",
      {
        d: "M5 2.5h10v2c0 2.5-3.5 4-3.5 5.5s3.5 3 3.5 5.5v2H5v-2C5 13 8.5 11.5 8.5 10S5 7 5 4.5z",
        fill: "#f3dfae",
        stroke: "#8d6e3a",
      },
    ],
    stroke("M4 2h12M4 18h12", "#8d6e3a", 1.8),
  ],
  rotating_light: [
    ["path", { d: "M5 14.5V10a5 5 0 0 1 10 0v4.5z", fill: "#e0354b" }],
    ["rect", { x: 3.5, y: 14.5, width: 13, height: 3, rx: 1, fill: "#5c6773" }],
    stroke("M10 1.2v1.3M3.6 3.8l1 1M16.4 3.8l-1 1", "#f0883a", 1.5),
  ],
  lock: [
    ["rect", { x: 4, y: 9, width: 12, height: 8.5, rx: 1.5, fill: "#f2b134" }],
    stroke("M6.8 9V6.5a3.2 3.2 0 0 1 6.4 0V9", "#8796a5", 1.9),
  ],
  no_entry_sign: [
    ["circle", { cx: 10, cy: 10, r: 7.5, fill: "none", stroke: "#e0354b", "stroke-width": 2.6 }],
    stroke("M5 5l10 10", "#e0354b"),
  ],
  no_entry: [["circle", { cx: 10, cy: 10, r: 8.5, fill: "#e0354b" }], stroke("M6 10h8", "#fff", 3)],
  speech_balloon: [
    [
      "path",
      {
        d: "M10 3c5 0 8.5 2.7 8.5 6.3s-3.5 6.3-8.5 6.3c-.9 0-1.8-.1-2.6-.3L4 17.3l.7-3.2C2.7 13 1.5 11.3 1.5 9.3 1.5 5.7 5 3 10 3z",
        fill: "#fff",
        stroke: "#7c8a99",
        "stroke-width": 1.2,
      },
    ],
    stroke("M6.5 9.3h.1M10 9.3h.1M13.5 9.3h.1", "#7c8a99", 2),
  ],
  mag: [
    ["circle", { cx: 8.5, cy: 8.5, r: 5.5, fill: "#cfe8fb", stroke: "#5c6773", "stroke-width": 1.8 }],
    stroke("M12.8 12.8L17.5 17.5", "#8d6e3a", 2.8),
  ],
  information_source: [
    tile("#36a4f4"),
    stroke("M10 9v5.5", "#fff", 2.4),
    ["circle", { cx: 10, cy: 5.8, r: 1.4, fill: "#fff" }],
  ],
};
