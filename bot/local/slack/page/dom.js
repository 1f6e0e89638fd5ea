// Building DOM nodes from data without ever parsing data as markup.

const SVG = "http://www.w3.org/2000/svg";
const OPENABLE = new Set(["http:", "https:", "mailto:", "tel:"]);

/** An element; props set attributes, `on` listeners, `data` dataset entries; children are nodes or text. */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function s(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on")
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "value" || name === "checked" || name === "disabled") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

/** The address when a browser may safely open it, otherwise null. `javascript:` and friends are inert. */
export function safeUrl(address) {
  try {
    const url = new URL(address, location.href);
    return OPENABLE.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

const MESSAGE = /^\/archives\/([A-Z0-9]+)\/p(\d+)(\d{6})$/;

/** The place in this page that the address of a message names, else null. */
function ownPlace(href) {
  const url = new URL(href);
  const found = url.origin === location.origin && MESSAGE.exec(url.pathname);
  if (!found) return null;
  const [, channel, seconds, rest] = found;
  const query = new URLSearchParams(location.search);
  query.delete("tab");
  query.set("channel", channel);
  query.set("thread", url.searchParams.get("thread_ts") ?? `${seconds}.${rest}`);
  return `?${query}`;
}

/** A link that opens in a new tab, or plain text when the address is not safe. */
export function link(address, ...children) {
  const href = safeUrl(address);
  const place = href && ownPlace(href);
  if (place) return h("a", { href: place }, ...children);
  if (!href) return h("span", { class: "dead-link", title: "This address cannot be opened" }, ...children);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

/** The address of an image the page's policy lets it load (same origin or data), otherwise null. */
export function ownImage(address) {
  if (typeof address !== "string") return null;
  if (/^data:image\/(png|jpeg|gif|webp|svg\+xml)[;,]/.test(address)) return address;
  try {
    const url = new URL(address, location.href);
    if (url.origin === location.origin) return url.href;
    const sameServer = url.port === location.port && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname);
    return sameServer ? url.pathname + url.search : null;
  } catch {
    return null;
  }
}

/** An image, or a frame with its alternative text where the policy forbids loading it. */
export function image(address, alt, cls) {
  const source = ownImage(address);
  if (source) return h("img", { src: source, alt: alt ?? "", class: cls, loading: "lazy" });
  return h(
    "span",
    { class: `${cls} image-placeholder`, role: "img", "aria-label": alt ?? "image", title: alt ?? "" },
    icon("picture"),
    cls === "block-image" ? h("small", {}, alt || "image") : null,
  );
}

const PATHS = {
  smile:
    "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15ZM7.3 8.2v.1M12.7 8.2v.1M6.7 11.8c.8 1.4 2 2.1 3.3 2.1s2.5-.7 3.3-2.1",
  reply:
    "M10 3c-4.2 0-7.5 2.7-7.5 6.3 0 1.9.9 3.5 2.4 4.7L4.2 17l3.3-1.5c.8.2 1.6.3 2.5.3 4.2 0 7.5-2.8 7.5-6.4S14.2 3 10 3Z",
  more: "M10 4.6v.1M10 10v.1M10 15.4v.1",
  edit: "M4 16l.8-3.5L13.5 3.8a1.4 1.4 0 0 1 2 0l.7.7a1.4 1.4 0 0 1 0 2L7.5 15.2 4 16Z",
  trash: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 11h7.6l.7-11M8.5 8.5v5M11.5 8.5v5",
  down: "M5.5 8l4.5 4.5L14.5 8",
  right: "M8 5.5l4.5 4.5L8 14.5",
  left: "M12 5.5L7.5 10l4.5 4.5",
  close: "M5 5l10 10M15 5L5 15",
  send: "M3.5 4l13 6-13 6 2-6-2-6ZM5.5 10H11",
  plus: "M10 4v12M4 10h12",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5ZM10 12.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6Z",
  picture: "M3 4.5h14v11H3zM3 13l4-4 3.5 3.5 2-2L17 14.5M13 7.5v.1",
  file: "M5 2.5h6.5L15 6v11.5H5zM11.5 2.5V6H15M7.5 10h5M7.5 13h5",
  download: "M10 3v9M6 8.5l4 4 4-4M4 16.5h12",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  moon: "M16 12.5A6.8 6.8 0 0 1 7.5 4a6.8 6.8 0 1 0 8.5 8.5Z",
  link: "M8.5 11.5a3 3 0 0 0 4.2 0l2.6-2.6a3 3 0 1 0-4.2-4.2L10 5.8M11.5 8.5a3 3 0 0 0-4.2 0l-2.6 2.6a3 3 0 1 0 4.2 4.2L10 14.2",
  at: "M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM13 7v4.2c0 2.6 4.5 2.4 4.5-1.2A7.5 7.5 0 1 0 14 16.3",
  bolt: "M11 2.5L4.5 11.5H9l-.8 6L15 8.5h-4.5l.5-6Z",
  code: "M7 6L3 10l4 4M13 6l4 4-4 4",
  list: "M8 5.5h9M8 10h9M8 14.5h9M3.8 5.5h.1M3.8 10h.1M3.8 14.5h.1",
  quote: "M4 4v12M8 6h9M8 10h9M8 14h6",
  block: "M3 4h14v12H3zM8 8l-2 2 2 2M12 8l2 2-2 2",
  warn: "M10 3.5L2.5 16.5h15L10 3.5ZM10 8.5v3.5M10 14.3v.1",
  info: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15ZM10 9v5M10 6.3v.1",
  check: "M4.5 10.5l3.5 3.5 7.5-8",
  up: "M6.5 9v7.5H4V9h2.5Zm0 0L9.5 3c1.2 0 2 .9 2 2.1V8h4c.9 0 1.5.8 1.3 1.7l-1.1 5.4c-.2.8-.8 1.4-1.7 1.4H6.5",
  thumbdown:
    "M6.5 11V3.5H4V11h2.5Zm0 0l3 6c1.2 0 2-.9 2-2.1V12h4c.9 0 1.5-.8 1.3-1.7l-1.1-5.4c-.2-.8-.8-1.4-1.7-1.4H6.5",
};

/** A line icon, drawn in the text's colour and hidden from screen readers. */
export function icon(name) {
  return s(
    "svg",
    { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" },
    s("path", {
      d: PATHS[name] ?? PATHS.info,
      fill: "none",
      stroke: "currentColor",
      "stroke-width": name === "more" ? "2.6" : "1.6",
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
    }),
  );
}

/** A button that shows an icon and says `label` to screen readers and on hover. */
export function iconButton(name, label, onClick, cls = "") {
  return h(
    "button",
    {
      type: "button",
      class: `icon-button ${cls}`,
      "aria-label": label,
      title: label,
      on: { click: onClick },
    },
    icon(name),
  );
}
