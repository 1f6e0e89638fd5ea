// A person's square: initials on the person's colour; the app has its own mark.

import { h, s } from "./dom.js";

/** An avatar; decorative, because the name always stands beside it. */
export function avatar(user, size = "") {
  if (user?.is_bot) return h("span", { class: `avatar bot ${size}`, "aria-hidden": "true" }, fish());
  const node = h(
    "span",
    { class: `avatar ${size}`, "aria-hidden": "true" },
    initials(user?.real_name || user?.name || "?"),
  );
  node.style.background = colour(user?.color);
  return node;
}

function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return words
    .slice(0, 2)
    .map((word) => [...word][0].toUpperCase())
    .join("");
}

function colour(value) {
  const plain = String(value ?? "").replace(/^#/, "");
  return /^[0-9a-f]{6}$/i.test(plain) ? `#${plain}` : "#6b7785";
}

/** The app's mark: a carp under its shield-shaped back. */
function fish() {
  const line = {
    fill: "none",
    stroke: "#fff",
    "stroke-width": 1.5,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  };
  return s(
    "svg",
    { viewBox: "0 0 24 24" },
    s("path", {
      ...line,
      d: "M3.5 12.5c2-4 5.5-6 9-6 3 0 5 1.5 6 3.2l2.5-1.7v8l-2.5-1.7c-1 1.7-3 3.2-6 3.2-3.5 0-7-2-9-5z",
    }),
    s("path", { ...line, d: "M10 8c1.5 2.5 1.5 5.5 0 8M13.5 7.5c1.5 2.8 1.5 6.2 0 9" }),
    s("circle", { cx: 7, cy: 11.5, r: 0.9, fill: "#fff" }),
  );
}
