// Files under a message: text previews that expand, images, and a row to download anything else.

import { h, icon, ownImage } from "./dom.js";
import { fileText } from "./api.js";

const LINES = 5;

export function files(list) {
  return list.map((file) => {
    if (/^image\//.test(file.mimetype ?? "") && ownImage(file.url)) return picture(file);
    return typeof file.preview === "string" && file.preview ? snippet(file) : plainRow(file);
  });
}

function address(file) {
  return ownImage(file.url) ?? "#";
}

function title(file) {
  return file.title || file.name || "file";
}

function download(file) {
  return h(
    "a",
    {
      class: "icon-button",
      href: address(file),
      download: file.name ?? "",
      "aria-label": `Download ${title(file)}`,
      title: "Download",
    },
    icon("download"),
  );
}

function picture(file) {
  return h(
    "figure",
    { class: "file image" },
    h("figcaption", {}, title(file)),
    h(
      "a",
      { href: address(file), target: "_blank", rel: "noopener" },
      h("img", { class: "block-image", src: address(file), alt: title(file), loading: "lazy" }),
    ),
  );
}

function plainRow(file) {
  return h(
    "div",
    { class: "file file-row" },
    h("span", { class: "file-icon" }, icon("file")),
    h(
      "div",
      { class: "file-names" },
      h("b", {}, title(file)),
      h("small", {}, `${file.mimetype ?? "file"} · ${size(file.size)}`),
    ),
    download(file),
  );
}

function snippet(file) {
  const lines = file.preview.split("\n");
  const code = h(
    "pre",
    { class: "snippet-text", tabindex: "0", "aria-label": `Preview of ${title(file)}` },
    lines.slice(0, LINES).join("\n"),
  );
  const toggle = h(
    "button",
    {
      type: "button",
      class: "text-button",
      "aria-expanded": "false",
      on: { click: () => expand(file, lines, code, toggle) },
    },
    "Show more",
  );
  const longer = lines.length > LINES || (file.size ?? 0) > file.preview.length + 1;
  return h(
    "div",
    { class: "file snippet" },
    h(
      "div",
      { class: "snippet-head" },
      icon("file"),
      h("b", {}, title(file)),
      h("small", {}, size(file.size)),
      download(file),
    ),
    code,
    longer ? h("div", { class: "snippet-foot" }, toggle) : [],
  );
}

async function expand(file, lines, code, toggle) {
  const open = toggle.getAttribute("aria-expanded") === "true";
  if (!open && !code.full) {
    try {
      code.full = await fileText(address(file));
    } catch (error) {
      code.full = `${lines.join("\n")}\n\n(the rest could not be loaded: ${error.message})`;
    }
  }
  code.textContent = open ? lines.slice(0, LINES).join("\n") : code.full;
  toggle.setAttribute("aria-expanded", String(!open));
  toggle.textContent = open ? "Show more" : "Show less";
  code.classList.toggle("open", !open);
}

function size(bytes) {
  if (!Number.isFinite(bytes)) return "";
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1000000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1000000).toFixed(1)} MB`;
}
